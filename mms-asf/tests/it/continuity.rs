//! Streams whose clock starts anew, on one line of time.

use mms_asf::testing::{self, TestPacket, TestPayload, TestStream};
use mms_asf::{Continuity, Header, Packet, Restart, Shift};
use proptest::prelude::*;

const SIZE: u32 = 256;
const MINUTE: u32 = 60_000;
const DAY: u32 = 24 * 60 * MINUTE;

fn header() -> Header {
    Header::parse(&testing::live_header(SIZE, &[TestStream::Audio(1), TestStream::Video(2)]))
        .unwrap()
}

/// A packet of sound and a picture.
fn packet(sent: u32, shown: u32) -> Vec<u8> {
    let sound = TestPayload::whole(1, 7, shown, b"sound");
    let picture = TestPayload::whole(2, 7, shown.wrapping_add(40), b"picture");
    let packet = TestPacket::multiple(vec![sound, picture]);
    TestPacket { send_time: sent, duration: 100, ..packet }.build(SIZE).to_vec()
}

fn live(sent: u32) -> Vec<u8> {
    packet(sent, sent.wrapping_add(3_000))
}

/// Send time and first presentation time.
fn times(packet: &[u8]) -> (u32, u32) {
    let packet = Packet::parse(packet, SIZE).unwrap();
    (packet.send_time(), packet.payloads().next().unwrap().unwrap().presentation_time)
}

/// Send and presentation times.
type Line = Vec<(u32, u32)>;

/// The times on the line, and the restarts with the number of their packet.
fn joined(packets: &[Vec<u8>]) -> (Line, Vec<(usize, Restart)>) {
    let mut continuity = Continuity::new(&header());
    let mut restarts = Vec::new();
    let mut line = Vec::new();
    for (number, packet) in packets.iter().enumerate() {
        let mut packet = packet.clone();
        restarts.extend(continuity.join(&mut packet).unwrap().map(|restart| (number, restart)));
        line.push(times(&packet));
    }
    assert_eq!(continuity.restarts(), restarts.len() as u64);
    (line, restarts)
}

/// Send times that have to stay as they are, with presentation times that follow them.
#[track_caller]
fn stay(sends: &[u32]) {
    let packets: Vec<_> = sends.iter().map(|&sent| live(sent)).collect();
    let (line, restarts) = joined(&packets);
    assert_eq!(restarts, [], "{sends:?}");
    assert!(line.iter().map(|&(sent, _)| sent).eq(sends.iter().copied()), "{sends:?}");
}

#[test]
fn a_clock_that_starts_anew_goes_on_where_the_stream_was() {
    let first = (0..50).map(|n| live(100_000 + n * 100));
    let second = (0..50).map(|n| live(n * 100));
    let third = (0..50).map(|n| live(40 * DAY + n * 100));
    let packets: Vec<_> = first.chain(second).chain(third).collect();
    let (line, restarts) = joined(&packets);
    assert!((0_u32..).zip(&line).all(|(n, &(sent, shown))| {
        let time = 100_000 + n * 100;
        (sent, shown) == (time, time + 3_000)
    }));
    let seen: Vec<_> = restarts.iter().map(|(at, restart)| (*at, restart.step)).collect();
    // 40 days forward are 9.7 days back, the shorter way round.
    let forward = i64::from(40 * DAY) - 4_900 - (1_i64 << 32);
    assert_eq!(seen, [(50, -104_900), (100, forward)]);
    assert_eq!(restarts[0].1.shift, Shift::all(105_000));
}

#[test]
fn a_packet_without_duration_is_followed_at_the_distance_of_the_one_before() {
    let plain = |sent: u32| {
        let payload = TestPayload::whole(1, 7, sent + 3_000, b"sound");
        TestPacket { send_time: sent, ..TestPacket::single(payload) }.build(SIZE).to_vec()
    };
    let (line, _) = joined(&[plain(90_000), plain(90_250), plain(0), plain(250)]);
    assert_eq!(
        line.iter().map(|times| times.0).collect::<Vec<_>>(),
        [90_000, 90_250, 90_500, 90_750]
    );
}

#[test]
fn a_wrap_disorder_and_pauses_are_no_restart() {
    stay(&[0xFFFF_FF00, 0xFFFF_FFC0, 40, 140, 240]);
    stay(&[0xFFFF_FF00, 0xFFFF_FFC0, 40, 0xFFFF_FFF0, 140]);
    stay(&[10_000, 10_100, 10_400, 10_200, 10_300, 10_500]);
    stay(&[10_000, 13_000, 10_000, 13_100]);
    stay(&[0, 100, MINUTE, 120 * MINUTE, 120 * MINUTE + 100]);
    stay(&[0, 100, 100 + DAY, 200 + DAY]);
    stay(&[0; 20]);
}

