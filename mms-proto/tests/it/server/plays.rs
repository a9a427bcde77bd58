//! Server: play commands that come faster than an application can look for places in its content.

use std::time::Duration;

use crate::pair::media::{self, content};
use crate::pair::script::{Got, Script, data, messages, play, select};
use mms_proto::mmsp::ServerConfig;
use mms_proto::mmsp::frame::MessageWriter;
use mms_proto::mmsp::message::{
    ClientMessage, MessageId, Pong, ServerMessage, StartPlaying, StartStriding, StopPlaying,
};
use mms_proto::{EntryDelivery, Pace};
use mms_proto::{
    Features, HResult, Machine as _, Phase, PlayRequest, Rate, ServerEvent, ServerTimeouts, Start,
    StateError,
};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

/// Play commands a second.
const RATE: u32 = 4;

fn ready() -> Script {
    let mut config = ServerConfig::default();
    config.plays_a_second = RATE;
    let content = content(100);
    let attributes = content.features() | Features::STRIDABLE;
    let mut script = Script::ready(config, content.with_features(attributes));
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
    assert_eq!(script.machine.phase(), Phase::Streaming);
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
    assert_eq!(script.machine.phase(), Phase::Ready);
    assert!(plays(&script.pass(ms(2_000))).is_empty());
    assert_eq!(script.machine.phase(), Phase::Ready);
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
        let timeouts = ServerTimeouts::default().with_first_play(ms(60_000));
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
    assert_eq!(script.machine.phase(), Phase::Ready);
    pongs(&mut script, 2);
    assert_eq!(script.machine.phase(), Phase::Closed);
    // After a play command it is the usual hour.
    let mut script = ready();
    script.send(select(&[1]));
    script.send(at(1));
    script.send(StopPlaying { open_file_id: 1, incarnation: 1 });
    pongs(&mut script, 3_590);
    assert_eq!(script.machine.phase(), Phase::Ready);
    pongs(&mut script, 10);
    assert_eq!(script.machine.phase(), Phase::Closed);
    // It is never longer than that.
    let timeouts = ServerTimeouts::default().with_idle(ms(20_000)).with_first_play(ms(60_000));
    let mut script = Script::ready(ServerConfig::default().timeouts(timeouts), content(100));
    pongs(&mut script, 20);
    assert_eq!(script.machine.phase(), Phase::Closed);
}

#[test]
fn a_packet_asked_for_before_is_taken_and_not_sent() {
    // Cut before the last of five commands there is time to ask for a packet, and else there is not.
    for cut in [false, true] {
        let mut script = ready();
        let (four, last) = (backlog(4), at(5));
        let asked = if cut {
            let asked = wanted(&script.feed(&four));
            assert!(script.send(last).is_empty());
            asked
        } else {
            let mut writer = MessageWriter::default();
            let last = writer.write(0, |out| ClientMessage::from(last).encode(out));
            wanted(&script.feed(&[four, last.to_vec()].concat()))
        };
        assert_eq!(asked, usize::from(cut));
        let now = script.now;
        let answer = script.machine.send_packet(now, 7, media::packet(7));
        assert_eq!(answer.is_ok(), cut);
        assert_eq!(
            script.machine.send_packet(now, 7, media::packet(7)),
            Err(StateError::NotWanted)
        );
        assert!(script.poll().is_empty());
        assert_eq!((script.machine.stats().packets, script.deadline), (0, Some(now + ms(250))));
        let got = script.pass(ms(250));
        assert_eq!((answers(&got), plays(&got).len(), wanted(&got)), (vec![5], 1, 1));
        assert_eq!(data(&script.packet(5))[0].incarnation, 5);
    }
}

#[test]
fn one_that_is_refused_is_answered_at_once_and_takes_no_place() {
    let mut script = ready();
    script.feed(&backlog(5));
    let other_file = StartPlaying { open_file_id: 2, ..at(6) };
    for _ in 0..100 {
        let [ServerMessage::ReportStartedPlaying(report)] = messages(&script.send(other_file))[..]
        else {
            panic!("it waits");
        };
        assert_eq!((report.hr, report.incarnation), (HResult::INVALID_ARGUMENT, 6));
    }
    // The one that waited has its turn, and none was counted.
    assert_eq!(answers(&script.pass(ms(250))), [5]);
    assert_eq!(answers(&script.send(at(7))), Vec::<u32>::new());
    assert_eq!(answers(&script.pass(ms(250))), [7]);
}

#[test]
fn one_that_goes_on_where_it_is_never_waits() {
    // 3.2.5.11: the position is ignored while streaming, and nothing is looked for.
    let mut config = ServerConfig::default();
    (config.plays_a_second, config.seek_while_streaming) = (RATE, false);
    let mut script = Script::ready(config, content(100));
    script.send(select(&[1]));
    let got = script.feed(&backlog(100));
    assert_eq!((answers(&got).len(), plays(&got).len(), wanted(&got)), (100, 1, 1));
    assert_eq!(data(&script.packet(0))[0].incarnation, 100);
}

