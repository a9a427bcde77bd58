//! Several files that are played one after the other, named by a list.

mod choice;
mod detect;
mod left_out;
mod list;

use std::collections::HashSet;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use mms_proto::Features;

pub use self::choice::default_streams;
pub(super) use self::detect::is_list;
pub use self::left_out::{EntryError, LeftOut};
pub use self::list::{Listed, listed};

use super::title::{Title, TitleError, Titles};
use crate::files::shown;

/// Files of a list or folder that are named because they cannot be played.
const MAX_NOTES: usize = 20;

/// A list of files, at least one of which can be served.
#[derive(Debug, Clone)]
pub struct Playlist {
    entries: Arc<[PathBuf]>,
    titles: Arc<Titles>,
    /// The first entry that opened: what plays when none opens any more.
    first: Arc<Title>,
    playable: Arc<[PathBuf]>,
    notes: Arc<[String]>,
}

/// Why a list cannot be played.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PlaylistError {
    /// The list cannot be read.
    #[error("cannot read {path}: {source}; name a list that is there", path = shown(.path))]
    Unreadable {
        /// The list.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The list is longer than a list can be.
    #[error("{path} is no list: it has more than {limit} {what}", path = shown(.path))]
    TooLong {
        /// The list.
        path: PathBuf,
        /// Of what there is too much.
        what: &'static str,
        /// How much there may be.
        limit: u64,
    },
    /// The list is an ASF file.
    #[error("{path} is an ASF file, not a list; leave out --playlist", path = shown(.0))]
    Media(PathBuf),
    /// The list has bytes in it that are in no text.
    #[error("{path} is not a text file, and so no list; name a .m3u or .asx file", path = shown(.0))]
    Binary(PathBuf),
    /// There is no entry.
    #[error("{path} names no file", path = shown(.0))]
    Empty(PathBuf),
    /// No entry can be served.
    #[error("no file of {path} can be served: {}", describe(.failures), path = shown(.path))]
    NothingOpens {
        /// The list.
        path: PathBuf,
        /// Each entry with the reason.
        failures: Vec<LeftOut>,
    },
}

impl Playlist {
    /// Reads a list: one path a line, where lines that begin with `#` say something else, as in
    /// `.m3u` files; or the references of a simple `.asx` file. Paths count from the list's folder.
    /// They may be `file://` addresses, have backslashes, be percent-encoded, or in Latin-1. An entry
    /// on another machine is left out, as one that cannot be read.
    ///
    /// # Errors
    /// When it cannot be read, is a pipe or the like, is too long, is not a text, names no file, and
    /// when none of its files can be served.
    pub fn read(path: &Path) -> Result<Self, PlaylistError> {
        let list = list::read(path)?;
        let titles = Arc::new(Titles::default());
        let mut first = None;
        let mut failures = list.nameless;
        let mut opened = HashSet::new();
        for (line, entry) in &list.files {
            if opened.contains(entry) {
                continue;
            }
            match open(&titles, entry) {
                Ok(title) => {
                    opened.insert(entry);
                    first = first.or_else(|| Some(Arc::new(title)));
                }
                Err(error) => failures.push(LeftOut::new(*line, shown(entry), error.into())),
            }
        }
        failures.sort_by_key(|failure| failure.line);
        let Some(first) = first else {
            return Err(PlaylistError::NothingOpens { path: path.to_owned(), failures });
        };
        let notes = notes(path, &list.ignored, &failures).into();
        let playable = list.files.iter().map(|(_, entry)| entry);
        let playable = playable.filter(|entry| opened.contains(entry)).cloned().collect();
        let entries = list.files.into_iter().map(|(_, entry)| entry).collect();
        Ok(Self { entries, playable, titles, first, notes })
    }

    /// What to tell the person who runs the server: entries that cannot be played, and what the
    /// list wants that is not done.
    #[must_use]
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    /// The files in order, whether they open or not; what is on another machine is not among them.
    #[must_use]
    pub fn entries(&self) -> &[PathBuf] {
        &self.entries
    }

    /// The files that opened when the list was read, in order.
    #[must_use]
    pub fn playable(&self) -> &[PathBuf] {
        &self.playable
    }

    /// One player's way through the list, at the first entry that opens.
    #[must_use]
    pub fn open(&self) -> PlaylistPlayer {
        let mut player = PlaylistPlayer {
            list: self.clone(),
            place: 0,
            skipped: 0,
            current: self.first.another(),
            next: None,
        };
        if let Some(title) = player.find() {
            player.current = title;
        }
        player.next = player.find();
        player
    }
}

/// One player's place in a list. The entry behind the current one is open already, so that whoever
/// is promised another entry gets one.
#[derive(Debug)]
pub struct PlaylistPlayer {
    list: Playlist,
    /// The entry to be opened next.
    place: usize,
    skipped: usize,
    current: Title,
    next: Option<Title>,
}

impl PlaylistPlayer {
    /// The entry that plays.
    pub fn title(&mut self) -> &mut Title {
        &mut self.current
    }

    /// Goes on to the next entry that opens; `None` when there is none, and the current one stays.
    pub fn next_entry(&mut self) -> Option<&mut Title> {
        self.current = self.next.take()?;
        self.next = self.find();
        Some(&mut self.current)
    }

    /// Whether [`next_entry`](Self::next_entry) would find one.
    #[must_use]
    pub fn has_next(&self) -> bool {
        self.next.is_some()
    }

    /// Entries that did not open so far and were left out.
    #[must_use]
    pub fn skipped(&self) -> usize {
        self.skipped
    }

    fn find(&mut self) -> Option<Title> {
        while let Some(entry) = self.list.entries.get(self.place) {
            self.place = self.place.saturating_add(1);
            match open(&self.list.titles, entry) {
                Ok(title) => return Some(title),
                Err(_) => self.skipped = self.skipped.saturating_add(1),
            }
        }
        None
    }
}

/// Nobody can choose a position in a list (MS-MMSP 2.2.4.7).
fn open(titles: &Titles, entry: &Path) -> Result<Title, TitleError> {
    Ok(titles.open(entry)?.with_features(Features::PLAYLIST))
}

/// What to tell of a list, one line each.
fn notes(path: &Path, ignored: &[(&str, usize)], failures: &[LeftOut]) -> Vec<String> {
    let path = shown(path);
    let ignored: Vec<_> =
        ignored.iter().map(|(name, line)| format!("{name} (line {line})")).collect();
    let ignored = (!ignored.is_empty())
        .then(|| format!("{path}: these elements are not honoured: {}", ignored.join(", ")));
    let failed = failures.iter().map(|LeftOut { line, entry, error }| {
        format!("line {line} of {path} is left out: {entry}: {error}")
    });
    ignored.into_iter().chain(first_of(failed.collect())).collect()
}

/// The first lines of many, and how many more there are.
pub(super) fn first_of(mut lines: Vec<String>) -> Vec<String> {
    let more = lines.len().saturating_sub(MAX_NOTES);
    lines.truncate(MAX_NOTES);
    lines.extend((more > 0).then(|| format!("{more} more files are left out")));
    lines
}

/// The first failures, and the number of the others.
fn describe(failures: &[LeftOut]) -> String {
    const LISTED: usize = 5;
    let mut listed: Vec<String> = failures.iter().take(LISTED).map(LeftOut::to_string).collect();
    if failures.len() > LISTED {
        listed.push(format!("and {} more", failures.len().saturating_sub(LISTED)));
    }
    listed.join("; ")
}
