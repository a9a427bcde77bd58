//! Server: stopping, the end of a stream, reports, the end of a session. MS-MMSP 3.2.4.1,
//! 3.2.5.14, 3.2.5.15, 3.2.5.17 and 3.2.7.1.

use crate::pair::media::{content, header, seconds};
use crate::pair::script::{
    Got, Script, connect, data, events, funnel, message, messages, open, open_request, play, select,
};
use mms_proto::Pace;
use mms_proto::mmsp::frame::DataPacket;
use mms_proto::mmsp::message::{
    ClientLog, CloseFile, Logging, Pong, ReadBlock, ReportEndOfStream, ReportStreamSwitch,
    ServerMessage, StopPlaying,
};
use mms_proto::mmsp::{Server, ServerConfig};
use mms_proto::{
    Content, HResult, Input, Machine as _, OpenRequest, Output, Phase, Start, StateError,
};

fn end(hr: HResult, incarnation: u32) -> ServerMessage {
    ReportEndOfStream { hr, incarnation }.into()
}

const STOP: StopPlaying = StopPlaying { open_file_id: 1, incarnation: 0x0102_0304 };

/// What comes with the end of a file or of a live stream, to FFmpeg or another player of version 7.
fn past_the_end(guid: &str, live: bool, size: u32, streams: &[u8]) -> Vec<DataPacket> {
    let content = Content::new(header(100)).unwrap().with_packet_size(size).unwrap();
    let mut script = Script::new(ServerConfig::default());
    script.send(connect(&format!("NSPlayer/7.0.0.1956; {guid}; Host: h")));
    script.send(funnel("\\\\10.0.0.1\\TCP\\1755"));
    let request = open_request(script.send(open(9, "file.wma")));
    let now = script.now;
    let server = &mut script.machine;
    if live {
        server.accept_live(now, request, content).unwrap();
    } else {
        server.accept(now, request, content).unwrap();
    }
    script.poll();
    script.send(ReadBlock { open_file_id: 1, incarnation: 2 });
    script.send(select(streams));
    script.send(play(4, Start::Beginning));
    script.machine.end_of_stream(now).unwrap();
    let got = script.poll();
    assert_eq!(messages(&got), [end(HResult::OK, 4)]);
    assert!(matches!(got.last(), Some(Got::Message(_))), "the end comes last");
    assert_eq!(script.machine.stats().packets, 0, "they are not media");
    data(&got)
}

#[test]
fn what_ends_ffmpeg() {
    // T45. That it does is tested with FFmpeg itself, in `players::decode` of the programs.
    const FFMPEG: &str = "{7E667F5D-A661-495E-A512-F55686DDA178}";
    for live in [false, true] {
        assert!(past_the_end("{3300AD50-2C39-46C0-AE0A-39E48EB3C868}", live, 100, &[1]).is_empty());
        let packets = past_the_end(FFMPEG, live, 100, &[1, 2]);
        assert!(packets.iter().all(|packet| packet.incarnation == 4));
        let (empty, rest) = packets.split_at(16);
        assert!(empty.iter().all(|packet| packet.payload[..] == [0]));
        // One whose data would follow it, a larger one, and others with 64 payloads for each stream.
        let sizes: Vec<usize> = rest.iter().map(|packet| packet.payload.len()).collect();
        assert_eq!((sizes[0], sizes[1], rest.len()), (33, 101, 2 + 128_usize.div_ceil(6) - 1));
        assert!(sizes[2..].iter().all(|&size| size <= 100));
        assert_eq!(rest[0].payload[21..25], 75_u32.to_le_bytes());
        let payloads = |packet: &DataPacket| usize::from(packet.payload[15] & 0x3F);
        assert_eq!(rest[1..].iter().map(payloads).sum::<usize>(), 128);
        let streams: Vec<u8> = (0..6).map(|n| rest[1].payload[16 + 13 * n] & 0x7F).collect();
        assert_eq!(streams, [1, 2, 1, 2, 1, 2]);
    }
    // However many streams there are, and however large packets are, not much is sent.
    let all: Vec<u8> = (1..=127).collect();
    for size in [1, 33, 1_440, 16_000, 65_527] {
        let packets = past_the_end(FFMPEG, false, size, &all);
        let bytes: usize = packets.iter().map(|packet| packet.payload.len()).sum();
        assert!(bytes <= 200 << 10, "{bytes} for packets of {size}");
    }
    assert_eq!(past_the_end(FFMPEG, false, 100, &[]).len(), 16);
}

#[test]
fn stopping() {
    // MMSP-S-062 (its timer is tested with the timers), MMSP-S-063
    let mut script = Script::playing(ServerConfig::default(), content(3));
    let got = script.send(STOP);
    assert_eq!(messages(&got), [end(HResult::OK, STOP.incarnation)]);
    assert_eq!(events(&got), ["Stopped"]);
    assert_eq!(script.machine.phase(), Phase::Ready);
    // A player that did not see the end, or stops twice: it is answered, and nobody told.
    for incarnation in [0, 0x001F_FFFF] {
        let got = script.send(StopPlaying { incarnation, ..STOP });
        assert_eq!(messages(&got), [end(HResult::OK, incarnation)]);
        assert!(events(&got).is_empty());
    }
}

