//! See `tests/checks/manifest.rs`.

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| cronwarden_fuzz::checks::manifest::check(input));
