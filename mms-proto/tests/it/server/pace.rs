//! Server: when packets go. MS-MMSP 3.2.5.11 and 3.2.5.12.

use std::time::Duration;

use crate::pair::media::{self, content, seconds};
use crate::pair::script::{
    Got, Script, connect, data, events, funnel, messages, open, open_request, play, select,
};
use mms_proto::mmsp::ServerConfig;
use mms_proto::mmsp::message::{
    ReadBlock, ReportEndOfStream, ReportStartStriding, ServerMessage, StartPlaying, StartStriding,
};
use mms_proto::{Accel, Content, Features, HResult, PlayRequest, Rate, ServerEvent, Start, Stop};
use mms_proto::{Pace, StartBurst, StateError};

fn paced() -> ServerConfig {
    ServerConfig::default().pace(Pace::BitRate)
}

fn strides(packets: u64) -> Content {
    content(packets).with_features(Features::STRIDABLE | Features::SEEKABLE)
}

/// Answers every request with the next of these packets (number, time in milliseconds), until so
/// much time has passed; when each was sent, in milliseconds.
fn run(
    script: &mut Script,
    packets: &mut impl Iterator<Item = (u32, u64)>,
    time: Duration,
) -> Vec<(u32, u64)> {
    let begun = script.now;
    let end = begun + time;
    let mut sent = Vec::new();
    let mut wanted = true;
    loop {
        let mut got = Vec::new();
        if wanted {
            let Some((number, time)) = packets.next() else { return sent };
            let packet = media::packet(number);
            let time = Duration::from_millis(time);
            script.give(|server, now| server.send_packet_at(now, number, time, packet)).unwrap();
            got = script.poll();
        } else {
            let Some(next) = script.deadline.filter(|&at| at <= end) else { return sent };
            got.extend(script.pass(next - script.now));
        }
        let now = u64::try_from((script.now - begun).as_millis()).unwrap();
        sent.extend(data(&got).iter().map(|packet| (packet.location_id, now)));
        wanted = events(&got).iter().any(|event| event == "PacketWanted");
    }
}

#[test]
fn one_request_is_answered_by_packets_up_to_its_room() {
    let mut script = Script::ready(ServerConfig::default(), content(100_000));
    script.send(select(&[1]));
    let got = script.send(play(4, Start::Beginning));
    let Some(Got::Event(ServerEvent::PacketWanted { room })) = got.last() else {
        panic!("{got:?}")
    };
    let packet = media::packet(0);
    let fit = room.div_ceil(packet.len());
    for number in 0..fit {
        let number = u32::try_from(number).unwrap();
        assert!(script.machine.wants_packet());
        script.give(|server, now| server.send_packet(now, number, packet.clone())).unwrap();
    }
    assert!(!script.machine.wants_packet());
    let one_more = script.give(|server, now| server.send_packet(now, 1_000, packet.clone()));
    assert_eq!(one_more, Err(StateError::NotWanted));
    let got = script.poll();
    assert_eq!(data(&got).len(), fit, "each of them, and nothing is asked for before a look");
    assert!(matches!(got.last(), Some(Got::Data(_))));
    let got = script.pass(Duration::ZERO);
    assert!(matches!(got[..], [Got::Event(ServerEvent::PacketWanted { .. })]), "{got:?}");
    // One answer is enough to be asked again.
    script.give(|server, now| server.send_packet(now, 1_000, packet)).unwrap();
    let got = script.poll();
    assert!(
        matches!(got[..], [Got::Data(_), Got::Event(ServerEvent::PacketWanted { .. })]),
        "{got:?}"
    );
}

#[test]
fn a_packet_that_waits_ends_the_credit() {
    let mut config = ServerConfig::default();
    config.pace = Pace::BitRate;
    let mut script = Script::ready(config, content(100).with_bit_rate(0));
    script.send(select(&[1]));
    script.send(play(4, Start::Beginning));
    let mut send = |number: u32, time: u64| {
        let time = Duration::from_millis(time);
        script.give(|server, now| server.send_packet_at(now, number, time, media::packet(number)))
    };
    assert_eq!(send(0, 0), Ok(()));
    assert_eq!(send(1, 40), Ok(()), "it waits");
    assert_eq!(send(2, 80), Err(StateError::NotWanted));
}

