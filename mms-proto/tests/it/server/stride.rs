//! Server: `StartStriding`, MS-MMSP 3.2.5.12. The pace of fast forward and rewind is in `server::pace`.

use std::time::{Duration, Instant};

use crate::pair::media::{content, packet, seconds};
use crate::pair::script::{Got, Script, connect, data, events, message, messages, play, select};
use mms_proto::mmsp::ServerConfig;
use mms_proto::mmsp::message::{
    MessageId, Pong, ReportStartStriding, ServerMessage, StartStriding, StopPlaying,
};
use mms_proto::{
    Content, Features, HResult, Machine as _, Pace, Phase, PlayRequest, Rate, ServerEvent, Start,
    StreamNumber, StreamSelection,
};

fn strides() -> Content {
    content(600).with_features(Features::STRIDABLE | Features::SEEKABLE)
}

fn ready() -> Script {
    Script::ready(ServerConfig::default(), strides())
}

fn stride(incarnation: u32, start: Start, rate: f64) -> StartStriding {
    StartStriding { open_file_id: 1, start, incarnation, rate: Rate::new(rate).unwrap() }
}

fn report(hr: HResult, incarnation: u32) -> ServerMessage {
    ReportStartStriding { hr, incarnation }.into()
}

/// The play command that the application is told of.
fn request(got: &[Got]) -> PlayRequest {
    let requests = got.iter().filter_map(|got| match got {
        Got::Event(ServerEvent::Play(request)) => Some(request.clone()),
        _ => None,
    });
    requests.last().expect("a play command")
}

/// The fields of `StartStriding` as they are sent.
fn raw(open_file_id: u32, position: f64, asf_offset: u32, location_id: u32, rate: f64) -> Vec<u8> {
    let mut body = open_file_id.to_le_bytes().to_vec();
    body.extend([0; 4]); // padding
    body.extend(position.to_le_bytes());
    for word in [asf_offset, location_id, 0, 9] {
        body.extend(word.to_le_bytes());
    }
    body.extend(rate.to_le_bytes());
    body
}

#[test]
fn another_file_is_refused() {
    // MMSP-S-060
    let mut script = ready();
    for open_file_id in [0, 2, u32::MAX] {
        let body = raw(open_file_id, 0.0, 0, 0, 2.0);
        let got = script.send_raw(MessageId::START_STRIDING, &body);
        assert_eq!(message(&got), report(HResult::INVALID_ARGUMENT, 9));
        assert!(events(&got).is_empty());
        assert_eq!(script.machine.phase(), Phase::Ready);
    }
    // While streaming the session goes on under the label that it has.
    script.send(play(4, Start::Beginning));
    let got = script.send_raw(MessageId::START_STRIDING, &raw(2, 0.0, 0, 0, 2.0));
    assert_eq!(message(&got), report(HResult::INVALID_ARGUMENT, 9));
    assert_eq!(data(&script.packet(0))[0].incarnation, 4);
}

#[test]
fn a_seek_to_where_it_begins() {
    // MMSP-S-060: the same precedence of the three fields as for StartPlaying, of which `server::play` has all
    // combinations.
    const NONE: u32 = u32::MAX;
    for (position, asf_offset, location_id, start) in [
        (1.5, 1000, 7, Start::Time(Duration::from_millis(1500))),
        (f64::MAX, 1000, 7, Start::packet(7).unwrap()),
        (f64::MAX, 1000, NONE, Start::ByteOffset(1000)),
        (f64::MAX, NONE, NONE, Start::Beginning),
        (0.0, NONE, 7, Start::packet(7).unwrap()),
    ] {
        for rate in [2.0, -5.0, 0.25] {
            let mut script = ready();
            let body = raw(1, position, asf_offset, location_id, rate);
            let got = script.send_raw(MessageId::START_STRIDING, &body);
            assert_eq!(messages(&got), [report(HResult::OK, 9)]);
            let request = request(&got);
            assert_eq!((request.start, request.rate.get()), (start, rate));
            assert_eq!((request.stop, request.accel), (None, None));
        }
    }
}

#[test]
fn a_position_while_streaming_is_ignored_or_a_seek() {
    // MMSP-S-060
    for start in [Start::packet(2).unwrap(), Start::Time(seconds(1)), Start::Beginning] {
        let mut config = ServerConfig::default();
        config.seek_while_streaming = false;
        let mut script = Script::playing(config, strides());
        let got = script.send(stride(5, start, 2.0));
        assert_eq!(messages(&got), [report(HResult::OK, 5)]);
        assert_eq!(events(&got), ["Rate(Rate(2.0))"]);
        let packet = &data(&script.packet(0))[0];
        assert_eq!((packet.location_id, packet.incarnation), (0, 5), "on it goes");

        let mut script = Script::playing(ServerConfig::default(), strides());
        let got = script.send(stride(5, start, -2.0));
        assert_eq!(messages(&got), [report(HResult::OK, 5)]);
        let request = request(&got);
        assert_eq!((request.start, request.rate.get()), (start, -2.0));
        assert_eq!(data(&script.packet(2))[0].incarnation, 5);
    }
}

