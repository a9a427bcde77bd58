#![no_main]
#![doc = "Any bytes for `mms_proto::fuzzing::both`."]
libfuzzer_sys::fuzz_target!(|data: &[u8]| mms_fuzz::run(mms_proto::fuzzing::both, data));
