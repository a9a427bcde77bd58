#![no_main]
#![forbid(unsafe_code)]
#![doc = "Any bytes for `mms_fuzz::file_name`."]
libfuzzer_sys::fuzz_target!(|data: &[u8]| mms_fuzz::run(mms_fuzz::file_name, data));
