#![no_main]
#![forbid(unsafe_code)]
#![doc = "Any bytes for `mms_proto::fuzzing::both`."]
libfuzzer_sys::fuzz_target!(|data: &[u8]| mms_fuzz::run(mms_proto::fuzzing::both, data));
