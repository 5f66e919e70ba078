#![no_main]

#[path = "../../gateway/json/tests/checks/json_object.rs"]
mod check;

libfuzzer_sys::fuzz_target!(|data: &[u8]| check::check(data));
