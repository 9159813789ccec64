#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| weescale_fuzz::scrape::fuzzing::exposition(data));
