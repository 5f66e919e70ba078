#![no_main]

#[path = "../../gateway/wire/tests/checks/http1.rs"]
mod check;

libfuzzer_sys::fuzz_target!(|data: &[u8]| check::check(data));
