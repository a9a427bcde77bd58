//! Live content that any number of players share, and can join in the middle.
//!
//! A [`Channel`] turns what a feed brings into content and numbered packets. It keeps the last
//! packets, so that a player that joins begins with a key frame and not with silence. A
//! [`Listener`] is one player's view of it, a [`Cursor`] the player's position in it. Packets are
//! shared: what a player gets in full is not copied.

mod backlog;
mod cursor;
mod listener;

use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use mms_asf::{Continuity, Header, Packet, Restart, SendClock, StreamKind, StreamSet};
use mms_proto::{Content, Features, PlayRequest};

pub use self::backlog::{BACKLOG_BYTES, BACKLOG_PACKETS, BACKLOG_TIME, CUSHION};
pub use self::cursor::{Cursor, Item};
pub use self::listener::Listener;

use self::backlog::Backlog;
use self::cursor::Tail;
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
    /// The streams of which it has payloads; all of them where it cannot be read.
    streams: StreamSet,
    /// The video streams of which a key frame begins in it.
    keys: StreamSet,
    /// The streams that can be decoded from it on: those video streams, and others of
    /// which a media object begins.
    begins: StreamSet,
}

/// What an item of the feed led to. What players get of it they find with their [`Cursor`].
#[derive(Debug, Clone)]
pub enum Change {
    /// Nothing that players have to know.
    Nothing,
    /// A packet. The times of an encoder that starts its clock anew go on where they were, and so
    /// do those of all packets after it.
    Packet(Option<Restart>),
    /// New content: players go on to it as to the next entry of a playlist.
    Header,
    /// The content has ended, and why if it should not have. Nobody can join any more.
    Ended(Option<String>),
}

/// Live content that players share.
#[derive(Debug, Default)]
pub struct Channel {
    current: Option<Current>,
    tail: Tail,
    /// The number of the next packet.
    number: u32,
    /// Headers so far.
    entry: u32,
}

/// One header and what follows from it.
#[derive(Debug)]
pub struct Program {
    header: Header,
    content: Content,
    /// Counts headers.
    entry: u32,
    /// The video streams.
    video: StreamSet,
}

/// The latest header and its packets so far.
#[derive(Debug)]
struct Current {
    program: Arc<Program>,
    continuity: Continuity,
    clock: SendClock,
    /// The time of the last packet that has one.
    time: Duration,
    /// The time of the last key frame, or of the first packet.
    key_time: Option<Duration>,
    backlog: Backlog,
}

