//! Messages of the server: each answers the next request, or comes at its time.

use mms_proto::mmsp::message::{
    BandwidthTest, ClientMessage, FunnelProtocol, ReportEndOfStream, ReportStreamChange,
    ServerMessage,
};
use mms_proto::{Features, HResult, PlayRequest};

use super::media::Given;
use super::stage::{Next, Stage};
use super::{Expected, Rules};

impl Rules {
    pub(crate) fn message(&mut self, message: &ServerMessage) {
        assert_ne!(self.stage, Stage::Closed, "nothing after the end");
        match (message, self.expected.take()) {
            (ServerMessage::ReportFunnelInfo(_), Some(Expected::FunnelInfos(more))) => {
                self.expected = (more > 1).then(|| Expected::FunnelInfos(more - 1));
                // It was sent together with the first one, though a full socket may take it later.
                return;
            }
            (ServerMessage::ReportOpenFile(answer), Some(Expected::Opened(label))) => {
                assert_eq!(answer.incarnation, label);
                assert_eq!(answer.result.is_ok(), self.content.is_some());
            }
            (ServerMessage::SecurityChallenge(challenge), Some(Expected::Challenge(label))) => {
                assert_eq!(challenge.incarnation, label);
                self.cookie = challenge.cookie;
            }
            (ServerMessage::ReportRedirect(_), Some(Expected::Redirect)) => {
                self.expected = Some(Expected::ClosedElsewhere);
            }
            (message, Some(expected)) => panic!("{message:?} instead of {expected:?}"),
            (ServerMessage::Ping(_), None) => {
                assert!(self.timers.pings(self.now, self.late), "a Ping at the wrong time");
                self.seen.note("a ping");
            }
            (ServerMessage::ReportEndOfStream(end), None) => self.end_of_stream(*end),
            (ServerMessage::ReportStreamChange(change), None) => self.stream_change(*change),
            (message, None) => self.answer(message),
        }
        self.timers.sends(self.now);
    }

    /// What answers a request.
    fn answer(&mut self, answer: &ServerMessage) {
        let request = self.next_request();
        match (&request, answer) {
            (ClientMessage::Connect(connect), ServerMessage::ReportConnectedEx(answer)) => {
                assert_eq!(self.stage, Stage::Silent);
                assert_eq!(answer.hr.is_failure(), self.refuses);
                let version = connect.subscriber.strip_prefix("NSPlayer/").unwrap_or("0.");
                let version: u32 = version.split('.').next().unwrap().parse().unwrap();
                (self.modern, self.movable) = (version >= 9, version >= 7);
                self.ends_at_end = (1..7).contains(&version);
                if self.modern {
                    self.timers.keep_open_after_end();
                }
                if connect.subscriber.starts_with("Spo") {
                    // Windows Media Services 4.
                    (self.all_unasked, self.ends_at_end) = (true, true);
                }
                self.stage = Stage::Connected;
                self.timers.rests(self.now);
                if self.refuses {
                    self.seen.note("a client turned away");
                }
                self.expected = Some(Expected::Connected);
            }
            (ClientMessage::FunnelInfo(request), ServerMessage::ReportFunnelInfo(answer)) => {
                let test = request.test.is_tcp();
                let granted =
                    if test { BandwidthTest::TcpHighEntropy } else { BandwidthTest::None };
                assert_eq!((answer.hr, answer.test), (HResult::OK, granted));
                self.expected = test.then_some(Expected::FunnelInfos(2));
            }
            (
                ClientMessage::ConnectFunnel(request),
                ServerMessage::ReportConnectedFunnel(answer),
            ) => {
                let protocol = request.funnel.protocol();
                assert_eq!((protocol, answer.hr), (Some(FunnelProtocol::Tcp), HResult::OK));
                self.funnel = true;
            }
            (ClientMessage::ConnectFunnel(request), ServerMessage::ReportDisconnectedFunnel(_)) => {
                let protocol = request.funnel.protocol();
                assert_ne!(protocol, Some(FunnelProtocol::Tcp));
            }
            (ClientMessage::OpenFile(request), ServerMessage::ReportOpenFile(answer)) => {
                let hr = if self.content.is_some() {
                    HResult::OPEN_FILE_LIMIT
                } else {
                    assert!(!self.funnel, "nobody asked the application");
                    HResult::NO_FUNNEL
                };
                assert_eq!(
                    (answer.incarnation, &answer.result),
                    (request.incarnation, &Err(hr.into()))
                );
            }
            (ClientMessage::ReadBlock(request), ServerMessage::ReportReadBlock(answer)) => {
                assert_eq!(answer.incarnation, request.incarnation);
                if self.content.is_none() {
                    assert_eq!(answer.hr, HResult::INVALID_REQUEST);
                    self.expected = Some(Expected::ClosedLocally);
                } else if request.open_file_id != 1 {
                    assert_eq!(answer.hr, HResult::INVALID_ARGUMENT);
                } else if self.stage.may_read_header() {
                    assert_eq!(answer.hr, HResult::OK);
                    self.begin_header(low(request.incarnation));
                } else {
                    assert_eq!(answer.hr, HResult::INVALID_REQUEST);
                }
            }
            (ClientMessage::StreamSwitch(_), ServerMessage::ReportStreamSwitch(answer)) => {
                let ok = self.stage.may_play();
                assert_eq!(answer.hr, if ok { HResult::OK } else { HResult::INVALID_REQUEST });
                self.expected = ok.then_some(Expected::Selected);
            }
            (ClientMessage::StartPlaying(request), ServerMessage::ReportStartedPlaying(answer)) => {
                assert_eq!(answer.incarnation, request.incarnation);
                let hr = self.may_start(request.open_file_id);
                assert_eq!(answer.hr, hr);
                if !hr.is_failure() {
                    let mut play = PlayRequest::select([]).start(request.start);
                    (play.stop, play.accel) = (request.stop, request.accel);
                    self.start(request.incarnation, &play);
                }
            }
            (ClientMessage::StartStriding(request), ServerMessage::ReportStartStriding(answer)) => {
                assert_eq!(answer.incarnation, request.incarnation);
                let hr = match (self.may_start(request.open_file_id), &self.content) {
                    (HResult::OK, Some(content))
                        if !content.features().contains(Features::STRIDABLE) =>
                    {
                        HResult::STRIDE_REFUSED
                    }
                    (hr, _) => hr,
                };
                assert_eq!(answer.hr, hr);
                if !hr.is_failure() {
                    self.seen.note("fast forward or rewind");
                    let play = PlayRequest::select([]).start(request.start).rate(request.rate);
                    self.start(request.incarnation, &play);
                }
            }
            (request, answer) => panic!("{answer:?} answers {request:?} in {:?}", self.stage),
        }
    }

