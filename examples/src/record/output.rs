//! Where a recording goes: a name of its own, a given file, or standard output.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, IsTerminal as _};
use std::path::{Path, PathBuf};

use mms_client::{Cancel, MmsUrl, Target};

use super::name::{named, numbered, with_extension};
use crate::files::ends_as_folder;
use crate::waiting::open_pipe;

/// Free names that are tried.
const MAX_NAMES: u32 = 10_000;

/// Where a recording goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Destination {
    /// A file named after the last part of the address, in this folder, with the extension of what
    /// is recorded.
    Named {
        /// The folder.
        folder: PathBuf,
        /// What to do when it is there. Where it shall be left alone, the next free name is taken.
        existing: Existing,
    },
    /// This file.
    File {
        /// Its path.
        path: PathBuf,
        /// What to do when it is there.
        existing: Existing,
    },
    /// Standard output.
    Stdout {
        /// Whether it should be resumed, which cannot be.
        resume: bool,
    },
}

/// What to do about a file that is there already.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Existing {
    /// Leave it alone and say so.
    #[default]
    Refuse,
    /// Go on with it.
    Resume,
    /// Replace it.
    Replace,
}

/// Why there is no file to record to.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OutputError {
    /// It is there, and nothing was said about that.
    #[error("{path} exists already; continue it with --resume or replace it with --force", path = super::shown(.0))]
    Exists(PathBuf),
    /// It is a folder, or would be one.
    #[error("{path} is a folder; name a file in it with -o", path = super::shown(.0))]
    Folder(PathBuf),
    /// The folder that it should be in is not there.
    #[error("cannot write {path}: there is no folder {folder}; make it first", path = super::shown(.path), folder = super::shown(.folder))]
    NoFolder {
        /// The file.
        path: PathBuf,
        /// Its folder.
        folder: PathBuf,
    },
    /// Pipes and devices have no past.
    #[error("{path} cannot be resumed, only a regular file can; give one with -o", path = super::shown(.0))]
    Pipe(PathBuf),
    /// One stream is in a pipe already.
    #[error("{path} holds one stream, and another one follows as entry {entry}; record to files with -o", path = super::shown(.path))]
    SecondStream {
        /// The pipe.
        path: PathBuf,
        /// The entry of the playlist, from 1.
        entry: u32,
    },
    /// Standard output is a terminal.
    #[error("a recording is nothing for a terminal; send standard output to a program or a file")]
    Terminal,
    /// It cannot be made or opened.
    #[error("cannot write {path}: {source}; choose another place with -o", path = super::shown(.path))]
    Unwritable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

/// Hands out the files of one recording.
#[derive(Debug)]
pub(super) struct Output {
    destination: Destination,
    url: MmsUrl,
    /// The file of the first entry; of one that is named after the address, its folder at first.
    path: PathBuf,
    /// What is open already: a pipe or a device.
    pipe: Option<File>,
    files: Vec<PathBuf>,
    /// The files among them that were made here.
    made: Vec<PathBuf>,
}

impl Destination {
    /// Finds the file's name, as far as it is known. What can be refused is refused here, before any connection is made;
    /// no file is made yet.
    ///
    /// A named pipe is opened, which waits for its reader, until `cancel` is used; `note` gets a line
    /// about that.
    pub(super) fn prepare(
        &self,
        url: &MmsUrl,
        cancel: &Cancel,
        note: Option<fn(&str)>,
    ) -> Result<Output, OutputError> {
        let mut pipe = None;
        let path = match self {
            // What is there of that name is known once the stream is open.
            Self::Named { folder, .. } => folder.clone(),
            Self::Stdout { resume: true } => return Err(OutputError::Pipe(PathBuf::from("-"))),
            Self::Stdout { resume: false } if io::stdout().is_terminal() => {
                return Err(OutputError::Terminal);
            }
            Self::Stdout { resume: false } => PathBuf::from("-"),
            Self::File { path, existing } => {
                match (kind(path), existing) {
                    _ if ends_as_folder(path) => return Err(OutputError::Folder(path.clone())),
                    (Some(Kind::Folder), _) => return Err(OutputError::Folder(path.clone())),
                    (Some(Kind::Pipe), Existing::Resume) => {
                        return Err(OutputError::Pipe(path.clone()));
                    }
                    (Some(Kind::Pipe), _) => {
                        let note = |line: &str| note.into_iter().for_each(|note| note(line));
                        let opened = open_pipe(path, cancel, note);
                        pipe = Some(opened.map_err(|source| unwritable(path, source))?);
                    }
                    (Some(Kind::File), Existing::Refuse) => {
                        return Err(OutputError::Exists(path.clone()));
                    }
                    (Some(Kind::File), _) => {}
                    (None, _) => check_folder(path)?,
                }
                path.clone()
            }
        };
        let destination = self.clone();
        let (files, made) = (Vec::new(), Vec::new());
        Ok(Output { destination, url: url.clone(), path, pipe, files, made })
    }
}