#[test]
fn the_last_packet() {
    // MMSP-S-064 for the last entry, MMSP-S-067, MMSP-S-068
    let mut script = Script::playing(ServerConfig::default(), content(3));
    script.send(play(0x0A0B_0C0D, Start::packet(1).unwrap()));
    script.packet(1);
    script.give(|server, now| server.end_of_stream(now)).unwrap();
    assert_eq!(messages(&script.poll()), [end(HResult::OK, 0x0A0B_0C0D)]);
    assert_eq!(script.machine.phase(), Phase::Ready);
    let log = script.send(Logging { open_file_id: 0, log: Box::default() });
    assert!(messages(&log).is_empty());
    let switched = ReportStreamSwitch { hr: HResult::OK }.into();
    assert_eq!(messages(&script.send(select(&[2]))), [switched]);
    let got = script.send(play(5, Start::Beginning));
    assert_eq!(messages(&got).len(), 1);
    assert_eq!(data(&script.packet(0))[0].incarnation, 5);
    script.give(|server, now| server.end_of_stream(now)).unwrap();
    assert_eq!(messages(&script.poll()), [end(HResult::OK, 5)]);
    assert_eq!(events(&script.send(CloseFile { open_file_id: 1 })), ["Closed(Peer)"]);
}

#[test]
fn ffmpeg_is_sent_packets_after_the_last() {
    // T45
    const FFMPEG: &str =
        "NSPlayer/7.0.0.1956; {7E667F5D-A661-495E-A512-F55686DDA178}; Host: 127.0.0.1";
    let mut script = Script::playing_as(FFMPEG, ServerConfig::default(), content(3));
    for incarnation in [4, 5] {
        if incarnation > 4 {
            script.send(play(incarnation, Start::Beginning));
        }
        let last = data(&script.packet(2)).remove(0);
        script.give(|server, now| server.end_of_stream(now)).unwrap();
        let got = script.poll();
        let [more @ .., Got::Message(message)] = &got[..] else { panic!("{got:?}") };
        assert_eq!(*message, end(HResult::OK, incarnation));
        let more = data(more);
        assert_eq!(more.len(), 16 + 12);
        for (packet, after) in more.iter().zip(1..) {
            assert_eq!(packet.payload.len() == 1, after <= 16);
            assert_eq!(u32::from(packet.incarnation), incarnation);
            assert_eq!(packet.flags, last.flags.wrapping_add(after));
        }
    }
    // It is not a packet of the file.
    assert_eq!(script.machine.stats().packets, 2);
    // A failure ends the stream as well, a stop of the player needs nothing.
    script.send(play(6, Start::Beginning));
    script.give(|server, now| server.abort_stream(now, HResult::SHUTDOWN)).unwrap();
    assert_eq!(data(&script.poll()).len(), 16 + 12);
    script.send(play(7, Start::Beginning));
    assert!(data(&script.send(STOP)).is_empty());
    // The same name with another GUID, such as libmms has it.
    let other = FFMPEG.replace("7E667F5D", "27DA1253");
    let mut script = Script::playing_as(&other, ServerConfig::default(), content(3));
    script.packet(2);
    script.give(|server, now| server.end_of_stream(now)).unwrap();
    assert!(data(&script.poll()).is_empty());
}

#[test]
fn an_end_that_came_early() {
    // MMSP-S-064
    let mut script = Script::playing(ServerConfig::default(), content(3));
    script.give(|server, now| server.abort_stream(now, HResult::SHUTDOWN)).unwrap();
    assert_eq!(messages(&script.poll()), [end(HResult::SHUTDOWN, 4)]);
    let twice = script.give(|server, now| server.end_of_stream(now));
    let wrong = StateError::Phase { operation: "end the stream", phase: Phase::Ready };
    assert_eq!(twice, Err(wrong));
    script.send(play(5, Start::Beginning));
    // Neither a success nor "another entry follows" is a reason to break off.
    script.give(|server, now| server.abort_stream(now, HResult::FALSE)).unwrap();
    assert_eq!(messages(&script.poll()), [end(HResult::FAIL, 5)]);
}

#[test]
fn reports_are_handed_on() {
    // MMSP-S-088
    let mut log = ClientLog::default();
    log.client.user_agent = "NSPlayer/9".to_owned();
    for mut script in [
        Script::ready(ServerConfig::default(), content(3)),
        Script::playing(ServerConfig::default(), content(3)),
    ] {
        let phase = script.machine.phase();
        let got = script.send(Logging { open_file_id: 0, log: Box::new(log.clone()) });
        assert_eq!(got.len(), 1, "{got:?}");
        assert!(events(&got)[0].starts_with("Log(ClientLog"));
        assert!(events(&got)[0].contains("NSPlayer/9"));
        assert_eq!(script.machine.phase(), phase);
    }
}

/// A session whose application is asked for a file.
fn asking() -> (Script, OpenRequest) {
    let mut script = Script::new(ServerConfig::default());
    script.send(connect("x"));
    script.send(funnel("\\\\h\\TCP\\1"));
    let request = open_request(script.send(open(9, "x")));
    (script, request)
}

