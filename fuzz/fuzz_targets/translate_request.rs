#![no_main]

#[path = "../../gateway/translate/tests/checks/translate.rs"]
#[expect(dead_code, reason = "each target is of one half")]
mod check;

libfuzzer_sys::fuzz_target!(|data: &[u8]| check::bodies(data));
