#![no_main]
#![forbid(unsafe_code)]
#![doc = "Any bytes for `mms_fuzz::asf_push`."]
libfuzzer_sys::fuzz_target!(|data: &[u8]| mms_fuzz::run(mms_fuzz::asf_push, data));
