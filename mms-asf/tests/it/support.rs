//! Real files. `MMS_SAMPLES` names a directory that holds them in `asf/`; without it tests are
//! skipped, and reported as such.

use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};

use mms_asf::{FileError, FileReader};

/// Files whose header is damaged beyond use.
pub(crate) const REFUSED: [&str; 2] =
    ["broken-header-prefix-only-30-bytes.asf", "broken-skeleton-header-size-0.wma"];

/// A sample open for reading.
pub(crate) type Reader = FileReader<BufReader<File>>;

/// Names and paths of all samples, in order.
pub(crate) fn samples() -> Option<Vec<(String, PathBuf)>> {
    let name = |path: &PathBuf| path.file_name().unwrap().to_string_lossy().into_owned();
    Some(mms_tests::asf_samples()?.into_iter().map(|path| (name(&path), path)).collect())
}

/// Opens one sample.
pub(crate) fn open(path: &Path) -> Result<Reader, FileError> {
    FileReader::open(BufReader::new(File::open(path).expect("a readable sample")))
}

/// All samples that are not refused.
pub(crate) fn each_file(mut check: impl FnMut(&str, Reader)) {
    for (name, path) in samples().unwrap_or_default() {
        if !REFUSED.contains(&name.as_str()) {
            check(&name, open(&path).unwrap_or_else(|error| panic!("{name}: {error}")));
        }
    }
}
