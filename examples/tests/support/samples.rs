//! Real files, where they are.

use std::fs;
use std::path::{Path, PathBuf};

/// All files of the samples in order; none without `MMS_SAMPLES`.
pub(crate) fn samples() -> Vec<PathBuf> {
    let Some(folder) = std::env::var_os("MMS_SAMPLES") else {
        println!("skipped: MMS_SAMPLES is not set");
        return Vec::new();
    };
    let entries = fs::read_dir(Path::new(&folder).join("asf")).unwrap();
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}
