//! See `tests/checks/approval.rs`.

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| cronwarden_fuzz::checks::approval::check(input));