#[test]
fn packets_go_when_they_are_due() {
    // Gaps in the numbers are streams that were left out: the time goes on.
    let mut script = Script::playing(paced(), content(100));
    let file = [(0, 5_000), (1, 5_040), (7, 5_900), (8, 5_900), (9, 6_000), (20, 12_000)];
    let sent = run(&mut script, &mut file.into_iter(), seconds(10));
    assert_eq!(sent, [(0, 0), (1, 40), (7, 900), (8, 900), (9, 1_000), (20, 7_000)]);
}

#[test]
fn at_full_speed_they_go_at_once() {
    let mut script = Script::playing(ServerConfig::default(), content(100));
    let file = (0..100).map(|n| (n, u64::from(n) * 1_000));
    let sent = run(&mut script, &mut file.into_iter(), Duration::ZERO);
    assert_eq!(sent.len(), 100);
}

#[test]
fn a_packet_that_waits_is_forgotten_by_a_stop_and_a_seek() {
    for stop in [true, false] {
        let mut script = Script::playing(paced(), content(100));
        let sent = run(&mut script, &mut [(0, 0), (1, 500)].into_iter(), seconds(0));
        assert_eq!(sent, [(0, 0)]);
        if stop {
            script.send(mms_proto::mmsp::message::StopPlaying { open_file_id: 1, incarnation: 4 });
            assert!(data(&script.pass(seconds(5))).is_empty());
        }
        let got = script.send(play(5, Start::packet(50).unwrap()));
        assert!(data(&got).is_empty());
        // A schedule of its own.
        let sent = run(&mut script, &mut [(50, 9_000), (51, 9_100)].into_iter(), seconds(1));
        assert_eq!(sent, [(50, 0), (51, 100)]);
    }
}

#[test]
fn the_end_comes_after_the_last_packet() {
    let mut script = Script::playing(paced(), content(100));
    run(&mut script, &mut [(0, 0), (1, 500)].into_iter(), seconds(0));
    script.give(|server, now| server.end_of_stream(now)).unwrap();
    let got = script.poll();
    assert!(matches!(&got[..], [Got::Data(_), Got::Message(_)]), "{got:?}");
}

#[test]
fn an_accelerated_start() {
    // MMSP-S-058: two seconds of content at five times its rate (8,000 bit/s), then real time.
    let accel = Accel::new(40_000, 2_000);
    for by_time in [true, false] {
        let mut script = Script::ready(paced(), content(1_000));
        script.send(select(&[1]));
        script.send(StartPlaying { accel: Some(accel), ..play(4, Start::Beginning) });
        let sent = if by_time {
            let mut file = (0..60).map(|n| (n, u64::from(n) * 100));
            run(&mut script, &mut file, seconds(3))
        } else {
            by_bytes(&mut script, seconds(3))
        };
        // Packets of 100 bytes, ten for a second of content, each 20 ms instead of 100.
        let wanted: Vec<_> = (0..20)
            .map(|n| (n, u64::from(n) * 20))
            .chain((20..47).map(|n| (n, 400 + u64::from(n - 20) * 100)))
            .take_while(|&(_, at)| at <= 3_000)
            .collect();
        assert_eq!(sent, wanted, "by time: {by_time}");
    }
}

/// As [`run`], with packets that say nothing of time.
fn by_bytes(script: &mut Script, time: Duration) -> Vec<(u32, u64)> {
    let begun = script.now;
    let mut sent = Vec::new();
    while script.now <= begun + time {
        let number = u32::try_from(sent.len()).unwrap();
        let now = u64::try_from((script.now - begun).as_millis()).unwrap();
        let mut got = script.packet(number);
        sent.push((number, now));
        while !events(&got).contains(&"PacketWanted".to_owned()) {
            got = script.pass(script.deadline.unwrap() - script.now);
        }
    }
    sent
}

#[test]
fn what_a_client_may_ask_for_is_limited() {
    // MMSP-S-058
    let accel = Accel::new(u32::MAX, u32::MAX);
    let mut config = paced();
    config.accel_limit = 80_000;
    let mut script = Script::ready(config, content(10_000));
    script.send(select(&[1]));
    script.send(StartPlaying { accel: Some(accel), ..play(4, Start::Beginning) });
    let mut file = (0..10_000).map(|n| (n, u64::from(n) * 100));
    let sent = run(&mut script, &mut file, seconds(10));
    // A minute of content, 600 packets, at ten times the rate; then real time.
    assert_eq!(sent[599], (599, 5_990));
    assert_eq!(sent[600], (600, 6_000));
    assert_eq!(sent[601], (601, 6_100));
}

