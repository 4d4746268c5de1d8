//! See `tests/checks/image.rs`.

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| cronwarden_fuzz::checks::image::check(input));