/// What happens to a session whose play commands wait.
#[derive(Debug, Clone)]
enum Happens {
    /// The client sends these at once, except where entries follow at once: the end of an entry that
    /// is not played yet goes as soon as there is time after its play command.
    Sent(Vec<ClientMessage>),
    Time(u64),
    /// The application sends a packet, for this time of the content.
    Packet(Option<u64>),
    End,
    EndOfEntry,
    NextEntry,
}

fn requests() -> impl Strategy<Value = ClientMessage> {
    let file = || prop_oneof![9 => Just(1_u32), 1 => Just(2)];
    let start =
        |place: u32| if place == 0 { Start::Beginning } else { Start::packet(place).unwrap() };
    prop_oneof![
        6 => (file(), 0..50_u32, any::<u32>()).prop_map(move |(open_file_id, place, label)| {
            StartPlaying { open_file_id, ..play(label, start(place)) }.into()
        }),
        2 => (file(), 0..50_u32, any::<u32>()).prop_map(move |(open_file_id, place, incarnation)| {
            let rate = Rate::new(2.0).unwrap();
            StartStriding { open_file_id, start: start(place), incarnation, rate }.into()
        }),
        1 => Just(StopPlaying { open_file_id: 1, incarnation: 77 }.into()),
        1 => Just(select(&[2]).into()),
        1 => Just(Pong.into()),
    ]
}

fn happens() -> impl Strategy<Value = Happens> {
    prop_oneof![
        6 => vec(requests(), 1..8).prop_map(Happens::Sent),
        3 => (0..400_u64).prop_map(Happens::Time),
        4 => option::of(0..2_000_u64).prop_map(Happens::Packet),
        1 => Just(Happens::End),
        1 => Just(Happens::EndOfEntry),
        1 => Just(Happens::NextEntry),
    ]
}

/// Everything that must not depend on the cuts: all but the requests for packets.
fn run(mut config: ServerConfig, happens: &[Happens], cuts: &[usize]) -> Vec<String> {
    config.plays_a_second = 2;
    let at_once = config.entry_delivery == EntryDelivery::AtOnce;
    let features = Features::STRIDABLE | Features::SEEKABLE;
    let mut script = Script::ready(config, content(100).with_features(features));
    let mut cuts = cuts.iter().copied().cycle();
    let mut said = Vec::new();
    let mut writer = MessageWriter::default();
    for (number, happens) in (0..).zip(happens) {
        let now = script.now;
        let got = match happens {
            Happens::Sent(requests) => {
                let packets =
                    requests.iter().map(|m| writer.write(0, |out| m.encode(out)).to_vec());
                let mut packets: Vec<Vec<u8>> = packets.collect();
                if !at_once {
                    packets = vec![packets.concat()];
                }
                let mut got = Vec::new();
                for packet in packets {
                    let mut rest = &packet[..];
                    while !rest.is_empty() {
                        let (piece, later) = rest.split_at(cuts.next().unwrap().min(rest.len()));
                        got.extend(script.feed(piece));
                        rest = later;
                    }
                }
                got
            }
            Happens::Time(time) => script.pass(ms(*time)),
            Happens::Packet(time) => {
                let packet = media::packet(number);
                // It may have been asked for, or not.
                let _ = match time {
                    Some(time) => script.machine.send_packet_at(now, number, ms(*time), packet),
                    None => script.machine.send_packet(now, number, packet),
                };
                script.poll()
            }
            Happens::End => {
                let _ = script.machine.end_of_stream(now);
                script.poll()
            }
            Happens::EndOfEntry => {
                let _ = script.machine.end_of_entry(now);
                script.poll()
            }
            Happens::NextEntry => {
                let _ = script.machine.next_entry(now, content(50));
                script.poll()
            }
        };
        let told = |got: &Got| !matches!(got, Got::Event(ServerEvent::PacketWanted { .. }));
        said.extend(got.iter().filter(|got| told(got)).map(|got| format!("{got:?}")));
        let deadline = script.deadline.map(|at| at - script.now);
        said.push(format!("{deadline:?} {:?}", script.machine.stats()));
    }
    said
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn the_same_whatever_the_cuts_and_the_answers(
        happens in vec(happens(), 1..40),
        cuts in vec(prop_oneof![1..60_usize, Just(80), Just(1_000)], 1..8),
        paced: bool,
        seeks: bool,
        holds: bool,
        at_once: bool,
    ) {
        let mut config = ServerConfig::default();
        config.pace = if paced { Pace::BitRate } else { Pace::Full };
        config.entry_delivery =
            if at_once { EntryDelivery::AtOnce } else { EntryDelivery::WhenPlayed };
        (config.seek_while_streaming, config.hold_end) = (seeks, holds);
        let whole = run(config.clone(), &happens, &[usize::MAX]);
        prop_assert_eq!(run(config, &happens, &cuts), whole);
    }
}