/// A session in every phase.
fn everywhere() -> Vec<Script> {
    let fresh = || Script::new(ServerConfig::default());
    let mut connected = fresh();
    connected.send(connect("x"));
    let mut transport = fresh();
    transport.send(connect("x"));
    transport.send(funnel("\\\\h\\TCP\\1"));
    let (asked, _) = asking();
    let mut header = Script::opened(ServerConfig::default().pace(Pace::BitRate), content(3));
    header.send(ReadBlock { open_file_id: 1, incarnation: 2 });
    vec![
        fresh(),
        connected,
        transport,
        asked,
        Script::opened(ServerConfig::default(), content(3)),
        header,
        Script::ready(ServerConfig::default(), content(3)),
        Script::playing(ServerConfig::default(), content(3)),
    ]
}

#[test]
fn a_connection_that_is_gone_ends_a_session_anywhere() {
    // MMSP-S-087
    for mut script in everywhere() {
        let phase = script.machine.phase();
        assert_eq!(events(&script.hang_up()), ["Closed(Peer)"], "{phase:?}");
        assert_eq!(script.machine.phase(), Phase::Closed);
        assert_eq!(script.deadline, None);
    }
    // In the middle of a packet too.
    let mut script = Script::playing(ServerConfig::default(), content(3));
    script.feed(&[1, 0, 0, 0, 0xCE]);
    assert_eq!(events(&script.hang_up()), ["Closed(Peer)"]);
}

#[test]
fn close_file_ends_a_session_anywhere() {
    // MMSP-S-086; FFmpeg and VLC send it while they are streamed to.
    let mut waiting = 0;
    for mut script in everywhere().into_iter().skip(1) {
        let phase = script.machine.phase();
        let got = script.send(CloseFile { open_file_id: 1 });
        if got.is_empty() {
            waiting += 1;
            continue;
        }
        assert_eq!(events(&got), ["Closed(Peer)"], "{phase:?}");
        assert!(messages(&got).is_empty());
        assert_eq!(script.machine.phase(), Phase::Closed);
    }
    // Only where the application owes an answer it waits for that.
    assert_eq!(waiting, 1);
    let (mut script, request) = asking();
    assert!(script.send(CloseFile { open_file_id: 1 }).is_empty());
    script.give(|server, now| server.accept(now, request, content(3))).unwrap();
    let got = script.poll();
    assert!(matches!(messages(&got)[..], [ServerMessage::ReportOpenFile(_)]), "{got:?}");
    assert_eq!(events(&got), ["Closed(Peer)"]);
    assert_eq!(script.machine.phase(), Phase::Closed);
    // The id is looked at, but one that is wrong is no reason to stay.
    let mut script = Script::ready(ServerConfig::default(), content(3));
    let got = events(&script.send(CloseFile { open_file_id: 2 }));
    assert!(got[0].starts_with("Deviation(FieldValue { field: \"openFileId\""), "{got:?}");
    assert_eq!(got[1], "Closed(Peer)");
}

#[test]
fn pongs_change_nothing() {
    // MMSP-S-083; VLC sends them unasked.
    for mut script in everywhere().into_iter().skip(1) {
        let phase = script.machine.phase();
        assert!(script.send(Pong).is_empty());
        assert_eq!(script.machine.phase(), phase);
        if phase == Phase::Streaming {
            assert_eq!(data(&script.packet(0)).len(), 1);
        }
    }
}

#[test]
fn nothing_happens_after_the_end() {
    let mut script = Script::playing(ServerConfig::default(), content(3));
    script.give(|server, now| server.close(now));
    assert_eq!(events(&script.poll()), ["Closed(Local)"]);
    assert!(script.send(STOP).is_empty());
    assert!(script.pass(seconds(10_000)).is_empty());
    assert!(script.hang_up().is_empty());
    script.give(|server, now| server.close(now));
    assert!(script.poll().is_empty());
    let wrong = StateError::Phase { operation: "end the stream", phase: Phase::Closed };
    assert_eq!(script.give(|server, now| server.end_of_stream(now)), Err(wrong));
}

#[test]
fn a_silent_server_writes_nothing() {
    let now = crate::pair::media::start();
    let mut server = Server::new(now, ServerConfig::default());
    assert_eq!(server.handle_input(now, Input::tcp(&[])), Ok(()));
    assert!(matches!(server.poll_output(), Output::Wait(Some(at)) if at == now + seconds(30)));
}

#[test]
fn messages_that_wait_are_answered_in_order() {
    // MMSP-S-046, MMSP-S-090
    let mut script = Script::ready(ServerConfig::default(), content(3));
    let mut got = script.send(select(&[1]));
    got.extend(script.send(play(4, Start::Beginning)));
    got.extend(script.send(STOP));
    got.extend(script.send(play(5, Start::Beginning)));
    assert_eq!(messages(&got).len(), 4);
    assert_eq!(message(&script.send(STOP)), end(HResult::OK, STOP.incarnation));
}
