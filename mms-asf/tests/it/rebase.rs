//! Captures that start in the middle, put on a timeline that starts at zero.

use bytes::Bytes;
use mms_asf::testing::{self, TestPacket, TestPayload, TestStream};
use mms_asf::{Error, Header, Packet, Rebase, Rebaser, Shift, Shifted, TimeShifter};
use proptest::prelude::*;

const SIZE: u32 = 300;
const HOUR: u32 = 3_600_000;

fn header() -> Header {
    let streams = [TestStream::Audio(1), TestStream::Video(2)];
    Header::parse(&testing::live_header(SIZE, &streams)).unwrap()
}

fn packet(send_time: u32, payloads: Vec<TestPayload>) -> Vec<u8> {
    TestPacket { send_time, ..TestPacket::multiple(payloads) }.build(SIZE).to_vec()
}

/// A whole media object.
fn object(stream: u8, time: u32) -> TestPayload {
    TestPayload::whole(stream, 1, time, b"object")
}

/// The rest of a media object.
fn tail(stream: u8, time: u32) -> TestPayload {
    TestPayload::part(stream, 0, time, 10, 5, b"tails")
}

/// The send time of a packet and the presentation times in it.
fn times(packet: &[u8]) -> (u32, Vec<u32>) {
    let packet = Packet::parse(packet, SIZE).unwrap();
    let shown = packet.payloads().map(|payload| payload.unwrap().presentation_time).collect();
    (packet.send_time(), shown)
}

fn watched(packets: &[Vec<u8>], rebase: Rebase) -> Rebaser {
    let mut rebaser = Rebaser::new(&header(), rebase);
    let _ = packets.iter().any(|packet| rebaser.observe(packet));
    rebaser
}

/// Observes, then applies to all.
fn rebased(packets: &[Vec<u8>], rebase: Rebase) -> (Vec<Vec<u8>>, Vec<Shifted>) {
    let mut rebaser = watched(packets, rebase);
    let mut packets = packets.to_vec();
    let shifted = packets.iter_mut().map(|packet| rebaser.apply(packet).unwrap()).collect();
    (packets, shifted)
}

#[test]
fn a_capture_starts_at_zero() {
    let capture = [
        packet(HOUR, vec![tail(2, HOUR + 900), object(1, HOUR + 3_100)]),
        packet(HOUR + 500, vec![object(2, HOUR + 3_000), object(1, HOUR + 3_600)]),
        packet(HOUR + 1_500, vec![object(1, HOUR + 4_600)]),
    ];
    let (packets, shifted) = rebased(&capture, Rebase::WhenLate);
    assert_eq!(times(&packets[0]), (0, vec![900, 3_100]));
    assert_eq!(times(&packets[1]), (500, vec![3_000, 3_600]));
    assert_eq!(times(&packets[2]), (1_500, vec![4_600]));
    assert_eq!(shifted, [Shifted::default(); 3]);
}

#[test]
fn small_times_stay_unless_asked_for() {
    let small = [packet(1_000, vec![object(1, 4_000)])];
    assert_eq!(rebased(&small, Rebase::WhenLate).0, small);
    assert_eq!(times(&rebased(&small, Rebase::Always).0[0]), (0, vec![3_000]));
    let late = [packet(1_001, vec![object(1, 4_001)])];
    assert_eq!(times(&rebased(&late, Rebase::WhenLate).0[0]), (0, vec![3_000]));
    let far = [packet(HOUR, vec![object(1, HOUR)])];
    assert_eq!(rebased(&far, Rebase::None).0, far);
}

#[test]
fn the_lowest_presentation_time_is_about_the_preroll() {
    let shown = |above: u32, next: u32| {
        let capture = [
            packet(HOUR, vec![object(1, HOUR + above)]),
            packet(HOUR + 100, vec![object(2, HOUR + next)]),
        ];
        let (packets, _) = rebased(&capture, Rebase::WhenLate);
        assert_eq!((times(&packets[0]).0, times(&packets[1]).0), (0, 100));
        (times(&packets[0]).1[0], times(&packets[1]).1[0])
    };
    assert_eq!(shown(3_000, 3_200), (3_000, 3_200));
    assert_eq!(shown(2_000, 3_200), (2_000, 3_200), "a second below");
    assert_eq!(shown(1_999, 3_200), (3_000, 4_201), "more than a second below");
    assert_eq!(shown(3_200, 1_000), (5_200, 3_000), "the lowest is not in the first packet");
    assert_eq!(shown(9_000, 9_500), (9_000, 9_500), "above");
}

