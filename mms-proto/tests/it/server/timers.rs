//! Server: what happens when nothing happens. MS-MMSP 3.2.2, 3.2.6.1 and 3.2.6.2.

use crate::pair::media::{content, seconds};
use crate::pair::script::{
    Got, Script, connect, events, funnel, messages, open, open_request, play, select,
};
use mms_proto::ServerTimeouts;
use mms_proto::mmsp::ServerConfig;
use mms_proto::mmsp::message::{ClientMessage, Logging, Ping, Pong, ServerMessage, StopPlaying};
use mms_proto::{Error, HResult, Machine as _, Missing, Phase, Start, StateError};

/// Times of the Pings, in seconds from now on, while the client answers each or none.
fn pings(script: &mut Script, until: u64, answer: bool) -> Vec<u64> {
    let begin = script.now;
    let mut times = Vec::new();
    for second in 1..=until {
        for message in messages(&script.pass(seconds(1))) {
            assert_eq!(message, ServerMessage::Ping(Ping));
            times.push(second);
            if answer {
                assert!(script.send(Pong).is_empty());
            }
        }
    }
    assert_eq!(script.now, begin + seconds(until));
    times
}

#[test]
fn a_silent_client_is_asked_whether_it_is_there() {
    // MMSP-S-080, MMSP-S-082
    for answer in [false, true] {
        for mut script in [
            Script::opened(ServerConfig::default(), content(3)),
            Script::ready(ServerConfig::default(), content(3)),
            Script::playing(ServerConfig::default(), content(3)),
        ] {
            assert_eq!(pings(&mut script, 125, answer), [30, 60, 90, 120]);
        }
    }
}

#[test]
fn any_message_of_the_client_puts_the_question_off() {
    // MMSP-S-081, MMSP-S-082: ones with an answer and ones without.
    let heard: [ClientMessage; 4] = [
        Pong.into(),
        Logging { open_file_id: 0, log: Box::default() }.into(),
        select(&[1]).into(),
        ClientMessage::Unknown {
            id: mms_proto::mmsp::message::MessageId(0x0003_0030),
            body: bytes::Bytes::new(),
        },
    ];
    for message in heard {
        let mut script = Script::playing(ServerConfig::default(), content(3));
        assert!(pings(&mut script, 29, true).is_empty());
        script.send(message);
        assert_eq!(pings(&mut script, 31, true), [30]);
    }
    // Half a message is nothing yet.
    let mut script = Script::playing(ServerConfig::default(), content(3));
    assert!(pings(&mut script, 29, true).is_empty());
    script.feed(&[1, 0, 0, 0]);
    assert_eq!(pings(&mut script, 2, false), [1]);
}

#[test]
fn sending_packets_is_no_reason_not_to_ask() {
    // MMSP-S-080: 3.2.5.2 is about messages.
    let mut script = Script::playing(ServerConfig::default(), content(600));
    let mut times = Vec::new();
    for second in 0..65 {
        script.packet(second);
        times.extend(messages(&script.pass(seconds(1))).iter().map(|_| second + 1));
    }
    assert_eq!(times, [30, 60]);
}

#[test]
fn times_have_a_lower_limit() {
    // MMSP-S-080, MMSP-S-084
    let times = ServerTimeouts::default();
    assert_eq!((times.idle(), times.keep_alive()), (seconds(3600), seconds(30)));
    let times = times.with_idle(seconds(1)).with_keep_alive(seconds(9));
    assert_eq!((times.idle(), times.keep_alive()), (seconds(10), seconds(10)));
    let times = times.with_idle(seconds(11)).with_keep_alive(seconds(12));
    assert_eq!((times.idle(), times.keep_alive()), (seconds(11), seconds(12)));
    // The session keeps them.
    let mut config = ServerConfig::default();
    config.timeouts = config.timeouts.with_idle(seconds(0)).with_keep_alive(seconds(0));
    let mut script = Script::ready(config, content(3));
    assert!(script.pass(seconds(9)).is_empty());
    assert_eq!(events(&script.pass(seconds(1))), ["Closed(Idle)"]);
    let mut config = ServerConfig::default();
    config.timeouts = config.timeouts.with_keep_alive(seconds(1));
    let mut script = Script::ready(config, content(3));
    assert_eq!(pings(&mut script, 25, true), [10, 20]);
}

