//! Files on one shared timeline, in real time.

use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};
use std::time::Instant;

use bytes::BytesMut;
use mms_asf::{FileError, FileReader};

use super::header::as_broadcast;
use super::outlet::{Outlet, Stopped};
use super::pace::Pace;
use super::span::Rounds;
use super::{FeedItem, limits};
use crate::files::open_regular;

/// Brings the files, once or for ever.
pub(super) fn run(paths: &[PathBuf], repeat: bool, outlet: &Outlet) -> Result<FeedItem, Stopped> {
    let mut program = Program { pace: Pace::default(), position: 0, outlet };
    let endless = repeat && paths.len() == 1;
    loop {
        let mut played = false;
        for path in paths {
            match program.file(path, endless) {
                Ok(()) => played = true,
                Err(Interrupted::Stopped) => return Err(Stopped),
                Err(Interrupted::Failed(why)) => {
                    let why = format!("{}: {why}", path.display());
                    if paths.len() == 1 {
                        return Ok(FeedItem::Failed(why));
                    }
                    outlet.send(FeedItem::Note(format!("{why}; going on with the next file")))?;
                }
            }
        }
        if !played {
            return Ok(FeedItem::Failed("none of the files can be played".to_owned()));
        }
        if !repeat {
            return Ok(FeedItem::End);
        }
    }
}

/// Why a file was not played to its end.
enum Interrupted {
    Stopped,
    Failed(String),
}

struct Program<'a> {
    pace: Pace,
    /// Where the next file begins on the timeline, in milliseconds.
    position: i64,
    outlet: &'a Outlet,
}

impl Program<'_> {
    /// Plays a file once, or for ever.
    fn file(&mut self, path: &Path, endless: bool) -> Result<(), Interrupted> {
        let file = open_regular(path).map_err(FileError::Io)?;
        let mut reader = FileReader::open_with(BufReader::new(file), &limits())?;
        if reader.packet_count() == 0 {
            return Err(Interrupted::Failed("the file holds no whole packet".to_owned()));
        }
        self.outlet.send(FeedItem::Header(as_broadcast(reader.header())))?;
        let mut rounds = Rounds::new(reader.header(), self.position);
        let played = loop {
            let played = self.round(&mut reader, &mut rounds);
            self.position = rounds.end();
            match played {
                // In later rounds they are the same ones.
                Ok(left_out) if left_out > 0 && rounds.is_first() => {
                    let note = format!("{left_out} packets cannot be read and are left out");
                    self.outlet.send(FeedItem::Note(note))?;
                }
                Ok(_) => {}
                Err(why) => break Err(why),
            }
            if !endless {
                break Ok(());
            }
            rounds.again();
        };
        // What is shown last is shown in full, before another file or the end.
        let end = self.pace.due(Instant::now(), self.position);
        played.and_then(|()| Ok(self.outlet.wait_until(end)?))
    }

    /// Plays a file from its first packet to its last one; returns how many were left out.
    fn round(
        &mut self,
        reader: &mut FileReader<BufReader<File>>,
        rounds: &mut Rounds,
    ) -> Result<u64, Interrupted> {
        let mut buffer = BytesMut::new();
        let (mut left_out, mut sent) = (0_u64, false);
        for number in 0..reader.packet_count() {
            reader.packet_into(number, &mut buffer)?;
            // One that cannot be read has no time and is of no use to a player.
            let Ok(position) = rounds.place(&mut buffer) else {
                left_out = left_out.saturating_add(1);
                self.outlet.check()?;
                continue;
            };
            self.outlet.wait_until(self.pace.due(Instant::now(), position))?;
            self.outlet.send(FeedItem::Packet(buffer.split().freeze()))?;
            sent = true;
        }
        if !sent {
            return Err(Interrupted::Failed("no packet can be read".to_owned()));
        }
        Ok(left_out)
    }
}

impl From<Stopped> for Interrupted {
    fn from(_: Stopped) -> Self {
        Self::Stopped
    }
}

impl From<FileError> for Interrupted {
    fn from(error: FileError) -> Self {
        Self::Failed(error.to_string())
    }
}
