//! Which payloads a player gets: thinning, switching between bit rates, starting in the middle.

mod rewind;
mod tracks;

use bytes::{Bytes, BytesMut};

pub use self::rewind::Rewind;

use self::tracks::Tracks;
use crate::keep::Choice;
use crate::{Error, Header, Kept, Packet};

/// How much of a stream is sent.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Selection {
    /// Everything.
    #[default]
    Full,
    /// Key frames. All of audio, commands, pictures and whatever else is no video: each of their
    /// media objects counts as one.
    KeyFrames,
    /// Nothing.
    Off,
}

/// What is sent of a packet. Either way it has the packet size of the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Selected {
    /// All of it: the bytes that came in, not copied.
    Unchanged(Bytes),
    /// A packet with some of the payloads.
    Rewritten(Bytes),
    /// Nothing.
    Nothing,
}

/// The header declares no such stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the header declares no stream {number}")]
#[non_exhaustive]
pub struct NoSuchStream {
    /// The stream number asked for.
    pub number: u8,
}

/// Decides for one player which payloads of each packet it gets.
///
/// It is fed the packets of a file or a broadcast in order and does no input or output. Many
/// players can be fed the same [`Bytes`]: a packet of which a player gets everything is handed on
/// without a copy.
///
/// What is sent can be decoded from its first byte on: of a video stream that was not sent in full
/// before, nothing is sent until its next key frame, and fragments of a media object whose
/// beginning was not sent are left out. A media object that was begun is finished, whatever
/// changes meanwhile. Streams that the header does not declare are left out.
///
/// ```
/// use mms_asf::{Selected, Selection, Selector};
/// # use mms_asf::testing::{self, TestPacket, TestPayload, TestStream};
/// # let streams = [TestStream::Audio(1), TestStream::Video(2), TestStream::Video(3)];
/// # let header = mms_asf::Header::parse(&testing::header(200, 9, &streams))?;
/// # let payload = |stream| TestPayload::whole(stream, 0, 3_000, b"data");
/// # let packet = TestPacket::multiple([1, 0x82, 0x83].map(payload).to_vec()).build(200);
/// # let audio = TestPacket::single(payload(1)).build(200);
///
/// let mut player = Selector::new(&header);
/// player.select(3, Selection::Off)?;
/// assert!(matches!(player.packet(&packet)?, Selected::Rewritten(bytes) if bytes.len() == 200));
/// assert_eq!(player.packet(&audio)?, Selected::Unchanged(audio.clone()));
///
/// // More bandwidth: stream 2 goes on until stream 3 has a key frame.
/// player.switch(2, 3, Selection::Full)?;
/// # player.packet(&packet)?;
/// # assert_eq!(player.selection(2), Some(Selection::Off));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct Selector {
    packet_size: u32,
    tracks: Tracks,
    buffer: BytesMut,
}

impl Selector {
    /// Selects all streams of the header in full, from the file's first packet on. For any other
    /// packet call [`seek`](Self::seek) first.
    pub fn new(header: &Header) -> Self {
        Self {
            packet_size: header.file().packet_size,
            tracks: Tracks::new(header.streams()),
            buffer: BytesMut::new(),
        }
    }

    /// Changes how much of a stream is sent, from its next media object on; takes back a
    /// [`switch`](Self::switch) to it. Fails, with nothing changed, when the header does not
    /// declare it.
    pub fn select(&mut self, stream: u8, selection: Selection) -> Result<(), NoSuchStream> {
        self.tracks.select(stream, selection)
    }

    /// Sends `to` instead of `from`, which are two bit rates of the same content, or two languages.
    /// It takes effect where `to` has its next key frame: until then `from` goes on. When `from`
    /// is off, or the same stream, this is [`select`](Self::select).
    ///
    /// Another switch from either stream takes the place of one that has not taken effect.
    ///
    /// Fails, with nothing changed, when the header does not declare both.
    pub fn switch(&mut self, from: u8, to: u8, selection: Selection) -> Result<(), NoSuchStream> {
        self.tracks.switch(from, to, selection)
    }

    /// How much of a stream is sent now: a switch that has not taken effect does not count. `None`
    /// when the header does not declare the stream.
    pub fn selection(&self, stream: u8) -> Option<Selection> {
        self.tracks.selection(stream)
    }

    /// The next packet is another one than the one that follows: the player starts in the middle,
    /// or seeks. Switches take effect.
    pub fn seek(&mut self) {
        self.tracks.seek();
    }

    /// What the player gets of this packet, which is the next one in order and has the packet size
    /// of the file.
    ///
    /// Fails when it cannot be read or is shorter. That is as if the packet had been lost: the
    /// next one may follow.
    pub fn packet(&mut self, packet: &Bytes) -> Result<Selected, Error> {
        let parsed = Packet::parse(packet, self.packet_size)?;
        let choice = Choice::new(&parsed, |payload| self.tracks.keep(payload))?;
        Selected::new(packet, &parsed, choice, &mut self.buffer)
    }
}

impl Selected {
    /// The packet to send, if there is one.
    pub fn into_bytes(self) -> Option<Bytes> {
        match self {
            Self::Unchanged(bytes) | Self::Rewritten(bytes) => Some(bytes),
            Self::Nothing => None,
        }
    }

    fn new(
        bytes: &Bytes,
        packet: &Packet<'_>,
        choice: Choice,
        buffer: &mut BytesMut,
    ) -> Result<Self, Error> {
        Ok(match choice.kept() {
            Kept::All => Self::Unchanged(bytes.clone()),
            Kept::Part => {
                choice.write(packet, buffer)?;
                Self::Rewritten(buffer.split().freeze())
            }
            Kept::None => Self::Nothing,
        })
    }
}
