#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| weescale::store::fuzzing::chunk(data));
