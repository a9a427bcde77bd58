//! The input of a program that can be stopped.

use std::fs::File;
use std::io;

use mms_client::Cancel;

/// An input that remembers why it could not be read, and cannot be once somebody stops it.
pub(crate) struct Source<'a> {
    pub(crate) file: &'a mut File,
    cancel: &'a Cancel,
    pub(crate) failure: Option<io::Error>,
}

impl<'a> Source<'a> {
    pub(crate) fn new(file: &'a mut File, cancel: &'a Cancel) -> Self {
        Self { file, cancel, failure: None }
    }
}

impl io::Read for Source<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.cancel.is_cancelled() {
            return Err(io::Error::other("stopped"));
        }
        noted(self.file.read(buffer), &mut self.failure)
    }
}

/// Keeps the error and hands out one of the same kind.
pub(crate) fn noted<T>(result: io::Result<T>, failure: &mut Option<io::Error>) -> io::Result<T> {
    result.map_err(|error| {
        let kind = error.kind();
        // Whoever asks again after this one gets an answer.
        if kind != io::ErrorKind::Interrupted {
            *failure = Some(error);
        }
        kind.into()
    })
}
