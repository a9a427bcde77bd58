//! What a server has to do, written down a second time: from the protocol's side, in the order in
//! which things happen.
//!
//! Requests, in the order in which they arrive, commands of the application and the time go in.
//! Every output of the machine is compared with what has to come now, and every `Wait` with what
//! may be waited for.

mod answers;
mod media;
mod stage;
mod timers;

use mms_proto::MessageKind;
use mms_proto::mmsp::MmspDeviation;
use std::collections::VecDeque;
use std::time::Instant;

use mms_proto::mmsp::ServerConfig;
use mms_proto::mmsp::message::{ClientMessage, MessageId};
use mms_proto::{CloseReason, Content, Deviation, Error, Missing, OpenRequest, ServerEvent};
use mms_proto::{EntryDelivery, Pace};

pub(crate) use media::Given;
pub(crate) use stage::Stage;
use timers::Timers;

use super::seen::Seen;

/// What has to be the very next output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Expected {
    Connected,
    FunnelInfos(u8),
    /// The application's answer to the request with this label.
    Opened(u32),
    Challenge(u32),
    Redirect,
    Selected,
    Play,
    Rate,
    Stopped,
    Unknown,
    ClosedLocally,
    ClosedElsewhere,
}

/// One session as it has to be.
pub(crate) struct Rules {
    /// The time that the machine knows.
    pub(crate) now: Instant,
    /// The driver was held up: what is due may have been due for a while.
    pub(crate) late: bool,
    pub(crate) stage: Stage,
    pub(crate) content: Option<Content>,
    pub(crate) live: bool,
    pub(crate) seen: Seen,
    timers: Timers,
    /// What was handed to the machine and has not come out.
    queue: VecDeque<Given>,
    /// A live player plays what is pushed; and is too slow for it.
    tuned: bool,
    dropping: bool,
    /// The application closed the session.
    closing: bool,
    /// The connection is gone.
    gone: bool,
    pace: Pace,
    delivery: EntryDelivery,
    /// `NSPlayer` of version 9 and later.
    modern: bool,
    /// The end waits until the content has played out, for clients that end with it.
    holds_ends: bool,
    ends_at_end: bool,
    seek_while_streaming: bool,
    all_unasked: bool,
    /// The client selected streams at least once; and before its latest play command.
    selected: bool,
    chose: bool,
    arrived: VecDeque<ClientMessage>,
    /// Label of the request that the application has to answer, or has answered with a challenge.
    asked: u32,
    cookie: u32,
    challenges: u32,
    most_challenges: u32,
    /// The server is full.
    refuses: bool,
    /// A client that knows redirects.
    movable: bool,
    expected: Option<Expected>,
    funnel: bool,
    /// Label of the latest play command.
    incarnation: u32,
    sequence: u32,
}

impl Rules {
    pub(crate) fn new(now: Instant, config: &ServerConfig) -> Self {
        Self {
            now,
            late: false,
            stage: Stage::Silent,
            content: None,
            live: false,
            seen: Seen::default(),
            timers: Timers::new(now, config),
            queue: VecDeque::new(),
            tuned: false,
            dropping: false,
            closing: false,
            gone: false,
            pace: config.pace,
            delivery: config.entry_delivery,
            modern: false,
            holds_ends: config.hold_end && config.pace == Pace::BitRate,
            ends_at_end: false,
            seek_while_streaming: config.seek_while_streaming,
            all_unasked: config.select_all_unasked,
            selected: false,
            chose: false,
            arrived: VecDeque::new(),
            asked: 0,
            cookie: 0,
            challenges: 0,
            most_challenges: config.limits.challenges,
            refuses: config.refusal.is_some(),
            movable: false,
            expected: None,
            funnel: false,
            incarnation: 0,
            sequence: 0,
        }
    }

    /// Messages that the machine has whole, and whether the beginning of another one is there.
    pub(crate) fn arrives(&mut self, messages: Vec<ClientMessage>, rest: bool) {
        self.timers.frame_arrives(!messages.is_empty(), rest);
        self.arrived.extend(messages);
    }

    pub(crate) fn goes(&mut self) {
        self.gone = true;
    }

    /// Time has passed.
    pub(crate) fn time_passes(&mut self) {
        if self.timers.is_not_played(self.now) {
            if let Stage::Streaming(media) = &mut self.stage {
                media.unplayed = false;
            }
        }
    }

    /// The application closes the session.
    pub(crate) fn closes(&mut self) {
        self.closing = true;
    }