    fn end_of_stream(&mut self, end: ReportEndOfStream) {
        let own = match self.queue.front() {
            Some(Given::End { failed, waits }) => Some((*failed, *waits)),
            Some(Given::EndOfEntry { waits }) => Some((false, *waits)),
            Some(Given::HeldEnd) => self.timers.held(self.now, self.late).then_some((false, true)),
            _ => None,
        };
        // What the player says goes before what is queued for it.
        let free = !self.is_unplayed() && !self.stop_is_next();
        match own.filter(|&(_, waits)| free || !waits) {
            Some((failed, _)) => {
                assert_eq!(end.incarnation, self.incarnation);
                assert_eq!(end.hr.is_failure(), failed);
                let another = matches!(self.queue.pop_front(), Some(Given::EndOfEntry { .. }));
                assert_eq!(end.hr == HResult::FALSE, another);
                if another {
                    self.stage = Stage::Between;
                    return;
                }
                self.stage = match &self.stage {
                    Stage::EntryHeader(..) => Stage::Opened,
                    _ => Stage::Ready,
                };
                self.tune(false);
                self.timers.rests_after_end(self.now);
                self.seen.note(if failed { "an end too early" } else { "an end" });
            }
            None => {
                let request = self.next_request();
                let ClientMessage::StopPlaying(stop) = request else {
                    panic!("{end:?} for {request:?}");
                };
                assert!(self.stage.may_play());
                assert_eq!((end.hr, end.incarnation), (HResult::OK, stop.incarnation));
                self.expected = self.stage.streams().then_some(Expected::Stopped);
                self.stage = match &self.stage {
                    Stage::EntryHeader(..) => Stage::Opened,
                    _ => Stage::Ready,
                };
                self.tune(false);
                self.timers.rests(self.now);
                self.seen.note("a stop");
            }
        }
    }

    fn stop_is_next(&self) -> bool {
        let silent = |message: &&ClientMessage| {
            matches!(message, ClientMessage::Pong(_) | ClientMessage::CancelReadBlock(_))
        };
        let next = self.arrived.iter().find(|message| !silent(message));
        matches!(next, Some(ClientMessage::StopPlaying(_)))
    }