#[test]
fn a_pause_is_as_long_as_the_caller_can_explain() {
    let mut continuity = Continuity::new(&header());
    continuity.set_max_gap(std::time::Duration::from_secs(20));
    let mut join = |sent: u32| {
        let mut packet = live(sent);
        let restart = continuity.join(&mut packet).unwrap();
        (times(&packet).0, restart.map(|restart| restart.step))
    };
    assert_eq!(join(500), (500, None));
    assert_eq!(join(20_500), (20_500, None));
    assert_eq!(join(40_501), (20_600, Some(20_001)));
    // The default: a day.
    let (line, restarts) = joined(&[live(0), live(DAY + 1)]);
    assert_eq!((line[1].0, restarts.len()), (100, 1));
}

#[test]
fn a_damaged_send_time_is_no_restart() {
    for damaged in [0, 0x8000_0000, 90 * MINUTE, 100_000 + MINUTE] {
        let mut packets: Vec<_> = (0..20).map(|n| live(100_000 + n * 100)).collect();
        packets[10] = packet(damaged, 100_000 + 1_000 + 3_000);
        let (line, restarts) = joined(&packets);
        assert_eq!(restarts, [], "{damaged}");
        assert!(line == packets.iter().map(|packet| times(packet)).collect::<Vec<_>>());
    }
}

#[test]
fn send_times_that_alone_stay_elsewhere_are_moved_alone() {
    let before = (0..10).map(|n| packet(100_000 + n * 100, 3_000 + n * 100));
    let after = (0..20).map(|n| packet(n * 100, 4_000 + n * 100));
    let (line, restarts) = joined(&before.chain(after).collect::<Vec<_>>());
    let [(17, restart)] = restarts[..] else { panic!("{restarts:?}") };
    assert_eq!(restart.shift.presentation, 0);
    assert_eq!(line[17..].iter().map(|times| times.0).collect::<Vec<_>>()[..2], [101_000, 101_100]);
    assert!((0_u32..).zip(&line).all(|(n, times)| times.1 == 3_000 + 100 * n));
}

#[test]
fn presentation_times_do_not_step_back_either() {
    // The last packet before is 4 s ahead of its media, the first one after 3 s.
    let (line, restarts) = joined(&[packet(90_000, 94_000), packet(0, 3_000), packet(100, 3_100)]);
    assert_eq!(restarts.len(), 1);
    assert_eq!(line, [(90_000, 94_000), (91_100, 94_100), (91_200, 94_200)]);
    // A damaged presentation time delays nothing for hours.
    let (line, _) = joined(&[packet(90_000, 90_000 + DAY), packet(0, 3_000)]);
    assert!(line[1].0 <= 100_100, "{line:?}");
}

#[test]
fn what_cannot_be_moved_is_left_alone() {
    let mut continuity = Continuity::new(&header());
    let narrow = |sent: u32| {
        let payload = TestPayload::compressed(1, 7, sent, 10, &[b"one", b"two"]);
        let packet = TestPacket { offset_width: 2, ..TestPacket::single(payload) };
        TestPacket { send_time: sent, ..packet }.build(SIZE).to_vec()
    };
    assert!(continuity.join(&mut narrow(0xFFFF)).is_ok());
    let mut packet = narrow(0);
    assert!(continuity.join(&mut packet).is_err());
    assert_eq!((packet, continuity.restarts()), (narrow(0), 0));
    assert!(continuity.join(&mut [0x92; 9]).is_err());
}

proptest! {
    #[test]
    fn the_line_never_runs_back(
        clocks in prop::collection::vec((any::<u32>(), prop::collection::vec(0..2_000_u32, 1..20)), 1..6),
    ) {
        let mut packets = Vec::new();
        for (start, distances) in &clocks {
            let times = distances.iter().scan(*start, |time, distance| {
                *time = time.wrapping_add(*distance);
                Some(*time)
            });
            packets.extend(times.map(live));
        }
        let (line, restarts) = joined(&packets);
        for pair in line.windows(2) {
            let step = |from: u32, to: u32| i64::from(i32::from_le_bytes(to.wrapping_sub(from).to_le_bytes()));
            let sent = step(pair[0].0, pair[1].0);
            prop_assert!((-3_000..=i64::from(DAY)).contains(&sent), "{pair:?}");
            prop_assert_eq!(sent, step(pair[0].1, pair[1].1));
        }
        // What is on one line stays there.
        let again: Vec<_> = line.iter().map(|&(sent, shown)| packet(sent, shown)).collect();
        prop_assert_eq!(joined(&again), (line, vec![]));
        prop_assert!(restarts.len() < clocks.len());
    }
}
