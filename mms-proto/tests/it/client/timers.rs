//! How long the client waits for what.

use mms_proto::ClientTimeouts;
use std::time::Duration;

use mms_proto::mmsp::ClientConfig;
use mms_proto::mmsp::message::{ClientMessage, Ping};
use mms_proto::{
    ClientEvent, CloseReason, Error, HResult, Input, Machine as _, Missing, Phase, StreamSelection,
};

use super::harness::*;

/// Every time is another one, so that none is mistaken for another.
pub(crate) fn times() -> ClientConfig {
    let mut timeouts = ClientTimeouts::all(seconds(0));
    timeouts.reply = seconds(10);
    timeouts.header = seconds(25);
    timeouts.frame = seconds(7);
    timeouts.silence = seconds(40);
    timeouts.media = seconds(100);
    timeouts.next_entry = seconds(50);
    timeouts.close = seconds(3);
    config().timeouts(timeouts)
}

pub(crate) fn timed_out(phase: Phase, missing: Missing, after: u64) -> Error {
    Error::TimedOut { phase, missing, after: seconds(after) }
}

/// Nothing happens until `time` has passed, and then it happens at once.
pub(crate) fn passes(script: &mut Script, time: u64) {
    let nanosecond = Duration::from_nanos(1);
    script.pass(seconds(time) - nanosecond);
    assert_eq!(script.events(), []);
    assert_ne!(script.machine.phase(), Phase::Closed);
    script.pass(nanosecond);
}

#[test]
fn the_defaults() {
    let defaults = ClientTimeouts::default();
    let found = [
        defaults.reply,
        defaults.header,
        defaults.frame,
        defaults.silence,
        defaults.media,
        defaults.next_entry,
        defaults.close,
    ];
    assert_eq!(found, [15, 60, 30, 90, 3600, 60, 5].map(seconds));
}

#[test]
fn no_answer() {
    // MMSP-C-105
    for phase in [
        Phase::Connecting,
        Phase::BandwidthTest,
        Phase::ChoosingTransport,
        Phase::Opening,
        Phase::ReadingHeader,
        Phase::Starting,
        Phase::Stopping,
    ] {
        let mut script = Script::at(phase, times());
        passes(&mut script, 10);
        assert_eq!(script.sent(), []);
        script.assert_failed(&timed_out(phase, Missing::Reply, 10));
    }
}

#[test]
fn no_answer_to_a_selection() {
    // MMSP-C-105
    let mut script = Script::at(Phase::Streaming, times());
    script.pass(seconds(5));
    let selection = [StreamSelection::off(stream(1))];
    script.give(|client, now| client.select_streams(now, &selection)).unwrap();
    script.poll();
    script.sent();
    script.pass(seconds(9));
    // Media does not count as an answer.
    script.media(0, PLAY);
    assert_eq!(packets(&script.events()), [0]);
    script.pass(seconds(1));
    script.assert_failed(&timed_out(Phase::Streaming, Missing::Reply, 10));
}

#[test]
fn no_answer_to_the_selection_of_a_play_command() {
    // MMSP-C-067, MMSP-C-105
    let mut script = Script::at(Phase::Ready, times());
    script.play(all());
    script.pass(seconds(4));
    script.say(started(PLAY));
    assert_eq!(script.events(), [ClientEvent::Started]);
    script.media(0, PLAY);
    assert_eq!(packets(&script.events()), [0]);
    passes(&mut script, 6);
    script.assert_failed(&timed_out(Phase::Streaming, Missing::Reply, 10));
    // Two are owed, and one comes.
    for answers in [1, 2] {
        let mut script = Script::at(Phase::Streaming, times());
        script.give(|client, now| client.select_streams(now, &[])).unwrap();
        script.play(all());
        script.say(ended(HResult::OK, PLAY));
        script.say(started(PLAY + 1));
        for _ in 0..answers {
            script.say(switched(HResult::OK));
        }
        script.events();
        if answers == 1 {
            passes(&mut script, 10);
            script.assert_failed(&timed_out(Phase::Streaming, Missing::Reply, 10));
        } else {
            passes(&mut script, 40);
            script.assert_failed(&timed_out(Phase::Streaming, Missing::Media, 40));
        }
    }
}

#[test]
fn one_more_answer_of_a_bandwidth_test() {
    // MMSP-C-019, MMSP-C-105
    let mut config = times();
    config.packet_pair = true;
    let mut script = Script::new(config);
    let mms_proto::mmsp::message::ServerMessage::ReportConnectedEx(report) = connected("9.1")
    else {
        panic!("another message");
    };
    script.say(mms_proto::mmsp::message::ReportConnectedEx {
        packet_pair: mms_proto::mmsp::message::PacketPair::Yes,
        ..report
    });
    let test = mms_proto::mmsp::message::BandwidthTest::TcpHighEntropy;
    for _ in 0..2 {
        script.pass(seconds(9));
        script.say(funnel_info(test, &[]));
    }
    script.events();
    passes(&mut script, 10);
    script.assert_failed(&timed_out(Phase::BandwidthTest, Missing::Reply, 10));
}

#[test]
fn no_header() {
    // MMSP-C-105; fragments that come now and then change nothing
    let mut script = Script::at(Phase::ReadingHeader, times());
    script.say(read_block());
    for number in 0..4 {
        script.pass(seconds(6));
        script.feed(&data(number, HEADER, 4, b"x"));
    }
    passes(&mut script, 1);
    script.assert_failed(&timed_out(Phase::ReadingHeader, Missing::Header, 25));
    let mut script = Script::at(Phase::ChangingEntry, times());
    script.pass(seconds(49));
    script.say(change());
    passes(&mut script, 25);
    script.assert_failed(&timed_out(Phase::ChangingEntry, Missing::Header, 25));
}

