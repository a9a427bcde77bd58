//! Makes a file whole, and leaves everything as it was when that fails.

mod report;

use std::ffi::OsString;
use std::fs::{self, Permissions};
use std::io::{self, BufReader, IsTerminal as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};

use mms_asf::{FileError, RepairOptions};
use mms_client::Cancel;

pub use self::report::Report;
pub(crate) use self::report::{changes, kind};
use crate::draft::Draft;
use crate::files::{
    STDOUT, Taken, advice, check_free, input_name, is_stdin, is_stream, not_asf_file, open_regular,
    output_name, permissions_after, place, shown,
};
use crate::outcome::say;
use crate::source::{Source, noted};
use crate::waiting::{open_pipe, standard_input};

/// What to do with the repaired file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Options {
    /// Where it goes.
    pub output: Output,
    /// Replace what is there.
    pub force: bool,
    /// Where what follows of another stream goes, byte for byte.
    pub rest: Option<PathBuf>,
}

/// Where a repaired file goes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Output {
    /// Beside the input, `NAME.repaired.EXT`; to standard output from standard input.
    #[default]
    Beside,
    /// To this file; to a pipe or a device once it is complete.
    File(PathBuf),
    /// To where the input was.
    InPlace,
    /// To standard output, once it is complete.
    Stdout,
}

