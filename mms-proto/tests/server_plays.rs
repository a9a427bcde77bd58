//! Server: play commands that come faster than an application can look for places in its content.
#![cfg(test)]

#[expect(dead_code, reason = "every test program uses another part of it")]
mod pair;

use std::time::Duration;

use mms_proto::mmsp::ServerConfig;
use mms_proto::mmsp::frame::MessageWriter;
use mms_proto::mmsp::message::{
    ClientMessage, MessageId, Pong, ServerMessage, StartPlaying, StartStriding, StopPlaying,
};
use mms_proto::mmsp::server::ServerTimeouts;
use mms_proto::{FileAttributes, Phase, PlayRequest, Rate, ServerEvent, Start};
use pair::media::content;
use pair::script::{Got, Script, messages, play, select};

/// Play commands a second.
const RATE: u32 = 4;

fn ready() -> Script {
    let mut config = ServerConfig::default();
    config.plays_a_second = RATE;
    let content = content(100);
    let attributes = content.attributes() | FileAttributes::CAN_STRIDE;
    let mut script = Script::ready(config, content.with_attributes(attributes));
    script.send(select(&[1]));
    script
}

fn ms(milliseconds: u64) -> Duration {
    Duration::from_millis(milliseconds)
}

fn at(number: u32) -> StartPlaying {
    play(number, Start::Time(ms(number.into())))
}

/// Play commands that the application was told of.
fn plays(got: &[Got]) -> Vec<&PlayRequest> {
    let plays = got.iter().filter_map(|got| match got {
        Got::Event(ServerEvent::Play(request)) => Some(request),
        _ => None,
    });
    plays.collect()
}

/// How often the application was asked for a packet.
fn wanted(got: &[Got]) -> usize {
    got.iter().filter(|got| matches!(got, Got::Event(ServerEvent::PacketWanted { .. }))).count()
}

fn answers(got: &[Got]) -> Vec<u32> {
    let answers = messages(got).into_iter().map(|message| match message {
        ServerMessage::ReportStartedPlaying(report) => report.incarnation,
        ServerMessage::ReportStartStriding(report) => report.incarnation,
        other => panic!("{other:?}"),
    });
    answers.collect()
}

fn backlog(count: u32) -> Vec<u8> {
    let mut writer = MessageWriter::default();
    let plays = (1..=count).map(|number| ClientMessage::from(at(number)));
    plays.flat_map(|play| writer.write(0, |out| play.encode(out))).collect()
}

#[test]
fn a_backlog_of_play_commands_costs_one_search() {
    let mut script = ready();
    let got = script.feed(&backlog(1_389));
    assert_eq!(answers(&got), [1, 2, 3, 4]);
    // Told of, but asked for nothing: what comes next begins elsewhere.
    assert_eq!((plays(&got).len(), wanted(&got)), (4, 0));
    assert_eq!(script.deadline, Some(script.now + ms(250)));
    assert!(script.pass(ms(249)).is_empty());
    let got = script.pass(ms(1));
    assert_eq!(answers(&got), [1_389]);
    let [last] = plays(&got)[..] else { panic!("{got:?}") };
    assert_eq!(last.start, Start::Time(ms(1_389)));
    assert_eq!(wanted(&got), 1);
    assert_eq!(script.server.phase(), Phase::Streaming);
}

#[test]
fn the_same_however_they_are_cut() {
    let bytes = backlog(30);
    for size in [1, 7, 100, 1_000] {
        let mut script = ready();
        let got: Vec<Got> = bytes.chunks(size).flat_map(|piece| script.feed(piece)).collect();
        assert_eq!(answers(&got), [1, 2, 3, 4], "{size}");
        let got = script.pass(ms(250));
        assert_eq!((answers(&got), plays(&got).len()), (vec![30], 1), "{size}");
    }
}

#[test]
fn so_many_a_second_and_no_more() {
    let mut script = ready();
    let mut told = 0;
    for number in 1..=1_000 {
        told += plays(&script.send(at(number))).len();
        told += plays(&script.pass(ms(10))).len();
    }
    assert_eq!(told, 4 + 4 * 10);
    // One that seeks now and then never waits.
    for number in 1..=100 {
        script.pass(ms(250));
        assert_eq!(answers(&script.send(at(number))), [number]);
    }
}

#[test]
fn a_stop_takes_back_the_play_command_that_waits() {
    let mut script = ready();
    script.feed(&backlog(9));
    let got = script.send(StopPlaying { open_file_id: 1, incarnation: 9 });
    let [ServerMessage::ReportEndOfStream(end)] = &messages(&got)[..] else { panic!("{got:?}") };
    assert_eq!(end.incarnation, 9);
    assert_eq!(script.server.phase(), Phase::Ready);
    assert!(plays(&script.pass(ms(2_000))).is_empty());
    assert_eq!(script.server.phase(), Phase::Ready);
    let got = script.send(at(10));
    assert_eq!((answers(&got), wanted(&got)), (vec![10], 1));
}

#[test]
fn stopping_in_between_is_no_way_around() {
    let mut script = ready();
    let mut got = Vec::new();
    for number in 1..=100 {
        got.extend(script.send(at(number)));
        got.extend(script.send(StopPlaying { open_file_id: 1, incarnation: number }));
    }
    assert_eq!(plays(&got).len(), 4);
}

#[test]
fn striding_counts_as_well() {
    let mut script = ready();
    script.feed(&backlog(4));
    let rate = Rate::new(-2.0).unwrap();
    let (open_file_id, start) = (1, Start::Time(ms(900)));
    let stride = StartStriding { open_file_id, start, incarnation: 7, rate };
    assert!(script.send(stride).is_empty());
    let got = script.pass(ms(250));
    assert_eq!(messages(&got)[0].id(), MessageId::REPORT_START_STRIDING);
    assert_eq!((plays(&got)[0].start, plays(&got)[0].rate), (start, rate));
}

#[test]
fn without_a_limit_every_play_command_is_answered() {
    let mut config = ServerConfig::default();
    config.plays_a_second = 0;
    let mut script = Script::ready(config, content(100));
    script.send(select(&[1]));
    let got = script.feed(&backlog(100));
    assert_eq!((answers(&got).len(), plays(&got).len()), (100, 100));
}

#[test]
fn who_never_plays_has_less_time() {
    let ready = || {
        let timeouts = ServerTimeouts::default().first_play(ms(60_000));
        Script::ready(ServerConfig::default().timeouts(timeouts), content(100))
    };
    let pongs = |script: &mut Script, seconds: u32| {
        for _ in 0..seconds {
            script.send(Pong);
            script.pass(ms(1_000));
        }
    };
    let mut script = ready();
    pongs(&mut script, 58);
    assert_eq!(script.server.phase(), Phase::Ready);
    pongs(&mut script, 2);
    assert_eq!(script.server.phase(), Phase::Closed);
    // After a play command it is the usual hour.
    let mut script = ready();
    script.send(select(&[1]));
    script.send(at(1));
    script.send(StopPlaying { open_file_id: 1, incarnation: 1 });
    pongs(&mut script, 3_590);
    assert_eq!(script.server.phase(), Phase::Ready);
    pongs(&mut script, 10);
    assert_eq!(script.server.phase(), Phase::Closed);
    // It is never longer than that.
    let timeouts = ServerTimeouts::default().idle(ms(20_000)).first_play(ms(60_000));
    let mut script = Script::ready(ServerConfig::default().timeouts(timeouts), content(100));
    pongs(&mut script, 20);
    assert_eq!(script.server.phase(), Phase::Closed);
}
