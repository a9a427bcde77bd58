//! Drops streams from a file: reads one, writes the other beside its place, and puts it there when
//! it is complete.

mod failure;
mod report;

use std::fs::File;
use std::io::{self, BufReader, IsTerminal as _};
use std::path::{Path, PathBuf};

use mms_asf::{Error, FileError, FileReader, FilterOptions, Filtered};
use mms_client::Cancel;

pub use failure::Failure;
pub use report::Report;

use crate::draft::Draft;
use crate::files::{STDOUT, Taken, check_free, place};
use crate::source::Source;

/// What to filter, and where to.
#[derive(Debug, Clone)]
pub struct Options {
    /// The file to read.
    pub input: PathBuf,
    /// The file to write, "-" for standard output.
    pub output: PathBuf,
    /// The numbers of the streams to keep.
    pub streams: Vec<u8>,
    /// Replace the output if it is there.
    pub force: bool,
}

impl Options {
    /// These streams of one file, into another one that is not there yet.
    #[must_use]
    pub fn new(input: &Path, output: &Path, streams: &[u8]) -> Self {
        let (input, output) = (input.to_owned(), output.to_owned());
        Self { input, output, streams: streams.to_vec(), force: false }
    }
}

/// Writes the output, with the input's permissions. It is complete, or as it was before. `cancel` stops it from another thread.
///
/// # Errors
/// When a file cannot be read or written, when there is no such stream, when the output is there
/// already and shall not be replaced, and when it is stopped.
pub fn filter(options: &Options, cancel: &Cancel) -> Result<Report, Failure> {
    let input = open(&options.input)?;
    let to_stdout = options.output.as_os_str() == STDOUT;
    if to_stdout {
        if io::stdout().is_terminal() {
            return Err(Failure::Terminal);
        }
        // The header holds what is known at the end only, as with `repair`.
        let mut draft = Draft::unnamed().map_err(|error| unwritable(options, error))?;
        let filtered = write(options, input, draft.file(), cancel)?;
        draft.pour(&mut io::stdout()).map_err(|error| unwritable(options, error))?;
        return Ok(Report::new(options, filtered));
    }
    check(options)?;
    let permissions = input.metadata().map_err(|error| unwritable(options, error))?.permissions();
    let draft = Draft::beside(&options.output, &permissions);
    let mut draft = draft.map_err(|error| unwritable(options, error))?;
    let filtered = write(options, input, draft.file(), cancel)?;
    draft.allow(&permissions);
    draft.keep(options.force).map_err(|error| match error.kind() {
        io::ErrorKind::AlreadyExists => Failure::Exists(options.output.clone()),
        _ => unwritable(options, error),
    })?;
    Ok(Report::new(options, filtered))
}

fn open(path: &Path) -> Result<File, Failure> {
    let unreadable = |error| Failure::Unreadable { path: path.to_owned(), error };
    // Opening a pipe would wait for its writer.
    if !path.metadata().map_err(unreadable)?.is_file() {
        return Err(Failure::NoFile(path.to_owned()));
    }
    File::open(path).map_err(unreadable)
}

/// Whether the output may be written.
fn check(options: &Options) -> Result<(), Failure> {
    let output = &options.output;
    if place(&options.input) == place(output) {
        return Err(Failure::Same(output.clone()));
    }
    check_free(output, options.force).map_err(|taken| match taken {
        Taken::NoFile => Failure::NoFile(output.clone()),
        Taken::Exists => Failure::Exists(output.clone()),
    })?;
    let folder = output.parent().filter(|folder| !folder.as_os_str().is_empty());
    match folder.filter(|folder| !folder.is_dir()) {
        Some(folder) => Err(Failure::NoFolder { path: output.clone(), folder: folder.to_owned() }),
        None => Ok(()),
    }
}

fn write(
    options: &Options,
    mut input: File,
    output: &mut File,
    cancel: &Cancel,
) -> Result<Filtered, Failure> {
    let mut source = Source::new(&mut input, cancel);
    let done = mms_asf::filter(&mut source, output, &options.streams, &FilterOptions::default());
    done.map_err(|error| {
        let path = options.input.clone();
        match (error, source.failure) {
            (FileError::Io(_), _) if cancel.is_cancelled() => {
                Failure::Stopped(options.output.clone())
            }
            (FileError::Io(_), Some(error)) => Failure::Unreadable { path, error },
            (FileError::Io(error), None) => unwritable(options, error),
            (FileError::Format(Error::NoSuchStream { number }), _) => {
                Failure::NoSuchStream { asked: number, available: available(&path), path }
            }
            (FileError::Format(Error::NothingKept), _) => Failure::Nothing(path),
            (FileError::NoPackets, _) => Failure::NoPackets(path),
            (error, _) => Failure::NotAsf { path, error },
        }
    })
}

fn unwritable(options: &Options, error: io::Error) -> Failure {
    Failure::Unwritable { path: options.output.clone(), error }
}

/// The streams of a file, for somebody who asked for another one.
fn available(path: &Path) -> Vec<u8> {
    let reader = File::open(path).ok().and_then(|file| FileReader::open(BufReader::new(file)).ok());
    reader.map_or_else(Vec::new, |reader| reader.header().stream_numbers().collect())
}