/// Gives packets to a session that asks for them, at normal speed each 100 ms after the one before.
struct Giver {
    script: Script,
    begun: Instant,
    by_time: bool,
    next: u32,
    wanted: bool,
}

impl Giver {
    fn new(by_time: bool) -> Self {
        let mut config = ServerConfig::default().pace(Pace::BitRate);
        config.seek_while_streaming = false;
        let script = Script::playing(config, strides());
        let begun = script.now;
        Self { script, begun, by_time, next: 0, wanted: true }
    }

    fn give(&mut self) -> Vec<Got> {
        let (now, number) = (self.script.now, self.next);
        self.next += 1;
        if self.by_time {
            let time = Duration::from_millis(u64::from(number) * 100);
            self.script.machine.send_packet_at(now, number, time, packet(number)).unwrap();
            self.script.poll()
        } else {
            self.script.packet(number)
        }
    }

    /// The next packet that is sent: number, label and milliseconds since the first one. One that is
    /// asked for at once waits in the machine then.
    fn sent(&mut self) -> (u32, u8, u128) {
        let mut sent = None;
        while sent.is_none() || self.wanted {
            let got = if std::mem::take(&mut self.wanted) {
                self.give()
            } else {
                self.script.pass(self.script.deadline.unwrap() - self.script.now)
            };
            self.wanted = events(&got).contains(&"PacketWanted".to_owned());
            for packet in data(&got) {
                let at = (self.script.now - self.begun).as_millis();
                assert_eq!(sent.replace((packet.location_id, packet.incarnation, at)), None);
            }
        }
        sent.unwrap()
    }
}

#[test]
fn a_rate_while_streaming_is_applied_where_it_is() {
    // MMSP-S-060: 3.2.5.12 ignores the position, and nothing else.
    for by_time in [false, true] {
        let mut giver = Giver::new(by_time);
        let sent: Vec<_> = (0..4).map(|_| giver.sent()).collect();
        assert_eq!(sent, [(0, 4, 0), (1, 4, 100), (2, 4, 200), (3, 4, 300)], "by time: {by_time}");
        // In the middle of a pause, the rest of which takes a quarter of the time.
        giver.script.pass(Duration::from_millis(40));
        let got = giver.script.send(stride(5, Start::packet(500).unwrap(), 4.0));
        assert_eq!(messages(&got), [report(HResult::OK, 5)]);
        assert_eq!(events(&got), ["Rate(Rate(4.0))"]);
        let sent: Vec<_> = (0..3).map(|_| giver.sent()).collect();
        assert_eq!(sent, [(4, 5, 355), (5, 5, 380), (6, 5, 405)], "by time: {by_time}");
        // The same rate again changes nothing but the label.
        let got = giver.script.send(stride(6, Start::Beginning, 4.0));
        assert_eq!(messages(&got), [report(HResult::OK, 6)]);
        assert!(events(&got).is_empty(), "{got:?}");
        assert_eq!(giver.sent(), (7, 6, 430), "by time: {by_time}");
        // StartPlaying is normal speed.
        let got = giver.script.send(play(7, Start::Beginning));
        assert_eq!(events(&got), ["Rate(Rate(1.0))"]);
        let sent: Vec<_> = (0..2).map(|_| giver.sent()).collect();
        assert_eq!(sent, [(8, 7, 530), (9, 7, 630)], "by time: {by_time}");
    }
}

#[test]
fn times_count_anew_in_the_other_direction() {
    // MMSP-S-060
    let mut script = Giver::new(true).script;
    let send = |script: &mut Script, number, time| {
        let time = Duration::from_millis(time);
        script
            .give(|server, now| server.send_packet_at(now, number, time, packet(number)))
            .unwrap();
        data(&script.poll()).len()
    };
    assert_eq!(send(&mut script, 100, 60_000), 1);
    let got = script.send(stride(5, Start::Beginning, -2.0));
    assert_eq!(events(&got), ["Rate(Rate(-2.0))"]);
    assert_eq!((send(&mut script, 99, 0), send(&mut script, 98, 100)), (1, 0));
    assert!(data(&script.pass(Duration::from_millis(49))).is_empty());
    let packet = &data(&script.pass(Duration::from_millis(1)))[0];
    assert_eq!((packet.location_id, packet.incarnation), (98, 5));
}

