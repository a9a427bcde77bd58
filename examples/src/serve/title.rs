//! One file as the protocol sees it: content to announce, and the packets of a play command.

mod clock;
mod forward;
mod opened;
mod place;
mod positional;
mod rewinding;
mod sought;
mod streams;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use mms_asf::{FileError, Packet};
use mms_proto::{Content, Features, HResult, InvalidContent, PlayRequest, StreamSelection};

pub use self::opened::Titles;

use self::clock::Clock;
use self::forward::Forward;
use self::opened::Opened;
use self::rewinding::Rewinding;
use self::sought::Sought;
use self::streams::Chosen;
use super::padding::without_padding;

/// One player's place in a file on demand. The file is open once, however many players it has:
/// [`Titles`]. One more player costs less than 1 KiB beside the packet in hand.
#[derive(Debug)]
pub struct Title {
    file: Arc<Opened>,
    content: Content,
    without_padding: bool,
    chosen: Chosen,
    clock: Clock,
    way: Way,
    buffer: BytesMut,
}

/// Packets that one step reads at most, but for a bisection: others have their turn in between.
const STEP: u32 = 64;

/// Where playing goes.
#[derive(Debug)]
enum Way {
    Nowhere,
    /// The place to begin with is not found yet.
    Sought(Box<Sought>),
    Forward(Forward),
    Back(Rewinding),
}

/// A packet to send.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outgoing {
    /// The number of the packet in the file, from 0.
    pub number: u32,
    /// When it is due on the content's clock: its send time, which never falls from one packet of
    /// a play command to the next; played backwards, how far behind the first one it lies. Only
    /// distances mean something.
    pub time: Duration,
    /// The packet, whole or without its padding.
    pub body: Bytes,
}

/// What [`Title::step`] came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// The next packet.
    Packet(Outgoing),
    /// Packets were read and there is nothing to send yet; others may have their turn before the
    /// next step.
    Later,
    /// Nothing more comes.
    End,
}