/// The second, from now on, in which the session is closed for idleness.
fn idle_after(script: &mut Script) -> u64 {
    for second in 1..10_000 {
        for got in script.pass(seconds(1)) {
            match got {
                Got::Message(ServerMessage::Ping(_)) => assert!(script.send(Pong).is_empty()),
                other => {
                    assert_eq!(events(&[other]), ["Closed(Idle)"]);
                    assert_eq!(script.machine.phase(), Phase::Closed);
                    return second;
                }
            }
        }
    }
    panic!("it never ends");
}

#[test]
fn an_hour_from_connect_to_a_play_command() {
    // MMSP-S-084, MMSP-S-085: what the client does meanwhile does not start the hour again.
    let mut script = Script::ready(ServerConfig::default(), content(3));
    script.pass(seconds(600));
    script.send(select(&[1]));
    script.send(StopPlaying { open_file_id: 1, incarnation: 4 });
    script.send(Logging { open_file_id: 0, log: Box::default() });
    assert_eq!(idle_after(&mut script), 3000);
}

#[test]
fn the_hour_begins_again_with_a_stop() {
    // MMSP-S-048, MMSP-S-062, MMSP-S-065
    for stop in [true, false] {
        let mut script = Script::ready(ServerConfig::default(), content(3));
        script.pass(seconds(600));
        script.send(play(4, Start::Beginning));
        script.pass(seconds(7200));
        assert_eq!(script.machine.phase(), Phase::Streaming, "no idleness while streaming");
        if stop {
            script.send(StopPlaying { open_file_id: 1, incarnation: 4 });
        } else {
            script.give(|server, now| server.end_of_stream(now)).unwrap();
            script.poll();
        }
        script.pass(seconds(100));
        script.send(StopPlaying { open_file_id: 1, incarnation: 4 });
        assert_eq!(idle_after(&mut script), 3500);
    }
}

#[test]
fn a_play_command_that_is_refused_does_not_stop_the_hour() {
    // MMSP-S-084
    let mut script = Script::ready(ServerConfig::default(), content(3));
    script.pass(seconds(3000));
    script.send(mms_proto::mmsp::message::StartPlaying {
        open_file_id: 7,
        ..play(4, Start::Beginning)
    });
    assert_eq!(idle_after(&mut script), 600);
}

#[test]
fn a_client_that_answers_nothing() {
    for (most, closed_after) in [(0, 30), (1, 60), (3, 120)] {
        let mut config = ServerConfig::default();
        config.max_unanswered_pings = Some(most);
        let mut script = Script::playing(config, content(3));
        assert!(events(&script.pass(seconds(closed_after - 1))).is_empty());
        let error = Error::TimedOut {
            phase: Phase::Streaming,
            missing: Missing::Reply,
            after: seconds(30 * u64::from(most.max(1))),
        };
        let got = events(&script.pass(seconds(1)));
        assert_eq!(got, [format!("Closed(Failed({error:?}))")]);
        assert_eq!(error.hresult(), HResult::TIMEOUT);
        let again = script.give(|server, now| server.handle_input(now, mms_proto::Input::Timeout));
        assert_eq!(again, Err(error));
    }
    // Anything counts as an answer.
    let mut config = ServerConfig::default();
    config.max_unanswered_pings = Some(1);
    let mut script = Script::playing(config, content(3));
    for _ in 0..10 {
        script.pass(seconds(45));
        script.send(Logging { open_file_id: 0, log: Box::default() });
    }
    assert_eq!(script.machine.phase(), Phase::Streaming);
}