    pub(crate) fn event(&mut self, event: &ServerEvent) {
        assert_ne!(self.stage, Stage::Closed, "nothing after the end");
        let expected = self.expected.take();
        match (event, expected) {
            (ServerEvent::Connected(_), Some(Expected::Connected)) => {
                self.expected = self.refuses.then_some(Expected::ClosedLocally);
            }
            (ServerEvent::SelectStreams(_), Some(Expected::Selected)) => self.selected = true,
            (ServerEvent::Play(play), Some(Expected::Play)) => {
                let unasked = if self.all_unasked { 127 } else { 0 };
                assert!(self.chose || play.streams.len() == unasked, "nothing was selected");
            }
            (ServerEvent::Stopped, Some(Expected::Stopped))
            | (ServerEvent::Rate(_), Some(Expected::Rate))
            | (ServerEvent::Unknown { .. }, Some(Expected::Unknown))
            | (ServerEvent::Closed(CloseReason::Local), Some(Expected::ClosedLocally))
            | (ServerEvent::Closed(CloseReason::Redirected), Some(Expected::ClosedElsewhere)) => {}
            (event, Some(expected)) => panic!("{event:?} instead of {expected:?}"),
            (ServerEvent::PacketWanted { .. }, None) => self.wants_packet(),
            (ServerEvent::Open(open), None) => self.asks(open),
            (ServerEvent::Log(_), None) => {
                let request = self.next_request();
                assert!(matches!(request, ClientMessage::Logging(_)), "a report for {request:?}");
                self.seen.note("a report");
            }
            (ServerEvent::Deviation(deviation), None) => self.deviation(*deviation),
            (ServerEvent::Closed(reason), None) => self.closed(reason),
            (event, None) => panic!("{event:?} for no reason"),
        }
        if matches!(event, ServerEvent::Closed(_)) {
            self.stage = Stage::Closed;
            self.timers.stop_all();
        }
    }

    /// The application is asked for a file.
    fn asks(&mut self, open: &OpenRequest) {
        match (self.next_request(), &self.stage) {
            (ClientMessage::OpenFile(request), _) => {
                assert!(self.funnel && self.content.is_none(), "a file that cannot be opened");
                assert_eq!((&open.path, &open.credentials), (&request.path, &None));
                self.asked = request.incarnation;
            }
            (ClientMessage::SecurityResponse(response), Stage::Challenged) => {
                assert_eq!((response.incarnation, response.cookie), (self.asked, self.cookie));
                assert!(open.credentials.is_some());
            }
            (request, stage) => panic!("{open:?} for {request:?} in {stage:?}"),
        }
        assert_eq!(open.round, self.challenges);
        self.stage = Stage::Asked;
        self.timers.asks();
    }

    /// The machine waits.
    pub(crate) fn waits(&mut self, deadline: Option<Instant>) {
        assert_eq!(self.expected, None, "it did not come");
        if self.stage == Stage::Closed {
            assert_eq!(deadline, None, "nothing is to come");
            return;
        }
        assert!(!self.closing && !self.gone, "it has to end");
        if self.stage != Stage::Asked {
            self.has_handled_all();
            let mark = |given| !matches!(given, &Given::Packet { .. });
            if self.is_unplayed() && self.queue.front().is_some_and(mark) {
                self.timers.waits_for_play(self.now);
            }
        }
        let wakes = |at: Instant| deadline.is_some_and(|deadline| deadline <= at.max(self.now));
        for (timer, at) in self.timers.running() {
            assert!(at > self.now || self.late, "{timer} is over");
            assert!(wakes(at), "{timer} at {at:?} would be missed: {deadline:?}");
        }
        if let Some(at) = self.media_goes_on() {
            assert!(wakes(at), "media would be late: {at:?}, {deadline:?}, {:?}", self.stage);
        }
    }

    /// Nothing more of what has arrived has an answer.
    fn has_handled_all(&mut self) {
        while let Some(request) = self.arrived.pop_front() {
            self.heard(&request);
            assert!(self.skips(&request), "{request:?} was not answered");
        }
        self.timers.frame_waits(self.now);
    }

    /// The next request that needs an answer or is reported.
    fn next_request(&mut self) -> ClientMessage {
        loop {
            let request = self.arrived.pop_front().expect("an answer to nothing");
            self.heard(&request);
            if !self.skips(&request) {
                return request;
            }
        }
    }

    fn heard(&mut self, request: &ClientMessage) {
        self.timers.hears(self.now, matches!(request, ClientMessage::Pong(_)));
    }

    /// A request of which nobody hears; what it does is done.
    fn skips(&mut self, request: &ClientMessage) -> bool {
        match (request, &self.stage) {
            (ClientMessage::Pong(_), stage) => *stage != Stage::Silent,
            (ClientMessage::CancelReadBlock(_), Stage::Header(_)) => {
                self.stage = Stage::Opened;
                true
            }
            (ClientMessage::CancelReadBlock(_), Stage::Ready | Stage::Opened) => true,
            _ => false,
        }
    }

