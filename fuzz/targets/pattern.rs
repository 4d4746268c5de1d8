//! See `tests/checks/pattern.rs`.

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| cronwarden_fuzz::checks::pattern::check(input));
