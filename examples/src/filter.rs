//! Drops streams from a file: reads one, writes the other beside its place, and puts it there when
//! it is complete.

mod failure;
mod report;

use std::fs::File;
use std::io::{self, BufReader, IsTerminal as _, Seek as _, Write};
use std::path::{Path, PathBuf};

use mms_asf::{Error, FileError, FileReader, FilterOptions, Filtered};
use mms_client::Cancel;

pub use failure::Failure;
pub use report::Report;

use crate::draft::Draft;
use crate::files::{
    STDOUT, Taken, check_free, is_stdin, is_stream, open_regular, permissions_after, place,
};
use crate::outcome::say;
use crate::source::Source;
use crate::waiting::{open_pipe, standard_input};

/// What to filter, and where to.
#[derive(Debug, Clone)]
pub struct Options {
    /// The file to read, "-" for standard input, of which a copy is made first.
    pub input: PathBuf,
    /// The file or pipe to write, "-" for standard output.
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
    let to_stdout = options.output.as_os_str() == STDOUT;
    let to_pipe = !to_stdout && is_stream(&options.output);
    if to_stdout && io::stdout().is_terminal() {
        return Err(Failure::Terminal);
    }
    let unless_stopped = |failure| match cancel.is_cancelled() {
        true => Failure::Stopped(options.output.clone()),
        false => failure,
    };
    let input = open(&options.input, cancel).map_err(unless_stopped)?;
    if to_stdout || to_pipe {
        let mut output: Box<dyn Write> = match to_pipe {
            true => Box::new(
                open_pipe(&options.output, cancel, |line| say("filter", line))
                    .map_err(|error| unless_stopped(unwritable(options, error)))?,
            ),
            false => Box::new(io::stdout()),
        };
        // The header holds what is known at the end only, as with `repair`.
        let mut draft = Draft::unnamed().map_err(|error| unwritable(options, error))?;
        let filtered = write(options, input, draft.file(), cancel)?;
        draft.pour(&mut output).map_err(|error| unwritable(options, error))?;
        return Ok(Report::new(options, filtered));
    }
    check(options)?;
    let from_stdin = is_stdin(&options.input);
    let permissions = permissions_after(&input, from_stdin);
    let permissions = permissions.map_err(|error| unwritable(options, error))?;
    let draft = Draft::beside(&options.output, &permissions);
    let mut draft = draft.map_err(|error| unwritable(options, error))?;
    let filtered = write(options, input, draft.file(), cancel)?;
    if !from_stdin {
        draft.allow(&permissions);
    }
    draft.keep(options.force).map_err(|error| match error.kind() {
        io::ErrorKind::AlreadyExists => Failure::Exists(options.output.clone()),
        _ => unwritable(options, error),
    })?;
    Ok(Report::new(options, filtered))
}

fn open(path: &Path, cancel: &Cancel) -> Result<File, Failure> {
    let unreadable = |error| Failure::Unreadable { path: path.to_owned(), error };
    if is_stdin(path) {
        return standard_input(cancel).map_err(unreadable);
    }
    // Opening a pipe would wait for its writer.
    if !path.metadata().map_err(unreadable)?.is_file() {
        return Err(Failure::NoFile(path.to_owned()));
    }
    open_regular(path).map_err(unreadable)
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
    let failure = source.failure;
    done.map_err(|error| {
        let path = options.input.clone();
        match (error, failure) {
            (FileError::Io(_), _) if cancel.is_cancelled() => {
                Failure::Stopped(options.output.clone())
            }
            (FileError::Io(_), Some(error)) => Failure::Unreadable { path, error },
            (FileError::Io(error), None) => unwritable(options, error),
            (FileError::Format(Error::NoSuchStream { number }), _) => {
                let available = available(&mut input);
                Failure::NoSuchStream { asked: number, available, path }
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
fn available(input: &mut File) -> Vec<u8> {
    let rewound = input.rewind();
    let reader = rewound.ok().and_then(|()| FileReader::open(BufReader::new(input)).ok());
    reader.map_or_else(Vec::new, |reader| reader.header().stream_numbers().collect())
}