    fn deviation(&mut self, deviation: Deviation) {
        self.seen.note("a deviation");
        let request = self.next_request();
        match (deviation, &request) {
            (Deviation::UnknownMessage(MessageKind::Mmsp(id)), ClientMessage::Unknown { .. }) => {
                assert_eq!(id, request.id());
                self.expected = Some(Expected::Unknown);
            }
            (Deviation::OutOfPlace(MessageKind::Mmsp(id)), ClientMessage::Connect(_)) => {
                assert_eq!(id, request.id())
            }
            (Deviation::OutOfPlace(_), ClientMessage::SecurityResponse(_)) => {
                assert_ne!(self.stage, Stage::Challenged);
            }
            (
                Deviation::Mmsp(MmspDeviation::StaleResponse { .. }),
                ClientMessage::SecurityResponse(response),
            ) => {
                assert_eq!(self.stage, Stage::Challenged);
                assert_ne!(response.cookie, self.cookie);
            }
            (Deviation::OutOfPlace(MessageKind::Mmsp(MessageId::CANCEL_READ_BLOCK)), _) => {
                assert_eq!(request.id(), MessageId::CANCEL_READ_BLOCK);
            }
            (
                Deviation::OutOfPlace(MessageKind::Mmsp(MessageId::STOP_PLAYING)),
                ClientMessage::StopPlaying(_),
            ) => {
                assert!(!self.stage.may_play(), "a stop that has an answer");
            }
            (deviation, request) => panic!("{deviation:?} for {request:?}"),
        }
    }

    fn closed(&mut self, reason: &CloseReason) {
        let what = match reason {
            CloseReason::Local => {
                assert!(
                    self.closing || self.timers.after_end(self.now, self.late),
                    "closed for no reason"
                );
                "closed by the application or after the end"
            }
            CloseReason::Peer => {
                if !self.gone {
                    let request = self.next_request();
                    assert!(matches!(request, ClientMessage::CloseFile(_)), "{request:?}");
                }
                "closed by the player"
            }
            CloseReason::Idle => {
                assert!(self.timers.idle(self.now, self.late), "it is not idle");
                "closed because it was idle"
            }
            CloseReason::Failed(Error::TimedOut { missing, .. }) => {
                let (what, over) = match missing {
                    Missing::Request => (
                        "closed because nothing was asked for",
                        self.timers.handshake(self.now, self.late),
                    ),
                    Missing::RestOfPacket => {
                        ("closed in the middle of a packet", self.timers.frame(self.now, self.late))
                    }
                    _ if self.stage == Stage::Challenged
                        && self.timers.handshake(self.now, self.late) =>
                    {
                        ("closed because a challenge was not met", true)
                    }
                    _ => (
                        "closed because no ping was answered",
                        self.timers.unanswered(self.now, self.late),
                    ),
                };
                assert!(over, "{reason:?} too early or too late");
                what
            }
            CloseReason::Failed(Error::Unexpected { message, .. }) => {
                let request = self.next_request();
                assert_eq!(
                    (&self.stage, *message),
                    (&Stage::Silent, MessageKind::Mmsp(request.id()))
                );
                "a request refused"
            }
            reason => panic!("{reason:?}"),
        };
        self.seen.note(what);
    }
}

/// The rules notice events for no reason, and deadlines that would be missed.
#[cfg(test)]
mod tests {
    use super::*;
    use crate::pair::media::{seconds, start};

    fn rules() -> Rules {
        Rules::new(start(), &ServerConfig::default())
    }

    #[test]
    fn the_handshake_is_waited_for() {
        let mut rules = rules();
        rules.waits(Some(rules.now + seconds(30)));
    }

    #[test]
    #[should_panic(expected = "the handshake at")]
    fn a_deadline_that_is_missed() {
        let mut rules = rules();
        rules.waits(Some(rules.now + seconds(31)));
    }

    #[test]
    #[should_panic(expected = "it has to end")]
    fn a_connection_that_is_gone() {
        let mut rules = rules();
        rules.goes();
        rules.waits(Some(rules.now));
    }

    #[test]
    #[should_panic(expected = "it is not idle")]
    fn an_end_for_no_reason() {
        rules().event(&ServerEvent::Closed(CloseReason::Idle));
    }

    #[test]
    #[should_panic(expected = "for no reason")]
    fn an_event_for_no_reason() {
        rules().event(&ServerEvent::Stopped);
    }

    #[test]
    #[should_panic(expected = "nothing after the end")]
    fn something_after_the_end() {
        let mut rules = rules();
        rules.closes();
        rules.event(&ServerEvent::Closed(CloseReason::Local));
        rules.event(&ServerEvent::Stopped);
    }
}