#[test]
fn ten_megabits_a_second_at_most_by_default() {
    let accel = Accel::new(u32::MAX, u32::MAX);
    let mut script = Script::ready(paced(), content(10_000));
    script.send(select(&[1]));
    script.send(StartPlaying { accel: Some(accel), ..play(4, Start::Beginning) });
    let mut file = (0..10_000).map(|n| (n, u64::from(n) * 100));
    let sent = run(&mut script, &mut file, seconds(1));
    // 800 bits each, 80 microseconds.
    assert_eq!([sent[125], sent[250], sent[500]], [(125, 10), (250, 20), (500, 40)]);
}

#[test]
fn a_burst_for_players_that_do_not_ask() {
    let mut config = paced();
    config.start_burst = Some(StartBurst::new(seconds(1), 4));
    config.pace_percent = 200;
    let mut script = Script::playing(config, content(1_000));
    let mut file = (0..100).map(|n| (n, u64::from(n) * 100));
    let sent = run(&mut script, &mut file, seconds(1));
    // Ten packets at four times the rate, then twice as fast as they play.
    assert_eq!(sent[..10], (0..10).map(|n| (n, u64::from(n) * 25)).collect::<Vec<_>>());
    assert_eq!(sent[10..13], [(10, 250), (11, 300), (12, 350)]);
}

#[test]
fn fast_forward_and_rewind() {
    // MMSP-S-060
    for (rate, numbers, step) in
        [(4.0, [10_u32, 20, 30], 250), (-2.0, [30, 20, 10], 500), (0.5, [1, 2, 3], 2_000)]
    {
        let rate = Rate::new(rate).unwrap();
        let mut script = Script::ready(paced(), strides(100));
        script.send(select(&[1]));
        let start = Start::Time(seconds(2));
        let stride = StartStriding { open_file_id: 1, start, incarnation: 5, rate };
        let got = script.send(stride);
        let report = ReportStartStriding { hr: HResult::OK, incarnation: 5 };
        assert_eq!(messages(&got), [report.into()]);
        let Some(Got::Event(ServerEvent::Play(request))) = got.get(1) else { panic!("{got:?}") };
        let mut wanted = PlayRequest::select(request.streams.clone()).start(start).rate(rate);
        wanted.accel = None;
        assert_eq!(*request, wanted);
        // Each is a second of content from the one before, whichever way it goes.
        let mut file = numbers.into_iter().zip([0, 1_000, 2_000]);
        let sent = run(&mut script, &mut file, seconds(60));
        assert_eq!(sent, [(numbers[0], 0), (numbers[1], step), (numbers[2], 2 * step)]);
        // Back to normal speed, without a stop.
        let got = script.send(play(6, Start::packet(3).unwrap()));
        let Some(Got::Event(ServerEvent::Play(request))) = got.get(1) else { panic!("{got:?}") };
        assert!(request.rate.is_normal());
    }
}

#[test]
fn a_rate_near_zero_is_slow_and_not_fast() {
    // MMSP-S-060: the smallest number there is; ten packets a second are one in ten seconds.
    for by_time in [true, false] {
        let rate = Rate::new(f64::from_bits(1)).unwrap();
        let mut script = Script::ready(paced(), strides(100));
        script.send(select(&[1]));
        let start = Start::Beginning;
        script.send(StartStriding { open_file_id: 1, start, incarnation: 5, rate });
        let sent = if by_time {
            run(&mut script, &mut (0..100).map(|n| (n, u64::from(n) * 100)), seconds(25))
        } else {
            by_bytes(&mut script, seconds(25))
        };
        assert_eq!(sent, [(0, 0), (1, 10_000), (2, 20_000)], "by time: {by_time}");
    }
}

