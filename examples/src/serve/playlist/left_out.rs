//! Entries of a list that are not played, and the reasons.

use std::fmt;

use crate::serve::title::TitleError;

/// An entry of a list that is not played.
#[derive(Debug)]
#[non_exhaustive]
pub struct LeftOut {
    /// Line of the list, from 1.
    pub line: usize,
    /// The entry, on one line, without the login of an address.
    pub entry: String,
    /// The reason.
    pub error: EntryError,
}

/// Reason why an entry of a list is not played.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EntryError {
    /// It is on another machine.
    #[error("only files can be played")]
    Remote,
    /// An element or a title without a file.
    #[error("it names no file")]
    Nameless,
    /// The file cannot be served.
    #[error(transparent)]
    Title(#[from] TitleError),
}

impl LeftOut {
    pub(super) fn new(line: usize, entry: String, error: EntryError) -> Self {
        Self { line, entry, error }
    }
}

impl fmt::Display for LeftOut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}: {}", self.line, self.entry, self.error)
    }
}
