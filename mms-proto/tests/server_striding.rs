//! Server: fast forward and rewind on their own. MS-MMSP 3.2.5.12, rule by rule.
#![cfg(test)]

#[expect(dead_code, reason = "every test program uses another part of it")]
mod pair;

use std::time::Duration;

use mms_proto::mmsp::ServerConfig;
use mms_proto::mmsp::message::{
    MessageId, ReadBlock, ReportStartStriding, ServerMessage, StartStriding, StopPlaying,
};
use mms_proto::{
    Content, Delivery, FileAttributes, HResult, Phase, PlayRequest, Rate, ServerEvent, Start,
};
use pair::media::{content, seconds};
use pair::script::{
    Got, Script, connect, data, events, funnel, messages, open, open_request, select,
};

/// Content that can be played at other speeds.
fn strides() -> Content {
    content(3).with_attributes(FileAttributes::CAN_SEEK | FileAttributes::CAN_STRIDE)
}

fn stride(incarnation: u32, start: Start) -> StartStriding {
    StartStriding { open_file_id: 1, start, incarnation, rate: Rate::new(2.0).unwrap() }
}

fn answer(hr: HResult, incarnation: u32) -> Vec<ServerMessage> {
    vec![ReportStartStriding { hr, incarnation }.into()]
}

fn request(got: &[Got]) -> Option<PlayRequest> {
    got.iter().find_map(|got| match got {
        Got::Event(ServerEvent::Play(request)) => Some(request.clone()),
        _ => None,
    })
}

#[test]
fn the_file_is_checked() {
    // MMSP-S-042, MMSP-S-060
    let mut script = Script::ready(ServerConfig::default(), strides());
    script.send(select(&[1]));
    for open_file_id in [0, 2, u32::MAX] {
        let got = script.send(StartStriding { open_file_id, ..stride(4, Start::Beginning) });
        assert_eq!(messages(&got), answer(HResult::INVALID_ARGUMENT, 4), "{open_file_id}");
        assert!(events(&got).is_empty());
        assert_eq!(script.server.phase(), Phase::Ready);
    }
    // While streaming the session goes on as if nothing had been said.
    script.send(stride(5, Start::Beginning));
    let got = script.send(StartStriding { open_file_id: 2, ..stride(6, Start::Beginning) });
    assert_eq!(messages(&got), answer(HResult::INVALID_ARGUMENT, 6));
    assert_eq!(data(&script.packet(0))[0].incarnation, 5);
}

#[test]
fn a_ready_session_begins_where_it_is_told() {
    // MMSP-S-043, MMSP-S-060: the fields as they are sent, frameOffset with what old players leave.
    const NONE: u32 = u32::MAX;
    for (position, asf_offset, location_id, expected) in [
        (1.5, NONE, NONE, Start::Time(Duration::from_millis(1500))),
        (f64::MAX, NONE, 7, Start::packet(7).unwrap()),
        (f64::MAX, 1000, NONE, Start::byte_offset(1000).unwrap()),
        (f64::MAX, 0, 0, Start::Beginning),
        (0.0, NONE, 7, Start::packet(7).unwrap()),
    ] {
        let mut body = 1_u32.to_le_bytes().to_vec();
        body.extend(0xDEAD_BEEF_u32.to_le_bytes()); // padding
        body.extend(position.to_le_bytes());
        for word in [asf_offset, location_id, 0xDEAD_BEEF, 5] {
            body.extend(word.to_le_bytes());
        }
        body.extend((-4.5_f64).to_le_bytes());
        let mut script = Script::ready(ServerConfig::default(), strides());
        script.send(select(&[1]));
        let got = script.send_raw(MessageId::START_STRIDING, &body);
        assert_eq!(messages(&got), answer(HResult::OK, 5));
        let request = request(&got).unwrap();
        assert_eq!((request.start, request.rate.get()), (expected, -4.5));
        assert_eq!((request.stop, request.accel), (None, None), "frameOffset is not looked at");
    }
}

#[test]
fn a_streaming_session_ignores_the_position_or_seeks() {
    // MMSP-S-045, MMSP-S-060
    let start = Start::packet(2).unwrap();
    for seeks in [false, true] {
        let mut config = ServerConfig::default();
        config.seek_while_streaming = seeks;
        let mut script = Script::playing(config, strides());
        script.packet(0);
        let got = script.send(stride(5, start));
        assert_eq!(messages(&got), answer(HResult::OK, 5));
        let seek = request(&got).map(|request| (request.start, request.rate.get()));
        assert_eq!(seek, seeks.then_some((start, 2.0)));
        let packet = &data(&script.packet(1))[0];
        assert_eq!(packet.incarnation, 5);
    }
}

#[test]
fn packets_carry_the_label_of_the_command() {
    // MMSP-S-048, MMSP-S-049: the low byte, never 0.
    for (incarnation, label) in [(4, 4), (0xFE, 0xFE), (0x1234_5609, 9), (0, 1), (0xFF00, 1)] {
        let mut script = Script::ready(ServerConfig::default(), strides());
        script.send(select(&[1]));
        let got = script.send(stride(incarnation, Start::Beginning));
        assert_eq!(messages(&got), answer(HResult::OK, incarnation));
        assert_eq!(script.server.phase(), Phase::Streaming);
        assert_eq!(data(&script.packet(0))[0].incarnation, label);
    }
}

#[test]
fn nothing_selected() {
    // MMSP-S-047: all streams for Windows Media Services 4.x, none for others.
    for (subscriber, all_unasked, streams) in [
        ("NSPlayer/9.0.0.2980", false, 0),
        ("NSPlayer/9.0.0.2980", true, 127),
        ("Spooooon!", false, 127),
    ] {
        let mut config = ServerConfig::default();
        config.select_all_unasked = all_unasked;
        let mut script = Script::new(config);
        script.send(connect(subscriber));
        script.send(funnel("\\\\h\\TCP\\1"));
        let open = open_request(script.send(open(9, "x")));
        script.server.accept(script.now, open, strides()).unwrap();
        script.poll();
        script.send(ReadBlock { open_file_id: 1, incarnation: 2 });
        let request = request(&script.send(stride(4, Start::Beginning))).unwrap();
        assert_eq!(request.streams.len(), streams, "{subscriber}");
        assert!(request.streams.iter().all(|s| s.delivery == Delivery::Full));
    }
}

#[test]
fn a_striding_session_is_not_idle() {
    // MMSP-S-048: the hour begins with the connection, ends with the command, begins with a stop.
    let mut config = ServerConfig::default();
    config.timeouts.idle = seconds(60);
    config.timeouts.keep_alive = seconds(100_000);
    let mut script = Script::ready(config, strides());
    script.send(select(&[1]));
    script.pass(seconds(59));
    script.send(stride(4, Start::Beginning));
    script.pass(seconds(600));
    assert_eq!(script.server.phase(), Phase::Streaming);
    script.send(StopPlaying { open_file_id: 1, incarnation: 4 });
    script.pass(seconds(59));
    assert_eq!(script.server.phase(), Phase::Ready);
    script.pass(seconds(1));
    assert_eq!(script.server.phase(), Phase::Closed);
}