#[test]
fn trick_play_where_it_cannot_be() {
    // MMSP-S-060
    let rate = Rate::new(-1.0).unwrap();
    let stride = |open_file_id| StartStriding {
        open_file_id,
        start: Start::Beginning,
        incarnation: 5,
        rate,
    };
    let refused = |hr| ServerMessage::from(ReportStartStriding { hr, incarnation: 5 });
    let mut script = Script::opened(paced(), strides(100));
    assert_eq!(messages(&script.send(stride(1))), [refused(HResult::INVALID_REQUEST)]);
    let mut script = Script::ready(paced(), strides(100));
    assert_eq!(messages(&script.send(stride(2))), [refused(HResult::INVALID_ARGUMENT)]);
    let mut script = Script::ready(paced(), content(100));
    assert_eq!(messages(&script.send(stride(1))), [refused(HResult::STRIDE_REFUSED)]);
}

/// A session of this player, ready, with 50 packets of content (5 s).
fn player(subscriber: &str, config: ServerConfig) -> Script {
    let mut script = Script::new(config);
    script.send(connect(subscriber));
    script.send(funnel("\\\\h\\TCP\\1"));
    let request = open_request(script.send(open(9, "x")));
    script.give(|server, now| server.accept(now, request, content(50))).unwrap();
    script.poll();
    script.send(ReadBlock { open_file_id: 1, incarnation: 2 });
    script.pass(seconds(1));
    script.send(select(&[1]));
    script
}

#[test]
fn the_end_is_held_back_for_webtv() {
    // T49: until the content has played out, and five seconds more; a Ping every three seconds.
    let ping = |message: &ServerMessage| matches!(message, ServerMessage::Ping(_));
    let end = ServerMessage::from(ReportEndOfStream { hr: HResult::OK, incarnation: 4 });
    let mut config = paced();
    config.hold_end = true;
    let at = |start, stop| StartPlaying { stop, ..play(4, start) };
    for (subscriber, command, held) in [
        ("NSPlayer/6.0", at(Start::Beginning, None), 10),
        ("NSPlayer/4.1.0.3856", at(Start::Time(seconds(2)), None), 8),
        ("NSPlayer/6.0", at(Start::packet(40).unwrap(), None), 6),
        ("NSPlayer/6.0", at(Start::Time(seconds(1)), Stop::after(seconds(1))), 6),
        ("NSPlayer/6.0", at(Start::Time(seconds(1)), Stop::at(seconds(3))), 7),
        ("NSPlayer/7.0.0.1956", at(Start::Beginning, None), 0),
        ("NSPlayer/9.0", at(Start::Beginning, None), 0),
        ("something else", at(Start::Beginning, None), 0),
    ] {
        let mut script = player(subscriber, config.clone());
        script.send(command);
        script.packet(49);
        script.give(|server, now| server.end_of_stream(now)).unwrap();
        let got = script.poll();
        if held == 0 {
            assert_eq!(messages(&got).first(), Some(&end), "{subscriber}");
            continue;
        }
        assert!(got.is_empty(), "{subscriber}: {got:?}");
        let got = script.pass(seconds(held) - Duration::from_millis(1));
        assert!(messages(&got).iter().all(ping), "{got:?}");
        assert_eq!(messages(&got).len() as u64, (held - 1) / 3, "{subscriber}");
        assert_eq!(messages(&script.pass(Duration::from_millis(1))).last(), Some(&end));
    }
    // Off by default; and what goes wrong is told at once.
    let mut script = player("NSPlayer/6.0", paced());
    script.send(play(4, Start::Beginning));
    script.give(|server, now| server.end_of_stream(now)).unwrap();
    assert_eq!(messages(&script.poll()), [end]);
    let mut script = player("NSPlayer/6.0", config);
    script.send(play(4, Start::Beginning));
    script.give(|server, now| server.abort_stream(now, HResult::FAIL)).unwrap();
    assert_eq!(messages(&script.poll()).len(), 1);
}

#[test]
fn a_seek_while_the_end_is_held_back() {
    // Where play commands do not seek as well: there is nothing that could go on.
    for seek in [true, false] {
        let mut config = paced();
        (config.hold_end, config.seek_while_streaming) = (true, seek);
        let mut script = player("NSPlayer/6.0", config);
        script.send(play(4, Start::Beginning));
        script.packet(49);
        script.give(|server, now| server.end_of_stream(now)).unwrap();
        script.poll();
        script.pass(seconds(2));
        let got = script.send(play(5, Start::Beginning));
        assert!(events(&got).first().is_some_and(|event| event.starts_with("Play(")), "{got:?}");
        let got = script.pass(seconds(20));
        assert!(messages(&got).is_empty(), "{got:?}");
    }
}