/// Why a file cannot be served.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TitleError {
    /// It is no ASF file, or cannot be read.
    #[error(transparent)]
    File(#[from] FileError),
    /// Its packets do not fit the protocol.
    #[error(transparent)]
    Content(#[from] InvalidContent),
    /// It has no whole packet.
    #[error("the file holds no whole packet")]
    Empty,
}

impl TitleError {
    /// What to tell the player.
    #[must_use]
    pub fn hresult(&self) -> HResult {
        HResult::FILE_OPEN_FAILED
    }
}

impl Title {
    /// Opens a file for one player alone. With many players, [`Titles`] saves memory and files.
    ///
    /// # Errors
    /// When it cannot be read, is no ASF file, or cannot be sent.
    pub fn open(path: &Path) -> Result<Self, TitleError> {
        Titles::default().open(path)
    }

    /// Whether a file can be opened, by its header alone.
    ///
    /// # Errors
    /// Where [`open`](Self::open) fails, but for what is found in packets and indexes.
    pub fn check(path: &Path) -> Result<(), TitleError> {
        opened::check(path)
    }

    fn new(file: Arc<Opened>) -> Self {
        Self {
            content: file.content().clone(),
            without_padding: false,
            chosen: Chosen::nothing(file.header()),
            clock: Clock::forwards(),
            way: Way::Nowhere,
            buffer: BytesMut::new(),
            file,
        }
    }

    /// What to announce. Any position can be asked for; fast forward and rewind can where a video
    /// stream has a key frame.
    #[must_use]
    pub fn content(&self) -> &Content {
        &self.content
    }

    /// The header of the file.
    #[must_use]
    pub fn header(&self) -> &mms_asf::Header {
        self.file.header()
    }

    /// Another player's, at the same file.
    pub(super) fn another(&self) -> Self {
        let content = self.content.clone();
        Self { content, ..Self::new(Arc::clone(&self.file)) }
    }

    /// What can be done with it as a part of something else.
    pub(super) fn with_features(mut self, features: Features) -> Self {
        self.content = self.content.with_features(features);
        self
    }

    /// Whether packets are sent without their padding, with their length in the head: for players
    /// of version 9 and later. Older ones do not expect it. Packets of which the padding could not
    /// be put back as it was keep it.
    pub fn strip_padding(&mut self, yes: bool) {
        self.without_padding = yes;
    }

    /// Notes where a player wants to begin and to end, how fast it plays and which streams it gets.
    /// Streams that the file does not have are ignored. Nothing is read yet: the steps that follow
    /// look for the place.
    ///
    /// Where it begins at a time, that is at the last key frames before it, so that it can be shown.
    pub fn play(&mut self, request: &PlayRequest) {
        self.chosen = Chosen::new(self.file.header(), &request.streams);
        let forwards = request.rate.get() >= 0.0;
        self.clock = if forwards { Clock::forwards() } else { Clock::backwards() };
        let sought = match (forwards, self.chosen.video()) {
            // A player that selected nothing gets nothing (MS-MMSP 3.2.5.11).
            _ if self.chosen.is_nothing() => None,
            (true, _) => Some(Sought::forwards(request, &self.chosen)),
            (false, video) => video.map(|stream| Sought::backwards(request, &self.chosen, stream)),
        };
        self.way = sought.map_or(Way::Nowhere, |sought| Way::Sought(Box::new(sought)));
    }

    /// Whether the next step is cheap: it reads the next packet, and seeks nothing.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        match &self.way {
            Way::Nowhere => true,
            Way::Forward(forward) => forward.is_ready(),
            Way::Sought(_) | Way::Back(_) => false,
        }
    }

    /// Packets of the file that were read so far, for all its players.
    pub(super) fn packets_read(&self) -> u64 {
        self.file.reader().packets_read()
    }

    /// Changes what is sent while it plays. A stream begins with a key frame, and the one that it
    /// replaces goes on until then (MS-MMSP 3.2.5.10).
    pub fn select(&mut self, streams: &[StreamSelection]) {
        match &mut self.way {
            Way::Sought(sought) => sought.select(streams),
            Way::Forward(forward) => forward.select(&self.file, &self.chosen, streams),
            Way::Nowhere | Way::Back(_) => {}
        }
        for selection in streams {
            self.chosen.apply(selection);
        }
        match (&mut self.way, self.chosen.video()) {
            (Way::Back(rewinding), Some(stream)) => rewinding.change(&self.file, stream),
            (Way::Back(_), None) => self.way = Way::Nowhere,
            _ => {}
        }
    }

    /// The next packet; `None` at the end. Packets that hold nothing for the player are skipped,
    /// and so are their numbers (MS-MMSP 3.2.5.11.1).
    ///
    /// # Errors
    /// When the file can no longer be read.
    pub fn next_packet(&mut self) -> Result<Option<Outgoing>, FileError> {
        loop {
            match self.step()? {
                Step::Packet(outgoing) => return Ok(Some(outgoing)),
                Step::Later => {}
                Step::End => return Ok(None),
            }
        }
    }

    /// [`next_packet`](Self::next_packet) that reads some packets only, however little of the file
    /// the player selected.
    ///
    /// # Errors
    /// When the file can no longer be read.
    pub fn step(&mut self) -> Result<Step, FileError> {
        let buffer = &mut self.buffer;
        let found = match &mut self.way {
            // Nothing more is to be found.
            _ if self.chosen.is_nothing() => Found::End,
            Way::Nowhere => Found::End,
            Way::Sought(sought) => {
                match sought.step(&self.file, &self.chosen) {
                    Ok(Some(way)) => self.way = way,
                    Ok(None) => {}
                    Err(error) => {
                        self.way = Way::Nowhere;
                        return Err(error);
                    }
                }
                Found::Nothing
            }
            Way::Forward(forward) => {
                let strips = self.without_padding;
                forward.step(&self.file, &self.chosen, &mut self.clock, buffer, strips)?
            }
            Way::Back(rewinding) => match rewinding.step(&self.file, &mut self.clock, buffer)? {
                Found::Packet(number, time, body) if self.without_padding => {
                    Found::Packet(number, time, without_padding(body))
                }
                found => found,
            },
        };
        let (number, time, body) = match found {
            Found::Packet(number, time, body) => (number, time, body),
            Found::Nothing => return Ok(Step::Later),
            Found::End => return Ok(Step::End),
        };
        // The protocol cannot number more.
        let Ok(number) = u32::try_from(number) else { return Ok(Step::End) };
        Ok(Step::Packet(Outgoing { number, time, body }))
    }
}

/// What one way came to.
#[derive(Debug)]
enum Found {
    Packet(u64, Duration, Bytes),
    /// Nothing in many packets.
    Nothing,
    End,
}

/// When a packet should leave the server; `None` when it cannot be read.
fn send_time(packet: &[u8], file: &Opened) -> Option<u32> {
    let size = file.header().file().packet_size;
    Packet::parse(packet, size).ok().map(|packet| packet.send_time())
}