#[test]
fn a_packet_that_trickles() {
    // MMSP-C-105; the time counts from the first byte, whatever comes after it
    for phase in [Phase::Connecting, Phase::Ready, Phase::Streaming] {
        let mut script = Script::at(phase, times());
        let packet = data(0, PLAY, 0, &[0; 60]);
        for byte in packet.chunks(1).take(7) {
            script.feed(byte);
            script.pass(Duration::from_millis(999));
        }
        assert_eq!(script.events(), []);
        script.pass(Duration::from_millis(7));
        script.assert_failed(&timed_out(phase, Missing::RestOfPacket, 7));
    }
}

#[test]
fn each_packet_has_its_own_time() {
    let mut script = Script::at(Phase::Streaming, times());
    let packets =
        [data(0, PLAY, 0, &[0; 60]), data(1, PLAY, 0, &[0; 60]), data(2, PLAY, 0, &[0; 60])]
            .concat();
    // The end of one and the beginning of the next, six seconds apart.
    for piece in [0..34, 34..102, 102..170, 170..204] {
        script.feed(&packets[piece]);
        script.pass(seconds(6));
    }
    assert_eq!(super::harness::packets(&script.events()), [0, 1, 2]);
    assert_eq!(script.machine.phase(), Phase::Streaming);
}

#[test]
fn silence() {
    // MMSP-C-105; only whole packets and messages break it
    let mut script = Script::at(Phase::Streaming, times());
    passes(&mut script, 40);
    script.assert_failed(&timed_out(Phase::Streaming, Missing::Media, 40));
    let mut script = Script::at(Phase::Streaming, times());
    for number in 0..5 {
        script.pass(seconds(39));
        if number % 2 == 0 {
            script.say(Ping);
        } else {
            script.media(number, PLAY);
        }
    }
    assert_eq!(packets(&script.events()), [1, 3]);
    // Stale packets do not.
    script.pass(seconds(30));
    script.media(4, PLAY + 1);
    script.events();
    passes(&mut script, 10);
    script.assert_failed(&timed_out(Phase::Streaming, Missing::Media, 40));
    // The first bytes of a packet do not either.
    let mut script = Script::at(Phase::Streaming, times());
    script.pass(seconds(39));
    script.feed(&data(0, PLAY, 0, &[0; 60])[..59]);
    passes(&mut script, 1);
    script.assert_failed(&timed_out(Phase::Streaming, Missing::Media, 40));
}

#[test]
fn no_timer_runs_while_nothing_is_owed() {
    for phase in [Phase::Ready, Phase::Stopping] {
        let mut script = Script::at(phase, times());
        if phase == Phase::Stopping {
            script.say(ended(HResult::OK, PLAY));
            script.events();
        }
        assert_eq!(script.deadline, None);
        script.pass(seconds(100_000));
        assert_eq!(script.events(), []);
    }
    let mut script = Script::new_entry();
    assert_eq!(script.deadline, None);
    script.pass(seconds(100_000));
    assert_eq!(script.events(), []);
}

#[test]
fn no_next_entry() {
    let mut script = Script::at(Phase::ChangingEntry, times());
    passes(&mut script, 50);
    let (more, hr) = (false, HResult::OK);
    let broken = ClientEvent::Deviation(mms_proto::Deviation::NoNextEntry);
    assert_eq!(script.events(), [broken, ClientEvent::EndOfStream { more, hr }]);
    assert_eq!(script.machine.phase(), Phase::Ready);
}

#[test]
fn no_answer_to_the_goodbye() {
    // MMSP-C-102, MMSP-C-103
    let mut script = Script::at(Phase::Streaming, times());
    script.close();
    script.sent();
    // Packets and a second close change nothing.
    script.pass(seconds(2));
    script.media(0, PLAY);
    script.close();
    passes(&mut script, 1);
    assert!(matches!(script.sent_one(), ClientMessage::CloseFile(_)));
    script.assert_closed(CloseReason::Local);
    // What is left of the time for the stop's answer does not count any more.
    let mut script = Script::at(Phase::Stopping, times());
    script.pass(seconds(9));
    script.close();
    passes(&mut script, 3);
    script.assert_closed(CloseReason::Local);
    // Closing while stopping: the shorter time counts.
    let mut script = Script::at(Phase::Stopping, times());
    script.close();
    passes(&mut script, 3);
    script.assert_closed(CloseReason::Local);
}

#[test]
fn the_header_in_time_stops_the_clock() {
    let mut script = Script::at(Phase::ReadingHeader, times());
    script.pass(seconds(9));
    script.feed(&data(0, HEADER, 0x0C, ASF));
    script.pass(seconds(100));
    let events = script.events();
    assert!(matches!(events[..], [ClientEvent::Ready(_)]), "{events:?}");
}

#[test]
fn early_and_backwards() {
    let mut script = Script::at(Phase::Streaming, times());
    for _ in 0..10 {
        script.input(Input::Timeout).unwrap();
    }
    let deadline = script.deadline;
    // A clock that jumps back does not prolong anything.
    let later = script.now + seconds(20);
    script
        .give(|client, now| {
            client.handle_input(later, Input::Timeout)?;
            client.handle_input(now, Input::Timeout)
        })
        .unwrap();
    assert_eq!((script.events(), script.deadline), (vec![], deadline));
    // Nor does it take back what has passed.
    script.stop();
    let sent = script.sent();
    let [ClientMessage::StopPlaying(_), ClientMessage::Logging(logging)] = &sent[..] else {
        panic!("{sent:?}");
    };
    assert_eq!(logging.log.playback.played, seconds(0), "no media came in these 20 s");
    assert_eq!(script.peer.times.last(), Some(&20_000));
}