#[test]
fn a_connection_that_asks_for_nothing() {
    // The first is a connection without a word, the last one that never names a file.
    for words in 0..3 {
        let mut script = Script::new(ServerConfig::default());
        if words > 0 {
            script.send(connect("x"));
        }
        if words > 1 {
            script.pass(seconds(20));
            script.send(funnel("\\\\h\\TCP\\1"));
        }
        let phase = script.machine.phase();
        let left = seconds(if words > 1 { 10 } else { 30 });
        let error = Error::TimedOut { phase, missing: Missing::Request, after: seconds(30) };
        let got = events(&script.pass(left));
        assert_eq!(got, [format!("Closed(Failed({error:?}))")]);
    }
    // After a refusal the time begins again.
    let mut script = Script::new(ServerConfig::default());
    script.send(connect("x"));
    script.send(funnel("\\\\h\\TCP\\1"));
    let request = open_request(script.send(open(9, "x")));
    script.pass(seconds(100));
    script.give(|server, now| server.reject(now, request, HResult::FILE_NOT_FOUND)).unwrap();
    script.poll();
    assert!(events(&script.pass(seconds(29))).is_empty());
    assert_eq!(events(&script.pass(seconds(1))).len(), 1);
}

#[test]
fn the_connection_is_closed_after_the_end_for_players_that_wait_for_it() {
    // MMSP-S-097
    let mut config = ServerConfig::default();
    config.close_after_end = Some(seconds(5));
    let ended = || {
        let mut script = Script::playing_as("NSPlayer/8.9", config.clone(), content(3));
        script.pass(seconds(30)); // a Ping is under way
        script.give(|server, now| server.end_of_stream(now)).unwrap();
        script.poll();
        script
    };
    let mut script = ended();
    assert!(events(&script.pass(seconds(4))).is_empty());
    assert_eq!(events(&script.pass(seconds(1))), ["Closed(Local)"]);
    // The answer to that Ping is no wish.
    let mut script = ended();
    script.send(Pong);
    assert_eq!(events(&script.pass(seconds(5))), ["Closed(Local)"]);
    // Anything else is a player that may want more.
    let mut script = ended();
    script.send(Logging { open_file_id: 0, log: Box::default() });
    assert!(events(&script.pass(seconds(3000))).is_empty());
    let mut script = ended();
    script.send(play(5, Start::Beginning));
    assert_eq!(script.machine.phase(), Phase::Streaming);
    script.pass(seconds(60));
    assert_eq!(script.machine.phase(), Phase::Streaming);
}

#[test]
fn clients_of_version_9_may_play_again_long_after_the_end() {
    // MMSP-S-097, MMSP-S-084
    let mut config = ServerConfig::default();
    config.close_after_end = Some(seconds(5));
    let mut script = Script::playing_as("NSPlayer/9.0", config, content(3));
    script.give(|server, now| server.end_of_stream(now)).unwrap();
    script.poll();
    assert!(events(&script.pass(seconds(3599))).is_empty());
    script.send(play(5, Start::Beginning));
    assert_eq!(script.machine.phase(), Phase::Streaming);
    script.give(|server, now| server.end_of_stream(now)).unwrap();
    script.poll();
    assert!(events(&script.pass(seconds(3599))).is_empty());
    assert_eq!(events(&script.pass(seconds(1))), ["Closed(Idle)"]);
}

#[test]
fn the_rest_of_a_packet_must_come() {
    let mut script = Script::ready(ServerConfig::default(), content(3));
    // A Pong, byte by byte.
    let pong = mms_proto::mmsp::frame::MessageWriter::new(9)
        .write(0, |out| ClientMessage::from(Pong).encode(out));
    let mut got = script.feed(&pong[..1]);
    for byte in &pong[1..30] {
        got.extend(script.pass(seconds(1)));
        got.extend(script.feed(&[*byte]));
    }
    assert!(events(&got).is_empty());
    let missing = Missing::RestOfPacket;
    let error = Error::TimedOut { phase: Phase::Ready, missing, after: seconds(30) };
    assert_eq!(events(&script.pass(seconds(1))), [format!("Closed(Failed({error:?}))")]);
    let wrong = StateError::Phase { operation: "end the stream", phase: Phase::Closed };
    assert_eq!(script.give(|server, now| server.end_of_stream(now)), Err(wrong));
}