/// Whether a header can be announced to players.
///
/// # Errors
/// Why it cannot.
pub fn check_header(bytes: &Bytes) -> Result<(), String> {
    Program::new(bytes.clone(), 0).map(drop)
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
                match Program::new(bytes, self.entry) {
                    Ok(program) => {
                        let program = Arc::new(program);
                        self.tail.push(Item::Header(Arc::clone(&program)));
                        self.current = Some(Current::new(program));
                        Change::Header
                    }
                    Err(why) => self.end(Some(why)),
                }
            }
            FeedItem::Packet(body) => match self.packet(body) {
                Some(restart) => Change::Packet(restart),
                None => Change::Nothing,
            },
            FeedItem::End => self.end(None),
            FeedItem::Failed(why) => self.end(Some(why)),
            FeedItem::Note(_) => Change::Nothing,
        }
    }

    /// What is sent; `None` before the first header and after the end.
    #[must_use]
    pub fn program(&self) -> Option<&Arc<Program>> {
        self.current.as_ref().map(|current| &current.program)
    }

    /// What to announce; `None` before the first header and after the end.
    #[must_use]
    pub fn content(&self) -> Option<&Content> {
        self.program().map(|program| program.content())
    }

    /// A player begins to listen: its view of the channel, and the position from which on it takes
    /// packets, which go through the view. Where it wants to begin means nothing here.
    #[must_use]
    pub fn tune_in(&self, request: &PlayRequest, strip_padding: bool) -> (Listener, Cursor) {
        let mut listener = Listener::new(strip_padding);
        let start = self.current.as_ref().and_then(|current| {
            listener.retune(&current.program, &request.streams);
            current.backlog.since_key_frame(listener.streams().and(current.program.video))
        });
        (listener, start.unwrap_or_else(|| self.tail.cursor()))
    }

    /// Bytes of packets that were sent after this position.
    #[must_use]
    pub fn bytes_after(&self, cursor: &Cursor) -> u64 {
        self.tail.position().saturating_sub(cursor.position())
    }

    fn end(&mut self, why: Option<String>) -> Change {
        self.current = None;
        self.tail.push(Item::End);
        Change::Ended(why)
    }

    fn packet(&mut self, body: Bytes) -> Option<Option<Restart>> {
        let current = self.current.as_mut()?;
        let program = &current.program;
        let size = program.header.file().packet_size;
        if body.is_empty() || body.len() > size as usize {
            return None;
        }
        let (body, restart) = on_line(&mut current.continuity, body);
        let [mut streams, mut keys, mut begins] = [StreamSet::EMPTY; 3];
        let parsed = Packet::parse(&body, size).ok();
        if let Some(packet) = &parsed {
            let time = current.clock.follow(packet.send_time());
            current.time = Duration::from_millis(u64::try_from(time).unwrap_or(0));
            for payload in packet.payloads().map_while(Result::ok) {
                let stream = payload.stream;
                streams.insert(stream);
                if !payload.begins_object() {
                    continue;
                }
                let video = program.video.contains(stream);
                if video && payload.key_frame {
                    keys.insert(stream);
                }
                if !video || payload.key_frame {
                    begins.insert(stream);
                }
            }
        }
        let key_time = current.key_time.filter(|&at| keys.is_empty() && at <= current.time);
        let key_time = key_time.unwrap_or(current.time);
        current.key_time = Some(key_time);
        // Video is declared where there is none, or stops: sound does not wait for it.
        let without = current.time.saturating_sub(key_time) > BACKLOG_TIME;
        let readable = parsed.is_some();
        let packet = LivePacket {
            number: self.number,
            key_frame: !keys.is_empty() || program.video.is_empty() || without,
            time: current.time,
            stripped: if readable { without_padding(body.clone()) } else { body.clone() },
            body,
            entry: program.entry,
            streams: if readable { streams } else { StreamSet::ALL },
            keys,
            begins,
        };
        self.number = self.number.wrapping_add(1);
        let position = self.tail.push(Item::Packet(packet.clone()));
        current.backlog.push(&packet, position);
        Some(restart)
    }
}

impl Current {
    fn new(program: Arc<Program>) -> Self {
        let backlog = Backlog::new(!program.video.is_empty());
        let continuity = Continuity::new(&program.header);
        let (clock, time) = (SendClock::new(), Duration::ZERO);
        Self { program, continuity, clock, time, key_time: None, backlog }
    }
}

/// The packet on a line of time that never runs back. One that cannot be read stays as it is.
fn on_line(continuity: &mut Continuity, body: Bytes) -> (Bytes, Option<Restart>) {
    let mut bytes = body.try_into_mut().unwrap_or_else(|shared| BytesMut::from(shared.as_ref()));
    let restart = continuity.join(&mut bytes).unwrap_or_default();
    (bytes.freeze(), restart)
}

impl Program {
    /// The header.
    #[must_use]
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// What to announce.
    #[must_use]
    pub fn content(&self) -> &Content {
        &self.content
    }

    fn new(bytes: Bytes, entry: u32) -> Result<Self, String> {
        let header = Header::parse(&bytes).map_err(|error| error.to_string())?;
        let content = Content::new(bytes)
            .and_then(|content| content.with_packet_size(header.file().packet_size))
            .map_err(|error| error.to_string())?
            .with_bit_rate(bit_rate(&header))
            .with_features(Features::BROADCAST | Features::LIVE);
        let streams = header.streams().iter();
        let video = streams
            .filter(|stream| stream.kind == StreamKind::Video)
            .map(|stream| stream.number)
            .collect();
        Ok(Self { header, content, entry, video })
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

#[cfg(test)]
mod tests;
