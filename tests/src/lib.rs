//! What the tests of all crates share: real files and programs that may be missing, and a word on
//! every test that was skipped because of that.
//!
//! The test harness hides what a test prints when it passes, so a skipped test looks like one that
//! proved something. [`skip`] therefore writes to the terminal itself, and takes a note that the
//! last test program of `cargo test --workspace`, `tests/summary.rs` of this crate, sums up.

use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

/// Reports that the running test skips what needs `missing`.
pub fn skip(missing: &str) {
    let thread = std::thread::current();
    let program = std::env::current_exe().ok();
    let program = program.as_deref().and_then(Path::file_stem).and_then(|name| name.to_str());
    // Cargo appends a hash to the name of a test program.
    let program = program.and_then(|name| name.rsplit_once('-')).map_or("?", |(name, _)| name);
    // Several packages have a program of the same name.
    let package =
        std::env::var("CARGO_PKG_NAME").map_or_else(|_| String::new(), |name| name + "::");
    let test = thread.name().unwrap_or("?");
    let line = format!("skipped: {package}{program}::{test}: {missing}\n");
    // Not `eprint!`: the harness captures that. Nothing depends on the line being written.
    let _ = io::stderr().write_all(line.as_bytes());
    if let Some(path) = notes() {
        note(&path, &line);
    }
}

fn note(path: &Path, line: &str) {
    let file = OpenOptions::new().create(true).append(true).open(path);
    // One write a line: test programs of other processes append to the same file.
    let _ = file.and_then(|mut file| file.write_all(line.as_bytes()));
}

/// The folder that `MMS_SAMPLES` names; without it the running test is [skipped](skip).
pub fn samples() -> Option<PathBuf> {
    let folder = std::env::var_os("MMS_SAMPLES").map(PathBuf::from);
    if folder.is_none() {
        skip("MMS_SAMPLES is not set");
    }
    folder
}

/// The real ASF files in the folder `asf` of the [samples], in order.
///
/// # Panics
/// When `MMS_SAMPLES` names a folder that holds none.
pub fn asf_samples() -> Option<Vec<PathBuf>> {
    let folder = samples()?.join("asf");
    let mut files: Vec<PathBuf> = fs::read_dir(&folder)
        .into_iter()
        .flatten()
        .filter_map(|entry| entry.ok().map(|entry| entry.path()))
        .filter(|path| path.is_file() && path.extension().is_some_and(|name| name != "md"))
        .collect();
    files.sort();
    assert!(!files.is_empty(), "there are no files in {}", folder.display());
    Some(files)
}

/// The lines of [`skip`] since the last call, in order and each once.
pub fn take_skipped() -> Vec<String> {
    notes().map(|path| take(&path)).unwrap_or_default()
}

fn take(path: &Path) -> Vec<String> {
    let notes = fs::read_to_string(path).unwrap_or_default();
    // A file that stays is summed up again the next time, and that is all.
    let _ = fs::remove_file(path);
    let mut lines: Vec<_> = notes.lines().map(str::to_owned).collect();
    lines.sort();
    lines.dedup();
    lines
}

/// The file of notes, in the folder of the build that the running test program belongs to.
fn notes() -> Option<PathBuf> {
    let program = std::env::current_exe().ok()?;
    let folder = program.ancestors().find(|folder| folder.ends_with("deps"))?.parent()?;
    Some(folder.join("skipped-tests"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notes_are_taken_once() {
        let path = notes().unwrap().with_file_name("skipped-tests-of-a-test");
        ["b\n", "a\n", "b\n"].iter().for_each(|line| note(&path, line));
        assert_eq!(take(&path), ["a", "b"]);
        assert!(!path.exists());
        assert_eq!(take(&path), Vec::<String>::new());
    }
}