/// Why there is no repaired file.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RepairError {
    /// The input cannot be opened or read.
    #[error("{path} cannot be read: {source}; check the name and the permissions", path = input_name(.path))]
    Unreadable {
        /// The input.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Standard input has no place.
    #[error("standard input cannot be replaced; choose another place with -o")]
    NoPlace,
    /// A folder, a pipe or a device.
    #[error("{path} is no regular file; name a .wmv, .wma or .asf file", path = shown(.0))]
    NoFile(PathBuf),
    /// It is something else, or its header is damaged.
    #[error("{path} {why}; nothing can be saved without a header", path = input_name(.path), why = not_asf_file(.source))]
    NotAsf {
        /// The input.
        path: PathBuf,
        /// What is wrong with it.
        source: FileError,
    },
    /// A header without media.
    #[error("{path} holds no whole packet behind its header; there is no media to be saved", path = input_name(.0))]
    NoPackets(PathBuf),
    /// A stream of the media is not declared any more.
    #[error("the header of {path} is damaged, and stream {stream}, which has packets, is not declared in what is left of it; nothing was written, {path} is as it was", path = input_name(.path))]
    StreamLost {
        /// The input.
        path: PathBuf,
        /// The stream number.
        stream: u8,
    },
    /// There is a file of that name.
    #[error("{path} exists already; replace it with --force or choose another name", path = shown(.0))]
    Exists(PathBuf),
    /// The output would be the input.
    #[error("{path} is the input; replace it with --in-place or choose another name", path = shown(.0))]
    Same(PathBuf),
    /// The repaired file and what follows would be one file.
    #[error("{path} would be the repaired file and the rest; choose another name with --rest", path = shown(.0))]
    RestIsOutput(PathBuf),
    /// The input holds more than one stream.
    #[error("{path} holds another stream from byte {next} on, which would be lost; save it with --rest or choose another name with -o", path = input_name(.path))]
    MoreFollows {
        /// The input.
        path: PathBuf,
        /// Where it lies.
        next: u64,
    },
    /// In place, most of the media would be gone.
    #[error("{lost} bytes of {path} where media should be cannot be read, {kept} bytes of packets can; nothing was written, {path} is as it was; choose another name with -o", path = shown(.path))]
    MostIsLost {
        /// The input.
        path: PathBuf,
        /// Number of bytes that the repaired file would not have.
        lost: u64,
        /// Size of its packets, in bytes.
        kept: u64,
    },
    /// Somebody stopped it.
    #[error("stopped; {path} is as it was", path = input_name(.0))]
    Stopped(PathBuf),
    /// Standard output is a terminal.
    #[error(
        "a repaired file is nothing for a terminal; send standard output to a program or a file"
    )]
    Terminal,
    /// The output cannot be made or written.
    #[error("cannot write {path}: {source}; {advice}", path = output_name(.path), advice = advice(.source))]
    Unwritable {
        /// The output.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

/// Repairs a file, or what comes from standard input (`-`), of which a copy is made first.
///
/// The output appears when it is complete, under its name and with the input's permissions; until
/// then it has a name of its own in the same folder, and goes when something fails. In place, a file
/// that is whole already is not written, one of which most of the media would be lost stays, and the
/// owner and the group are kept as far as the system permits. `cancel` stops it from another thread.
///
/// A repaired file starts with what is known at its end only: counts, durations, whether there is
/// an index. So standard output and pipes get it from a file without a name, which needs room in the folder
/// for temporary files; a second pass over the input would have to find the same again.
///
/// # Errors
/// When the input has no header or no packets, when the output cannot be written, and when it is
/// stopped. Nothing has changed then.
pub fn repair(input: &Path, options: &Options, cancel: &Cancel) -> Result<Report, RepairError> {
    let unreadable = |source| RepairError::Unreadable { path: input.to_owned(), source };
    let from_stdin = is_stdin(input);
    let target = match &options.output {
        Output::File(path) => path.clone(),
        Output::InPlace if from_stdin => return Err(RepairError::NoPlace),
        Output::InPlace => fs::canonicalize(input).map_err(unreadable)?,
        Output::Beside if !from_stdin => beside(input),
        _ if io::stdout().is_terminal() => return Err(RepairError::Terminal),
        _ => PathBuf::from(STDOUT),
    };
    let in_place = options.output == Output::InPlace;
    let to_stdout = target.as_os_str() == STDOUT;
    let to_pipe = !in_place && !to_stdout && is_stream(&target);
    let made = (!in_place && !to_stdout && !to_pipe).then_some(&target);
    for path in options.rest.iter().chain(made) {
        check(path, input, options.force)?;
    }
    if let Some(rest) = options.rest.as_ref().filter(|rest| place(rest) == place(&target)) {
        return Err(RepairError::RestIsOutput(rest.clone()));
    }

    let stopped = || RepairError::Stopped(input.to_owned());
    let file = match from_stdin {
        true => standard_input(cancel),
        // Opening a pipe would wait for its writer.
        false if !input.metadata().map_err(unreadable)?.is_file() => {
            return Err(RepairError::NoFile(input.to_owned()));
        }
        false => open_regular(input),
    };
    let mut file = match file {
        Err(_) if cancel.is_cancelled() => return Err(stopped()),
        file => file.map_err(unreadable)?,
    };
    let found = file.metadata().map_err(unreadable)?;
    let pipe = match to_pipe {
        true => match open_pipe(&target, cancel, |line| say("repair", line)) {
            Err(_) if cancel.is_cancelled() => return Err(stopped()),
            pipe => Some(pipe.map_err(|error| refused(&target, error))?),
        },
        false => None,
    };
    let permissions = permissions_after(&file, from_stdin).map_err(unreadable)?;
    let draft = match to_stdout || to_pipe {
        true => Draft::unnamed(),
        false => Draft::beside(&target, &permissions),
    };
    let mut draft = draft.map_err(|error| refused(&target, error))?;
    let mut source = Source::new(&mut file, cancel);
    let mut sink = Sink { draft: &mut draft, failure: None };
    let done = mms_asf::repair(&mut source, &mut sink, &RepairOptions::default());
    if cancel.is_cancelled() {
        return Err(stopped());
    }
    if let Some(source) = source.failure {
        return Err(unreadable(source));
    }
    if let Some(source) = sink.failure {
        return Err(RepairError::Unwritable { path: target, source });
    }
    let repaired = done.map_err(|error| match error {
        FileError::NoPackets => RepairError::NoPackets(input.to_owned()),
        FileError::StreamLost { stream } => {
            RepairError::StreamLost { path: input.to_owned(), stream }
        }
        FileError::Io(source) => RepairError::Unwritable { path: target.clone(), source },
        source => RepairError::NotAsf { path: input.to_owned(), source },
    })?;
    let rest = match (repaired.next, &options.rest) {
        (Some(next), Some(path)) => {
            let source = Source::new(&mut file, cancel);
            let rest = rest(source, next, path, input, &permissions);
            if cancel.is_cancelled() {
                return Err(stopped());
            }
            Some(rest?)
        }
        _ => None,
    };
    // What follows of another stream would be lost in place.
    if let Some(next) = repaired.next.filter(|_| in_place && rest.is_none()) {
        return Err(RepairError::MoreFollows { path: input.to_owned(), next });
    }
    let (lost, kept) = (repaired.lost, repaired.packet_bytes);
    if in_place && lost > kept {
        return Err(RepairError::MostIsLost { path: input.to_owned(), lost, kept });
    }
    // First, or it would be lost where it cannot get its name.
    let rest = match (rest, &options.rest) {
        (Some(draft), Some(path)) => {
            if !from_stdin {
                draft.allow(&permissions);
            }
            draft.keep(options.force).map_err(|error| refused(path, error))?;
            Some(path.clone())
        }
        _ => None,
    };
    let unchanged = repaired.changes.is_empty() && repaired.next.is_none();
    let output = if in_place && unchanged {
        None
    } else if to_stdout {
        draft.pour(&mut io::stdout()).map_err(|error| refused(&target, error))?;
        Some(target)
    } else if let Some(mut pipe) = pipe {
        draft.pour(&mut pipe).map_err(|error| refused(&target, error))?;
        Some(target)
    } else {
        if in_place {
            draft.give(&found);
        }
        if !from_stdin {
            draft.allow(&permissions);
        }
        draft.keep(options.force || in_place).map_err(|error| refused(&target, error))?;
        Some(target)
    };
    Ok(Report { input: input.to_owned(), output, rest, repaired })
}

/// Copies what follows to a draft of its own.
fn rest(
    source: Source<'_>,
    next: u64,
    path: &Path,
    input: &Path,
    permissions: &Permissions,
) -> Result<Draft, RepairError> {
    let unreadable = |source| RepairError::Unreadable { path: input.to_owned(), source };
    let mut draft = Draft::beside(path, permissions).map_err(|error| refused(path, error))?;
    source.file.seek(SeekFrom::Start(next)).map_err(unreadable)?;
    let mut sink = Sink { draft: &mut draft, failure: None };
    let copied = io::copy(&mut BufReader::with_capacity(1 << 18, source), &mut sink);
    match (copied, sink.failure) {
        (_, Some(source)) => Err(RepairError::Unwritable { path: path.to_owned(), source }),
        (Err(source), None) => Err(unreadable(source)),
        (Ok(_), None) => Ok(draft),
    }
}

/// Refuses what is there already, so that nothing is read in vain.
fn check(path: &Path, input: &Path, force: bool) -> Result<(), RepairError> {
    if place(path) == place(input) {
        return Err(RepairError::Same(path.to_owned()));
    }
    check_free(path, force).map_err(|taken| match taken {
        Taken::NoFile => RepairError::NoFile(path.to_owned()),
        Taken::Exists => RepairError::Exists(path.to_owned()),
    })
}

/// Why an output cannot have its name.
fn refused(path: &Path, source: io::Error) -> RepairError {
    match source.kind() {
        io::ErrorKind::AlreadyExists => RepairError::Exists(path.to_owned()),
        _ => RepairError::Unwritable { path: path.to_owned(), source },
    }
}

/// `name.repaired.wmv` for `name.wmv`.
fn beside(input: &Path) -> PathBuf {
    let mut name = input.file_stem().map(OsString::from).unwrap_or_default();
    name.push(".repaired");
    if let Some(extension) = input.extension() {
        name.push(".");
        name.push(extension);
    }
    input.with_file_name(name)
}

/// The output, which remembers why it could not be written.
struct Sink<'a> {
    draft: &'a mut Draft,
    failure: Option<io::Error>,
}

impl io::Write for Sink<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        noted(self.draft.file().write(bytes), &mut self.failure)
    }

    fn flush(&mut self) -> io::Result<()> {
        noted(self.draft.file().flush(), &mut self.failure)
    }
}

impl io::Seek for Sink<'_> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        noted(self.draft.file().seek(to), &mut self.failure)
    }
}
