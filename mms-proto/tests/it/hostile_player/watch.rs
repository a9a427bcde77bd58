//! Everything that a server says, read as a careful player reads it.

use bytes::Bytes;
use mms_proto::HResult;
use mms_proto::mmsp::frame::{DataPacket, HeaderFlags};
use mms_proto::mmsp::message::ServerMessage;
use mms_proto::testing::sim::Wire;

use crate::pair::media;

/// One thing that came out of the server.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Said {
    Message(ServerMessage),
    /// A piece of the header or a packet: its number and its label.
    Data(u32, u8),
    /// An event other than a request for a packet.
    Event(String),
}

/// What Data packets may come now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Expects {
    Nothing,
    /// The fragment of the header with this number, after so many bytes of it; then media with
    /// this label, if any.
    Header {
        label: u8,
        next: u32,
        bytes: usize,
        then: Option<u8>,
    },
    /// A packet after this one.
    Media {
        label: u8,
        last: Option<u32>,
    },
}

/// What a player has to know of the server.
#[derive(Debug, Clone)]
pub(crate) struct Knows {
    /// The header of its content.
    pub(crate) header: Bytes,
    /// The media of the next entry follow its header at once.
    pub(crate) at_once: bool,
    /// Packets may be missing: it is live.
    pub(crate) live: bool,
}

/// A player that believes nothing: it panics at whatever would confuse a real one.
#[derive(Debug)]
pub(crate) struct Watch {
    expects: Expects,
    /// An entry has ended, and another one was promised.
    promised: bool,
    /// The media are of an entry that was not played yet.
    unplayed: bool,
    knows: Knows,
}

impl Watch {
    pub(crate) fn new(knows: Knows) -> Self {
        Self { expects: Expects::Nothing, promised: false, unplayed: false, knows }
    }

    /// Reads one write.
    pub(crate) fn read(&mut self, wire: &Wire<ServerMessage>) -> Said {
        match wire {
            Wire::Data(packet) => {
                self.data(packet);
                Said::Data(packet.location_id, packet.incarnation)
            }
            Wire::Message(message) => {
                self.message(message);
                Said::Message(message.clone())
            }
        }
    }

    fn message(&mut self, message: &ServerMessage) {
        use ServerMessage as S;
        let label = |incarnation: u32| incarnation.to_le_bytes()[0].max(1);
        match message {
            S::ReportReadBlock(answer) if !answer.hr.is_failure() => {
                let then = match self.expects {
                    Expects::Nothing => None,
                    Expects::Header { then, .. } => then,
                    Expects::Media { label, .. } => {
                        assert!(self.unplayed, "a header among media (T40)");
                        Some(label)
                    }
                };
                let label = label(answer.incarnation);
                self.expects = Expects::Header { label, next: 0, bytes: 0, then };
            }
            S::ReportStartedPlaying(answer) if !answer.hr.is_failure() => {
                self.play(label(answer.incarnation));
            }
            S::ReportStartStriding(answer) if !answer.hr.is_failure() => {
                self.play(label(answer.incarnation));
            }
            S::ReportStreamChange(_) => {
                assert_eq!(self.expects, Expects::Nothing, "an entry among media");
                let then = self.knows.at_once.then_some(0xFF);
                self.expects = Expects::Header { label: 0xFF, next: 0, bytes: 0, then };
                assert!(std::mem::take(&mut self.promised), "nobody promised an entry");
                self.unplayed = true;
            }
            S::ReportEndOfStream(answer) => {
                self.promised = answer.hr == HResult::FALSE;
                self.expects = Expects::Nothing;
            }
            _ => {}
        }
    }

    fn play(&mut self, label: u8) {
        self.unplayed = false;
        match &mut self.expects {
            // The next entry has a label of its own.
            Expects::Nothing if self.promised => {}
            Expects::Header { then, .. } => *then = Some(label),
            other => *other = Expects::Media { label, last: None },
        }
    }

    fn data(&mut self, packet: &DataPacket) {
        match &mut self.expects {
            Expects::Nothing => panic!("{packet:?} belongs to nothing"),
            Expects::Header { label, next, bytes, then } => {
                assert_eq!((packet.incarnation, packet.location_id), (*label, *next));
                let end = *bytes + packet.payload.len();
                assert_eq!(packet.payload, self.knows.header[*bytes..end]);
                let is_last = HeaderFlags(packet.flags).is_last();
                assert_eq!(is_last, end == self.knows.header.len(), "{packet:?}");
                (*next, *bytes) = (*next + 1, end);
                if is_last {
                    let media = |label| Expects::Media { label, last: None };
                    self.expects = then.map_or(Expects::Nothing, media);
                }
            }
            Expects::Media { label, last } => {
                let number = packet.location_id;
                assert_eq!(packet.incarnation, *label, "{packet:?}");
                let follows = |last| number == last + 1 || (self.knows.live && number > last);
                assert!(last.is_none_or(follows), "{packet:?} after {last:?}");
                assert_eq!(packet.payload, media::packet(number));
                *last = Some(number);
            }
        }
    }
}

/// The watch notices what would confuse a player.
#[cfg(test)]
mod tests {
    use mms_proto::mmsp::message::{ReportReadBlock, ReportStartedPlaying};

    use super::*;

    fn watch() -> Watch {
        let header = Bytes::from_static(b"header");
        Watch::new(Knows { header, at_once: true, live: false })
    }

    fn header(watch: &mut Watch, bytes: &'static [u8], flags: u8) {
        let ok = ReportReadBlock { hr: HResult::OK, incarnation: 2 };
        watch.read(&Wire::Message(ok.into()));
        watch.read(&Wire::Data(DataPacket::new(0, 2, flags, Bytes::from_static(bytes))));
    }

    fn packet(watch: &mut Watch, number: u32, label: u8) {
        let packet = DataPacket::new(number, label, 0, media::packet(number));
        watch.read(&Wire::Data(packet));
    }

    fn playing() -> Watch {
        let mut watch = watch();
        header(&mut watch, b"header", 0x0C);
        let started = ReportStartedPlaying { hr: HResult::OK, incarnation: 4, open_file_id: 1 };
        watch.read(&Wire::Message(started.into()));
        packet(&mut watch, 7, 4);
        watch
    }

    #[test]
    fn a_session_as_it_should_be() {
        packet(&mut playing(), 8, 4);
    }

    #[test]
    #[should_panic(expected = "belongs to nothing")]
    fn media_without_a_play_command() {
        packet(&mut watch(), 0, 1);
    }

    #[test]
    #[should_panic(expected = "left")]
    fn the_last_fragment_too_early() {
        header(&mut watch(), b"head", 0x0C);
    }

    #[test]
    #[should_panic(expected = "left")]
    fn another_label() {
        packet(&mut playing(), 8, 5);
    }

    #[test]
    #[should_panic(expected = "after Some(7)")]
    fn a_packet_is_missing() {
        packet(&mut playing(), 9, 4);
    }

    #[test]
    #[should_panic(expected = "a header among media")]
    fn a_header_among_media() {
        header(&mut playing(), b"header", 0x0C);
    }
}
