//! Why nothing was written, where, and what to do about it.

use std::io;
use std::path::PathBuf;

use mms_asf::FileError;
use serde_json::{Value, json};

use super::Options;
use crate::files::{advice, input_name, not_asf_file, output_name, shown};

/// Why there is no new file.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Failure {
    /// The input cannot be opened or read.
    #[error("{path}: cannot be read: {error}; check the name and the permissions", path = input_name(.path))]
    Unreadable {
        /// The input.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// A folder, a pipe or a device.
    #[error("{path}: is no regular file; name a .wmv, .wma or .asf file", path = shown(.0))]
    NoFile(PathBuf),
    /// The output is there, and nothing was said about that.
    #[error("{path} exists already; replace it with --force or choose another name with -o", path = shown(.0))]
    Exists(PathBuf),
    /// The output is the input.
    #[error("{path} is the file to read from; choose another name with -o", path = shown(.0))]
    Same(PathBuf),
    /// The folder that the output should be in is not there.
    #[error("cannot write {path}: there is no folder {folder}; make it first", path = shown(.path), folder = shown(.folder))]
    NoFolder {
        /// The output.
        path: PathBuf,
        /// Its folder.
        folder: PathBuf,
    },
    /// Standard output is a terminal.
    #[error(
        "a filtered file is nothing for a terminal; send standard output to a program or a file"
    )]
    Terminal,
    /// The output cannot be made or written.
    #[error("cannot write {path}: {error}; {advice}", path = output_name(.path), advice = advice(.error))]
    Unwritable {
        /// The output.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// The input is something else, or damaged beyond reading.
    #[error("{path}: {why}; name a .wmv, .wma or .asf file", path = input_name(.path), why = not_asf_file(.error))]
    NotAsf {
        /// The input.
        path: PathBuf,
        /// What is wrong.
        error: FileError,
    },
    /// The input ends behind its header.
    #[error("{path}: no whole packet follows the header; there is nothing to filter", path = input_name(.0))]
    NoPackets(PathBuf),
    /// The header declares no such stream.
    #[error("{path}: there is no stream {asked}{only}; choose with --streams", path = input_name(.path), only = only(.available))]
    NoSuchStream {
        /// The input.
        path: PathBuf,
        /// The number that was asked for.
        asked: u8,
        /// The numbers that there are, as far as that is known.
        available: Vec<u8>,
    },
    /// The streams that were asked for are declared only.
    #[error("{path}: there are no packets of these streams; choose others with --streams", path = input_name(.0))]
    Nothing(PathBuf),
    /// Somebody stopped it.
    #[error("stopped; {path} is as it was", path = output_name(.0))]
    Stopped(PathBuf),
}

impl Failure {
    /// The object for a file that was not written.
    #[must_use]
    pub fn json(&self, options: &Options) -> Value {
        json!({
            "input": options.input.to_string_lossy(),
            "output": options.output.to_string_lossy(),
            "error": self.to_string(),
        })
    }
}

/// ", only 1, 2 and 5".
fn only(available: &[u8]) -> String {
    let words: Vec<String> = available.iter().map(u8::to_string).collect();
    match words.split_last() {
        Some((last, [])) => format!(", only {last}"),
        Some((last, others)) => format!(", only {} and {last}", others.join(", ")),
        None => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use std::io::ErrorKind;

    use super::*;

    #[test]
    fn streams_that_there_are() {
        for (available, words) in
            [(vec![], ""), (vec![3], ", only 3"), (vec![1, 2, 5], ", only 1, 2 and 5")]
        {
            let path = PathBuf::from("a.wmv");
            let failure = Failure::NoSuchStream { path, asked: 9, available };
            let line = format!("a.wmv: there is no stream 9{words}; choose with --streams");
            assert_eq!(failure.to_string(), line);
        }
    }

    #[test]
    fn a_full_disk_needs_room() {
        let error = io::Error::from(ErrorKind::StorageFull);
        let failure = Failure::Unwritable { path: PathBuf::from("a.wmv"), error };
        let line = "cannot write a.wmv: no storage space; free some space";
        assert_eq!(failure.to_string(), line);
    }
}