#[test]
fn objects_without_a_beginning_and_unknown_streams_do_not_count() {
    for early in
        [tail(2, HOUR), object(7, HOUR), { TestPayload { replicated: Vec::new(), ..object(1, 0) } }]
    {
        let capture = [packet(HOUR, vec![early, object(1, HOUR + 3_000)])];
        let rebaser = {
            let mut rebaser = watched(&capture, Rebase::Always);
            rebaser.apply(&mut capture[0].clone()).unwrap();
            rebaser
        };
        assert_eq!(rebaser.shift(), Some(Shift::all(-i64::from(HOUR))));
    }
}

#[test]
fn observing_ends() {
    let mut rebaser = Rebaser::new(&header(), Rebase::Always);
    assert!(!rebaser.observe(b"no packet"));
    assert!(!rebaser.observe(&packet(5_000, vec![object(1, 8_000)])));
    assert!(!rebaser.observe(&packet(5_999, vec![object(1, 8_000)])));
    assert!(rebaser.observe(&packet(6_000, vec![object(1, 8_000)])));
    assert_eq!(rebaser.shift(), None);

    let mut rebaser = Rebaser::new(&header(), Rebase::Always);
    let parts = packet(5_000, vec![tail(1, 8_000)]);
    assert_eq!((0..1_000).position(|_| rebaser.observe(&parts)), Some(255));

    assert!(Rebaser::new(&header(), Rebase::None).observe(b""));
    let small = packet(3, vec![object(1, 3_000)]);
    assert!(Rebaser::new(&header(), Rebase::WhenLate).observe(&small));
}

#[test]
fn a_wrap_is_no_step_back() {
    let start = u32::MAX - 99;
    let capture: Vec<_> = [0, 50, 150, 120, 4_000]
        .map(|at| {
            let send = start.wrapping_add(at);
            packet(send, vec![object(1, send.wrapping_add(3_000))])
        })
        .into();
    let (packets, shifted) = rebased(&capture, Rebase::WhenLate);
    for (packet, at) in packets.iter().zip([0, 50, 150, 120, 4_000]) {
        assert_eq!(times(packet), (at, vec![at + 3_000]));
    }
    assert_eq!(shifted, [Shifted::default(); 5]);
}

#[test]
fn a_capture_of_months_goes_on() {
    const DAYS: u32 = 24 * HOUR;
    let start = 5 * DAYS;
    let capture: Vec<_> = (0..6_u32)
        .map(|step| {
            let send = start.wrapping_add(step.wrapping_mul(20 * DAYS));
            packet(send, vec![object(1, send.wrapping_add(3_000))])
        })
        .collect();
    let (packets, shifted) = rebased(&capture, Rebase::WhenLate);
    for (step, packet) in (0_u32..).zip(&packets) {
        assert_eq!(times(packet).0, step.wrapping_mul(20 * DAYS));
    }
    assert!(shifted.iter().all(|shifted| !shifted.below_zero));
    // 32 bits last for 49.7 days.
    let beyond: Vec<_> = shifted.iter().map(|shifted| shifted.beyond).collect();
    assert_eq!(beyond, [false, false, false, true, true, true]);
}

#[test]
fn what_is_before_the_start_is_told() {
    let capture = [
        packet(HOUR, vec![object(1, HOUR + 3_000)]),
        packet(HOUR + 2_000, vec![object(1, HOUR + 5_000)]),
        packet(HOUR - 5, vec![object(1, HOUR + 3_000)]),
        packet(HOUR + 2_010, vec![tail(2, HOUR - 10)]),
        packet(HOUR + 2_020, vec![object(1, HOUR + 5_000)]),
    ];
    let (packets, shifted) = rebased(&capture, Rebase::WhenLate);
    let below: Vec<_> = shifted.iter().map(|shifted| shifted.below_zero).collect();
    assert_eq!(below, [false, false, true, true, false]);
    assert_eq!(times(&packets[2]).0, u32::MAX - 4);
    assert_eq!(times(&packets[3]).1, [u32::MAX - 9]);

    // Seen in time, the earlier packet is the start.
    let mut rebaser = Rebaser::new(&header(), Rebase::WhenLate);
    rebaser.observe(&capture[0]);
    rebaser.observe(&capture[2]);
    let mut first = capture[0].clone();
    assert!(!rebaser.apply(&mut first).unwrap().below_zero);
    assert_eq!(times(&first).0, 5);
}

