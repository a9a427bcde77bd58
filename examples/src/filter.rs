//! Drops streams from a file: reads one, writes the other beside its place, and puts it there when
//! it is complete.

mod failure;
mod report;

use std::cell::Cell;
use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::{Path, PathBuf};

use mms_asf::{Error, FileError, FileReader, FilterOptions, Filtered};
use mms_client::Cancel;

pub use failure::Failure;
pub use report::Report;

use crate::draft::Draft;
use crate::files::place;

/// What to filter, and where to.
#[derive(Debug, Clone)]
pub struct Options {
    /// The file to read.
    pub input: PathBuf,
    /// The file to write.
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

/// Writes the output. It is complete, or as it was before. `cancel` stops it from another thread.
///
/// # Errors
/// When a file cannot be read or written, when there is no such stream, when the output is there
/// already and shall not be replaced, and when it is stopped.
pub fn filter(options: &Options, cancel: &Cancel) -> Result<Report, Failure> {
    let input = open(&options.input)?;
    check(options)?;
    let mut draft = Draft::beside(&options.output).map_err(|error| unwritable(options, error))?;
    let filtered = write(options, input, draft.file(), cancel)?;
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
    match output.metadata() {
        Ok(found) if !found.is_file() => Err(Failure::NoFile(output.clone())),
        Ok(_) if !options.force => Err(Failure::Exists(output.clone())),
        Ok(_) => Ok(()),
        // A link that leads nowhere is there too.
        Err(_) if output.symlink_metadata().is_ok() && !options.force => {
            Err(Failure::Exists(output.clone()))
        }
        Err(_) => {
            let folder = output.parent().filter(|folder| !folder.as_os_str().is_empty());
            match folder.filter(|folder| !folder.is_dir()) {
                Some(folder) => {
                    Err(Failure::NoFolder { path: output.clone(), folder: folder.to_owned() })
                }
                None => Ok(()),
            }
        }
    }
}

fn write(
    options: &Options,
    input: File,
    output: &mut File,
    cancel: &Cancel,
) -> Result<Filtered, Failure> {
    let failed_to_read = Cell::new(false);
    let input = Watched { input: BufReader::new(input), failed: &failed_to_read, cancel };
    mms_asf::filter(input, output, &options.streams, &FilterOptions::default()).map_err(|error| {
        let path = options.input.clone();
        match error {
            FileError::Io(_) if cancel.is_cancelled() => Failure::Stopped(options.output.clone()),
            FileError::Io(error) if failed_to_read.get() => Failure::Unreadable { path, error },
            FileError::Io(error) => unwritable(options, error),
            FileError::Format(Error::NoSuchStream { number }) => {
                Failure::NoSuchStream { asked: number, available: available(&path), path }
            }
            FileError::Format(Error::NothingKept) => Failure::Nothing(path),
            FileError::NoPackets => Failure::NoPackets(path),
            error => Failure::NotAsf { path, error },
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

/// Remembers that reading failed, and not writing; and reading fails when somebody stops it.
struct Watched<'a, R> {
    input: R,
    failed: &'a Cell<bool>,
    cancel: &'a Cancel,
}

impl<R: Read> Read for Watched<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.cancel.is_cancelled() {
            return Err(io::Error::other("stopped"));
        }
        let read = self.input.read(buffer);
        let interrupted = |error: &io::Error| error.kind() == io::ErrorKind::Interrupted;
        self.failed.set(read.as_ref().is_err_and(|error| !interrupted(error)));
        read
    }
}
