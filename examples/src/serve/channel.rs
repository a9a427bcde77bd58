//! Live content that any number of players share, and can join in the middle.
//!
//! A [`Channel`] turns what a feed brings into content and numbered packets. It keeps the last
//! packets, so that a player that joins begins with a key frame and not with silence. A
//! [`Listener`] is one player's view of it. Packets are shared: what a player gets in full is not
//! copied.

mod backlog;
mod listener;

use std::time::Duration;

use bytes::Bytes;
use mms_asf::{Header, Packet, Payload, SendClock, StreamKind};
use mms_proto::{Content, FileAttributes, PlayRequest};

pub use self::backlog::{BACKLOG_BYTES, BACKLOG_PACKETS, BACKLOG_TIME, CUSHION};
pub use self::listener::Listener;

use self::backlog::Backlog;
use super::feed::FeedItem;
use super::padding::without_padding;

/// A packet of a channel. Clones share its bytes.
#[derive(Debug, Clone)]
pub struct LivePacket {
    /// Its number among all packets of the channel, whatever header they belong to.
    pub number: u32,
    /// A player that missed packets can go on with it: a key frame of a video stream begins in it,
    /// or the content has no video, or none of which a key frame came for [`BACKLOG_TIME`].
    pub key_frame: bool,
    /// Its send time, on a line that does not wrap and begins anew with each header.
    pub time: Duration,
    /// The packet as it was brought.
    pub body: Bytes,
    /// The same without padding.
    stripped: Bytes,
    /// Counts headers.
    entry: u32,
    /// The video streams of which a key frame begins in it, bit by bit.
    keys: u128,
    /// The streams that can be decoded from it on, bit by bit: those video streams, and others of
    /// which a media object begins.
    begins: u128,
}

/// What an item of the feed led to.
#[derive(Debug, Clone)]
pub enum Change {
    /// Nothing that players have to know.
    Nothing,
    /// A packet to be handed to all players.
    Packet(LivePacket),
    /// New content: players go on to it as to the next entry of a playlist.
    Header,
    /// The content has ended, and why if it should not have. Nobody can join any more.
    Ended(Option<String>),
}

/// Live content that players share.
#[derive(Debug, Default)]
pub struct Channel {
    program: Option<Program>,
    /// The number of the next packet.
    number: u32,
    /// Headers so far.
    entry: u32,
}

/// What belongs to one header.
#[derive(Debug)]
struct Program {
    header: Header,
    content: Content,
    /// The video streams, bit by bit.
    video: u128,
    clock: SendClock,
    /// The time of the last packet that has one.
    time: Duration,
    /// The time of the last key frame, or of the first packet.
    key_time: Option<Duration>,
    backlog: Backlog,
}

impl Channel {
    /// A channel on which nothing was sent yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes what a feed has brought. A packet that does not fit its header is left out; a header
    /// that cannot be announced is the end.
    pub fn take(&mut self, item: FeedItem) -> Change {
        match item {
            FeedItem::Header(bytes) => {
                self.entry = self.entry.wrapping_add(1);
                match Program::new(bytes) {
                    Ok(program) => {
                        self.program = Some(program);
                        Change::Header
                    }
                    Err(why) => self.end(Some(why)),
                }
            }
            FeedItem::Packet(body) => self.packet(body).map_or(Change::Nothing, Change::Packet),
            FeedItem::End => self.end(None),
            FeedItem::Failed(why) => self.end(Some(why)),
            FeedItem::Note(_) => Change::Nothing,
        }
    }

    /// What to announce; `None` before the first header and after the end.
    #[must_use]
    pub fn content(&self) -> Option<&Content> {
        self.program.as_ref().map(|program| &program.content)
    }

    /// The header of what is sent; `None` when there is no content.
    #[must_use]
    pub fn header(&self) -> Option<&Header> {
        self.program.as_ref().map(|program| &program.header)
    }

    /// A player begins to listen: its view of the channel, and the packets to begin with, which go
    /// through the view as all others do. Where it wants to begin means nothing here.
    #[must_use]
    pub fn tune_in(
        &self,
        request: &PlayRequest,
        strip_padding: bool,
    ) -> (Listener, Vec<LivePacket>) {
        let mut listener = Listener::new(strip_padding);
        listener.retune(self, &request.streams);
        let backlog = self.program.as_ref().map_or_else(Vec::new, |program| {
            program.backlog.since_key_frame(listener.streams() & program.video)
        });
        (listener, backlog)
    }

    fn end(&mut self, why: Option<String>) -> Change {
        self.program = None;
        Change::Ended(why)
    }

    fn packet(&mut self, body: Bytes) -> Option<LivePacket> {
        let program = self.program.as_mut()?;
        let size = program.header.file().packet_size;
        if body.is_empty() || body.len() > size as usize {
            return None;
        }
        let (mut keys, mut begins) = (0, 0);
        let parsed = Packet::parse(&body, size).ok();
        if let Some(packet) = &parsed {
            let time = program.clock.follow(packet.send_time());
            program.time = Duration::from_millis(u64::try_from(time).unwrap_or(0));
            for payload in packet.payloads().map_while(Result::ok).filter(Payload::begins_object) {
                let stream = bit(payload.stream);
                let video = program.video & stream != 0;
                if video && payload.key_frame {
                    keys |= stream;
                }
                if !video || payload.key_frame {
                    begins |= stream;
                }
            }
        }
        let key_time = program.key_time.filter(|&at| keys == 0 && at <= program.time);
        let key_time = key_time.unwrap_or(program.time);
        program.key_time = Some(key_time);
        // Video is declared where there is none, or stops: sound does not wait for it.
        let without = program.time.saturating_sub(key_time) > BACKLOG_TIME;
        let stripped = parsed.map_or_else(|| body.clone(), |_| without_padding(&body));
        let packet = LivePacket {
            number: self.number,
            key_frame: keys != 0 || program.video == 0 || without,
            time: program.time,
            stripped,
            body,
            entry: self.entry,
            keys,
            begins,
        };
        self.number = self.number.wrapping_add(1);
        program.backlog.push(packet.clone());
        Some(packet)
    }
}

impl Program {
    fn new(bytes: Bytes) -> Result<Self, String> {
        let header = Header::parse(&bytes).map_err(|error| error.to_string())?;
        let content = Content::new(bytes, header.file().packet_size)
            .map_err(|error| error.to_string())?
            .with_bit_rate(bit_rate(&header))
            .with_attributes(FileAttributes::BROADCAST);
        let streams = header.streams().iter();
        let video = streams
            .filter(|stream| stream.kind == StreamKind::Video)
            .fold(0, |all, stream| all | bit(stream.number));
        let backlog = Backlog::new(video != 0);
        let (clock, time) = (SendClock::new(), Duration::ZERO);
        Ok(Self { header, content, video, clock, time, key_time: None, backlog })
    }
}

/// What the header declares, where it does, else what its streams need together.
fn bit_rate(header: &Header) -> u32 {
    match header.file().max_bit_rate {
        0 | u32::MAX => header
            .streams()
            .iter()
            .filter_map(|stream| stream.bit_rate)
            .fold(0, u32::saturating_add),
        declared => declared,
    }
}

/// The bit that stands for a stream.
fn bit(stream: u8) -> u128 {
    1_u128.checked_shl(stream.into()).unwrap_or(0)
}

#[cfg(test)]
mod tests;
