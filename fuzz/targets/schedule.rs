//! See `tests/checks/schedule.rs`.

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| cronwarden_fuzz::checks::schedule::check(input));