impl Output {
    /// The file for this entry of a playlist, counted from 0, which should have this extension.
    pub(super) fn next(&mut self, entry: u32, extension: &str) -> Result<Target, OutputError> {
        let is_named = matches!(self.destination, Destination::Named { .. });
        let number = entry.saturating_add(1);
        let path = match entry {
            0 if is_named => self.path.join(named(&self.url, extension)),
            0 => self.path.clone(),
            // Players and tools take what follows a stream for damage.
            _ if self.is_stream() => {
                return Err(OutputError::SecondStream { path: self.path.clone(), entry: number });
            }
            // The first one may have been given another name meanwhile.
            _ if is_named => with_extension(&numbered(&self.path, "", number), extension),
            _ => numbered(&self.path, "", number),
        };
        let Opened { path, target, made } = match &self.destination {
            Destination::Stdout { .. } => Opened::stream(path, io::stdout()),
            Destination::Named { existing: Existing::Resume, .. } if entry == 0 => resume(path)?,
            Destination::Named { existing: Existing::Replace, .. } => replace(path)?,
            Destination::Named { .. } => create_beside(path)?,
            Destination::File { existing, .. } => match (&self.pipe, existing) {
                (Some(pipe), _) => match pipe.try_clone() {
                    Ok(pipe) => Opened::stream(path, pipe),
                    Err(source) => return Err(OutputError::Unwritable { path, source }),
                },
                (None, Existing::Resume) if entry == 0 => resume(path)?,
                (None, Existing::Replace) => replace(path)?,
                (None, _) => create(path)?,
            },
        };
        if entry == 0 {
            self.path.clone_from(&path);
        }
        if made {
            self.made.push(path.clone());
        }
        self.files.push(path);
        Ok(target)
    }

    /// Whether it all goes into a pipe or a device.
    pub(super) fn is_stream(&self) -> bool {
        self.pipe.is_some() || matches!(self.destination, Destination::Stdout { .. })
    }

    /// The file that was begun last.
    pub(super) fn current(&self) -> Option<&PathBuf> {
        self.files.last()
    }

    /// Removes files that were made here and are empty, because no packet came: they would only
    /// take names away.
    pub(super) fn discard_empty(&mut self) {
        let made = std::mem::take(&mut self.made);
        let empty = |path: &&PathBuf| path.metadata().is_ok_and(|found| found.len() == 0);
        for path in made.iter().filter(empty) {
            if fs::remove_file(path).is_ok() {
                self.files.retain(|file| file != path);
            }
        }
    }

    /// The files that were begun.
    pub(super) fn into_files(self) -> Vec<PathBuf> {
        self.files
    }
}

/// What an entry is written to.
struct Opened {
    path: PathBuf,
    target: Target,
    /// It was not there before.
    made: bool,
}

impl Opened {
    fn stream(path: PathBuf, sink: impl io::Write + Send + 'static) -> Self {
        Self { path, target: Target::Stream(Box::new(sink)), made: false }
    }
}

/// What is at a path.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// A regular file, or a link that leads nowhere.
    File,
    Folder,
    /// A pipe, a device, a socket.
    Pipe,
}

fn kind(path: &Path) -> Option<Kind> {
    match path.metadata() {
        Ok(found) if found.is_file() => Some(Kind::File),
        Ok(found) if found.is_dir() => Some(Kind::Folder),
        Ok(_) => Some(Kind::Pipe),
        Err(_) => path.symlink_metadata().ok().map(|_| Kind::File),
    }
}

fn check_folder(path: &Path) -> Result<(), OutputError> {
    let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) else {
        return Ok(());
    };
    match folder.metadata() {
        Err(error) if error.kind() == ErrorKind::NotFound => {
            Err(OutputError::NoFolder { path: path.to_owned(), folder: folder.to_owned() })
        }
        _ => Ok(()),
    }
}

fn unwritable(path: &Path, source: io::Error) -> OutputError {
    OutputError::Unwritable { path: path.to_owned(), source }
}

fn create(path: PathBuf) -> Result<Opened, OutputError> {
    match File::options().read(true).write(true).create_new(true).open(&path) {
        Ok(file) => Ok(Opened { path, target: Target::Create(file), made: true }),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Err(OutputError::Exists(path)),
        Err(source) => Err(OutputError::Unwritable { path, source }),
    }
}

/// A file to be replaced, which the recording does when the first packets are written.
fn replace(path: PathBuf) -> Result<Opened, OutputError> {
    open(path, Target::Create)
}

/// A file to go on with; one that is not there begins.
fn resume(path: PathBuf) -> Result<Opened, OutputError> {
    open(path, Target::Resume)
}

/// Opens a file as it is, or makes it.
fn open(path: PathBuf, target: fn(File) -> Target) -> Result<Opened, OutputError> {
    check_regular(&path)?;
    let mut options = OpenOptions::new();
    options.read(true).write(true);
    let (file, made) = match options.clone().create_new(true).open(&path) {
        // It is there; or it is a link that leads nowhere, and what that names is made.
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            (options.create(true).truncate(false).open(&path), false)
        }
        opened => (opened, true),
    };
    match file {
        Ok(file) => Ok(Opened { path, target: target(file), made }),
        Err(source) => Err(OutputError::Unwritable { path, source }),
    }
}

/// Opening a pipe would wait for its reader.
fn check_regular(path: &Path) -> Result<(), OutputError> {
    match kind(path) {
        None | Some(Kind::File) => Ok(()),
        Some(Kind::Folder) => Err(OutputError::Folder(path.to_owned())),
        Some(Kind::Pipe) => Err(OutputError::Pipe(path.to_owned())),
    }
}

/// Makes the file, or the next free name beside it.
fn create_beside(path: PathBuf) -> Result<Opened, OutputError> {
    let mut refused = match create(path.clone()) {
        Err(OutputError::Exists(path)) => path,
        other => return other,
    };
    for number in 1..MAX_NAMES {
        match create(numbered(&path, "-", number)) {
            Err(OutputError::Exists(path)) => refused = path,
            other => return other,
        }
    }
    Err(OutputError::Exists(refused))
}

#[cfg(test)]
mod tests;