    fn stream_change(&mut self, change: ReportStreamChange) {
        assert_eq!(self.stage, Stage::Between);
        let Some(Given::Entry(content)) = self.queue.pop_front() else {
            panic!("no entry was given");
        };
        assert_eq!(change.hr, HResult::OK);
        assert_eq!(Some(change.packet_size), content.packet_size());
        assert_eq!(change.header_size as usize, content.header().len());
        assert_eq!(change.bit_rate, content.bit_rate());
        self.content = Some(content);
        let fragments = self.fragments(0xFF);
        let next = if self.entries_follow() {
            self.seen.note("an entry at once");
            let mut media = self.media(0xFF, &PlayRequest::select([]));
            media.unplayed = true;
            Next::Media(media)
        } else {
            self.seen.note("an entry when played");
            Next::Wait
        };
        self.stage = Stage::EntryHeader(fragments, next);
    }

    fn begin_header(&mut self, label: u8) {
        let fragments = self.fragments(label);
        self.stage = match std::mem::replace(&mut self.stage, Stage::Silent) {
            Stage::EntryHeader(_, next) => Stage::EntryHeader(fragments, next),
            Stage::EntryWaits => Stage::EntryHeader(fragments, Next::Wait),
            Stage::Streaming(media) => Stage::EntryHeader(fragments, Next::Media(media)),
            _ => Stage::Header(fragments),
        };
    }

    fn may_start(&mut self, open_file_id: u32) -> HResult {
        let hr = match (self.stage.may_play(), open_file_id) {
            (false, _) => HResult::INVALID_REQUEST,
            (true, 1) => return HResult::OK,
            (true, _) => HResult::INVALID_ARGUMENT,
        };
        self.seen.note("a request refused");
        hr
    }

    fn start(&mut self, incarnation: u32, play: &PlayRequest) {
        self.incarnation = incarnation;
        self.chose = self.selected;
        if self.sequence % 256 == 255 {
            // The last packet had FE: the next one has 00.
            self.sequence += 1;
            self.seen.note("a number left out");
        }
        self.timers.plays(self.now);
        self.seen.note("a play command");
        let label = low(incarnation);
        let media = self.media(label, play);
        match &mut self.stage {
            Stage::Streaming(old) if old.unplayed => {
                (old.unplayed, old.label) = (false, label);
            }
            Stage::Streaming(old) if !(self.seek_while_streaming || old.has_ended) => {
                if old.plays_as(self.now, &media, &mut self.queue) {
                    self.seen.note("another rate without a stop");
                    self.expected = Some(Expected::Rate);
                }
            }
            Stage::EntryHeader(_, Next::Media(old)) => {
                (old.unplayed, old.label) = (false, label);
            }
            Stage::EntryHeader(_, next) => *next = Next::Play(media),
            Stage::Between => {}
            stage => {
                if matches!(stage, Stage::Streaming(_)) {
                    self.seen.note("a seek without a stop");
                }
                *stage = Stage::Streaming(media);
                self.tune(true);
                self.expected = Some(Expected::Play);
            }
        }
    }
}

/// The low byte of a label, which is never 0.
fn low(incarnation: u32) -> u8 {
    incarnation.to_le_bytes()[0].max(1)
}

/// The rules notice answers to nothing, and wrong ones.
#[cfg(test)]
mod tests {
    use super::*;
    use crate::pair::media::start;
    use crate::pair::script::{connect, funnel};
    use mms_proto::mmsp::ServerConfig;
    use mms_proto::mmsp::message::{Ping, ReportConnectedFunnel, ReportReadBlock};

    fn rules() -> Rules {
        Rules::new(start(), &ServerConfig::default())
    }

    #[test]
    #[should_panic(expected = "an answer to nothing")]
    fn an_answer_without_a_request() {
        rules().message(&ReportConnectedFunnel { hr: HResult::OK }.into());
    }

    #[test]
    #[should_panic(expected = "answers")]
    fn the_answer_to_another_request() {
        let mut rules = rules();
        rules.arrives(vec![funnel("\\\\h\\TCP\\1")], false);
        rules.message(&ReportReadBlock { hr: HResult::OK, incarnation: 1 }.into());
    }

    #[test]
    #[should_panic(expected = "a Ping at the wrong time")]
    fn a_ping_out_of_time() {
        rules().message(&Ping.into());
    }

    #[test]
    #[should_panic(expected = "was not answered")]
    fn a_request_that_was_passed_over() {
        let mut rules = rules();
        rules.arrives(vec![connect("NSPlayer/9.0").into()], false);
        rules.waits(None);
    }

    #[test]
    fn labels_are_never_zero() {
        assert_eq!([0, 0x100, 0x1FF, 7].map(low), [1, 1, 0xFF, 7]);
    }
}