#[test]
fn the_end_that_is_held_back_follows_the_rate() {
    // MMSP-S-060, T49: a minute of content, of which two seconds play at normal speed.
    for (rate, after) in [(2.0, 29 + 5), (0.5, 116 + 5)] {
        let mut config = ServerConfig::default().pace(Pace::BitRate);
        (config.seek_while_streaming, config.hold_end) = (false, true);
        let mut script = Script::playing_as("NSPlayer/6.0", config, strides());
        script.packet(0);
        script.pass(seconds(2));
        script.send(stride(5, Start::Beginning, rate));
        script.give(|server, now| server.end_of_stream(now)).unwrap();
        script.poll();
        let end = |got: &[Got]| {
            let end = |message: &_| matches!(message, ServerMessage::ReportEndOfStream(_));
            messages(got).iter().any(end)
        };
        // It is asked whether it is still there meanwhile, and says so.
        for _ in 0..after - 1 {
            assert!(!end(&script.pass(seconds(1))), "{rate}");
            script.send(Pong);
        }
        assert!(end(&script.pass(seconds(1))), "{rate}");
    }
}

#[test]
fn streams_that_were_selected_or_none_or_all() {
    // MMSP-S-047, MMSP-S-060
    for (subscriber, all_unasked, streams) in [
        ("NSPlayer/9.0.0.2980", false, 0),
        ("NSPlayer/9.0.0.2980", true, 127),
        ("Spooooon!", false, 127),
    ] {
        let mut config = ServerConfig::default();
        config.select_all_unasked = all_unasked;
        let mut script = Script::new(config);
        script.send(connect(subscriber));
        script.send(crate::pair::script::funnel("\\\\h\\TCP\\1"));
        let open =
            crate::pair::script::open_request(script.send(crate::pair::script::open(9, "x")));
        script.give(|server, now| server.accept(now, open, strides())).unwrap();
        script.poll();
        script.send(mms_proto::mmsp::message::ReadBlock { open_file_id: 1, incarnation: 2 });
        let got = script.send(stride(5, Start::Beginning, 2.0));
        assert_eq!(request(&got).streams.len(), streams, "{subscriber}");
    }
    let mut script = ready();
    script.send(select(&[2]));
    let got = script.send(stride(5, Start::Beginning, 2.0));
    let second = StreamSelection::full(StreamNumber::new(2).unwrap());
    assert_eq!(request(&got).streams, [second]);
}

#[test]
fn the_answer_and_the_state_after_it() {
    // MMSP-S-060
    for (incarnation, label) in [(4, 4), (0xFE, 0xFE), (0x1234_5609, 9), (0, 1), (0xFF00, 1)] {
        let mut script = ready();
        script.pass(seconds(3000));
        let got = script.send(stride(incarnation, Start::Beginning, 5.0));
        assert_eq!(messages(&got), [report(HResult::OK, incarnation)]);
        assert_eq!(script.machine.phase(), Phase::Streaming);
        assert_eq!(data(&script.packet(0))[0].incarnation, label);
        // The idle time was stopped: an hour and more passes.
        script.pass(seconds(4000));
        assert_eq!(script.machine.phase(), Phase::Streaming);
        // The end carries the label of this command.
        script.give(|server, now| server.end_of_stream(now)).unwrap();
        let ServerMessage::ReportEndOfStream(end) = message(&script.poll()) else { panic!() };
        assert_eq!((end.hr, end.incarnation), (HResult::OK, incarnation));
        // And begins the hour anew.
        assert!(events(&script.pass(seconds(3599))).is_empty());
        assert_eq!(events(&script.pass(seconds(1))), ["Closed(Idle)"]);
    }
}

#[test]
fn numbers_decrease_backwards_and_the_counter_rises() {
    // MMSP-S-051, MMSP-S-053, MMSP-S-060
    let mut script = ready();
    script.send(select(&[1]));
    script.send(stride(5, Start::packet(300).unwrap(), -1.0));
    for (number, flags) in (46..=300).rev().zip(0_u8..) {
        let packet = &data(&script.packet(number))[0];
        assert_eq!((packet.location_id, packet.flags), (number, flags));
    }
    // The last one had FE: the first of the next command has 00.
    script.send(StopPlaying { open_file_id: 1, incarnation: 5 });
    script.send(stride(6, Start::packet(45).unwrap(), -1.0));
    let packet = &data(&script.packet(45))[0];
    assert_eq!((packet.location_id, packet.flags, packet.incarnation), (45, 0, 6));
}

#[test]
fn refused_before_the_header_and_where_content_cannot_stride() {
    // MMSP-S-060
    let mut script = Script::opened(ServerConfig::default(), strides());
    let got = script.send(stride(5, Start::Beginning, 2.0));
    assert_eq!(message(&got), report(HResult::INVALID_REQUEST, 5));
    let seek = content(3).with_features(Features::SEEKABLE);
    let mut script = Script::ready(ServerConfig::default(), seek);
    let got = script.send(stride(5, Start::Beginning, 2.0));
    assert_eq!(message(&got), report(HResult::STRIDE_REFUSED, 5));
    assert_eq!(script.machine.phase(), Phase::Ready);
}
