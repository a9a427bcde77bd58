//! Programs that may be missing.

use std::path::PathBuf;

/// Where a program is, if it is installed.
pub(crate) fn find(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join(program)).find(|file| file.is_file())
}

/// Says that a test cannot be run, and fails if it must be.
pub(crate) fn skip(program: &str) {
    mms_tests::skip(&format!("{program} is not installed"));
    let required = std::env::var_os("MMS_REQUIRE_PEERS").is_some_and(|value| value == "1");
    assert!(!required, "{program} is not installed, and MMS_REQUIRE_PEERS=1 demands it");
}

/// True when the program is there; otherwise says so.
pub(crate) fn is_here(program: &str) -> bool {
    let here = find(program).is_some();
    if !here {
        skip(program);
    }
    here
}