#[test]
fn narrow_fields_are_refused_and_do_not_decide() {
    let list = TestPayload::compressed(1, 0, 700, 10, &[b"one", b"two"]);
    let narrow = |send_time, payloads| {
        let packet = TestPacket { send_time, offset_width: 2, ..TestPacket::multiple(payloads) };
        packet.build(SIZE).to_vec()
    };
    let mut capture = narrow(HOUR, vec![list.clone(), object(2, HOUR + 3_000)]);
    let before = capture.clone();
    let mut rebaser = Rebaser::new(&header(), Rebase::WhenLate);
    let refused = rebaser.apply(&mut capture);
    let what = "shifted time in a narrow offset field";
    // Error correction, flags and padding length, send time and duration, count, stream, number.
    assert_eq!(refused, Err(Error::Unsupported { what, offset: 3 + 2 + 2 + 6 + 1 + 1 + 1 }));
    assert_eq!(capture, before);
    assert_eq!(rebaser.shift(), Some(Shift::all(-i64::from(HOUR))));

    let mut near = narrow(1_000, vec![list]);
    let mut shifter = TimeShifter::new(&header());
    shifter.shift(&mut near, Shift::all(-700)).unwrap();
    assert_eq!(times(&near), (300, vec![0]));
    assert!(shifter.shift(&mut near, Shift::all(-1)).is_err());
    assert!(shifter.shift(&mut near, Shift::all(65_536)).is_err());
    shifter.shift(&mut near, Shift::all(65_535)).unwrap();
    assert_eq!(times(&near), (65_835, vec![65_535]));
}

#[test]
fn packets_that_cannot_be_read_decide_nothing() {
    let mut rebaser = Rebaser::new(&header(), Rebase::WhenLate);
    assert!(rebaser.apply(&mut [0xFF; 20]).is_err());
    assert_eq!(rebaser.shift(), None);
    // The second payload is cut: what is in front of it moves.
    let mut cut = packet(HOUR, vec![object(1, HOUR + 3_000), object(2, HOUR + 3_000)]);
    cut.truncate(13 + 1 + 2 * (17 + 6) - 1);
    let shifted = rebaser.apply(&mut cut).unwrap();
    assert!(shifted.incomplete);
    assert_eq!(Packet::parse(&cut, SIZE).unwrap().send_time(), 0);
}

fn capture() -> impl Strategy<Value = Vec<Vec<u8>>> {
    let piece = (1..3_u8, 0..6_000_u32, any::<bool>());
    prop::collection::vec((0..900_u32, prop::collection::vec(piece, 1..4)), 1..20).prop_map(
        |steps| {
            let mut sent = 0;
            let mut packets = Vec::new();
            for (step, pieces) in steps {
                let payloads = pieces.into_iter().map(|(stream, ahead, begins)| {
                    let time = sent + ahead;
                    if begins { object(stream, time) } else { tail(stream, time) }
                });
                packets.push(packet(sent, payloads.collect()));
                sent += step;
            }
            packets
        },
    )
}

proptest! {
    #[test]
    fn the_result_does_not_depend_on_when_the_capture_was_made(
        capture in capture(),
        late in any::<u32>(),
        at in any::<prop::sample::Index>(),
    ) {
        let mut shifter = TimeShifter::new(&header());
        let mut later = capture.clone();
        for packet in &mut later {
            shifter.shift(packet, Shift::all(late.into())).unwrap();
        }
        let (wanted, told) = rebased(&capture, Rebase::Always);
        prop_assert_eq!(times(&wanted[0]).0, 0);
        prop_assert_eq!(&rebased(&later, Rebase::Always), &(wanted.clone(), told));

        // Broken off and resumed with the same shift.
        let (first, rest) = later.split_at(at.index(later.len()));
        let mut rebaser = watched(&later, Rebase::Always);
        let _ = rebaser.apply(&mut later[0].clone());
        let mut resumed = Rebaser::resume(&header(), rebaser.shift().unwrap());
        for (packet, wanted) in rest.iter().zip(&wanted[first.len()..]) {
            let mut packet = packet.clone();
            resumed.apply(&mut packet).unwrap();
            prop_assert_eq!(&packet, wanted);
        }
    }
}

#[test]
fn shifts_are_taken_back() {
    let bytes = Bytes::from(packet(5, vec![object(1, 7), object(2, 0)]));
    let mut shifter = TimeShifter::new(&header());
    for by in [1, -1, -6, 0x1_0000_0000, i64::MAX, i64::MIN] {
        let mut moved = bytes.to_vec();
        shifter.shift(&mut moved, Shift::all(by)).unwrap();
        shifter.shift(&mut moved, Shift::all(by).reversed()).unwrap();
        assert_eq!(moved, bytes, "{by}");
    }
}
