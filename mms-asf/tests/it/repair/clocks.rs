//! Send times and presentation times that do not count from the same start.

use std::time::Duration;

use mms_asf::testing::{TestPacket, TestPayload, header, header_with};
use mms_asf::{Change, Deviation, IndexObject, Packet, Rebase, RepairOptions, Shift};

use crate::repair::harness::{SIZE, VIDEO, try_repair, whole};

/// A packet every tenth of a second, with a key frame every second.
fn packets(sent: u32, shown: u32) -> Vec<u8> {
    let packet = |number: u32| {
        let stream = if number % 10 == 0 { 0x81 } else { 1 };
        let time = shown.wrapping_add(number * 100);
        let picture = TestPayload::whole(stream, number, time, b"a picture");
        let send_time = sent.wrapping_add(number * 100);
        TestPacket { send_time, ..TestPacket::single(picture) }.build(SIZE)
    };
    (0..50).flat_map(packet).collect()
}

#[test]
fn send_times_weeks_after_presentation_times_move_alone() {
    // The clock of the machine: 1,000 hours, as asfmux has it, and less and more than 24.8 days.
    for sent in [3_600_000_000_u32, 0x8000_0000, 0x7FFF_FF00, 0xF000_0000, 36_000_000, 6_000] {
        for shown in [3_000, 3_040, 2_900] {
            let header = header(SIZE, 50, &VIDEO);
            let (found, repaired) = whole(&[&header[..], &packets(sent, shown)].concat());
            let by = Shift { send: -i64::from(sent), presentation: 0 };
            assert!(repaired.changes.contains(&Change::Rebased(by)), "{sent}: {repaired:?}");
            let end = Duration::from_millis(u64::from(shown) + 5_000);
            assert_eq!(found.header.file().play_duration, end);
            assert_eq!(found.header.file().send_duration, Duration::from_millis(4_900));
            assert_eq!(repaired.media_duration, Duration::from_secs(5));
            let IndexObject::Simple(index) = IndexObject::parse(&found.objects[0].1).unwrap()
            else {
                panic!("{:?}", found.objects)
            };
            assert_eq!(index.len() as u128, end.as_millis().div_ceil(1_000));
            let packet = Packet::parse(&found.packets[1], SIZE).unwrap();
            let payload = packet.payloads().next().unwrap().unwrap();
            assert_eq!((packet.send_time(), payload.presentation_time), (100, shown + 100));
        }
    }
}

#[test]
fn both_times_move_when_both_are_late() {
    let header = header_with(SIZE, 0, 1, &VIDEO, &[]);
    let (found, _) = whole(&[&header[..], &packets(3_600_000_000, 605_000)].concat());
    assert_eq!(found.header.file().play_duration, Duration::from_secs(8));
    let packet = Packet::parse(&found.packets[0], SIZE).unwrap();
    let payload = packet.payloads().next().unwrap().unwrap();
    assert_eq!((packet.send_time(), payload.presentation_time), (0, 3_000));
}

#[test]
fn distances_are_told_as_they_are() {
    for (sent, shown, told) in [
        (58_u32.wrapping_neg(), 2_942, "moved all times by +0.058 s"),
        (6_000, 3_000, "moved send times by -6.000 s"),
        (60_000, 63_000, "moved all times by -60.000 s"),
        (
            3_600_000_000,
            605_000,
            "moved send times by -3600000.000 s and presentation times by -602.000 s",
        ),
    ] {
        let header = header(SIZE, 50, &VIDEO);
        let (_, repaired) = whole(&[&header[..], &packets(sent, shown)].concat());
        let changes: Vec<_> = repaired.changes.iter().map(ToString::to_string).collect();
        assert!(changes.iter().any(|change| change == told), "{told}: {changes:?}");
    }
}

#[test]
fn times_before_zero_make_no_weeks_where_they_stay() {
    let header = header(SIZE, 0, &VIDEO);
    let input = [&header[..], &packets(58_u32.wrapping_neg(), 2_942)].concat();
    let mut options = RepairOptions::default();
    options.rebase = Rebase::None;
    let (_, repaired) = try_repair(&input, &options).unwrap();
    assert_eq!(repaired.media_duration, Duration::from_secs(5));
    assert!(repaired.file_size < 20_000);
}

/// [`packets`] after a header that declares this preroll.
fn with_preroll(preroll: u64, sent: u32, shown: u32) -> Vec<u8> {
    let mut header = header(SIZE, 50, &VIDEO).to_vec();
    // File Properties is the first child.
    header[30 + 80..][..8].copy_from_slice(&preroll.to_le_bytes());
    [header, packets(sent, shown)].concat()
}

#[test]
fn a_preroll_that_cannot_be_true_becomes_the_start_of_the_media() {
    for (preroll, sent, shown, mended) in [
        // In units of 100 ns, at the beginning of a stream and in its middle.
        (30_000_000, 0, 3_000, 3_000),
        (30_000_000, 400_000, 403_000, 3_000),
        (u64::MAX, 0, 3_000, 3_000),
        // Media two seconds before it, and seven seconds after it.
        (3_000, 0, 1_000, 1_000),
        (3_000, 0, 10_000, 10_000),
        (0, 0, 5_001, 5_001),
    ] {
        let (found, repaired) = whole(&with_preroll(preroll, sent, shown));
        let declared = Duration::from_millis(preroll);
        let start = Duration::from_millis(mended);
        let change = Change::Header(Deviation::Preroll { declared, start });
        assert!(repaired.changes.contains(&change), "{preroll}: {repaired:?}");
        let file = found.header.file();
        assert_eq!(file.preroll, start);
        assert_eq!(file.media_duration(), Duration::from_secs(5));
        let packet = Packet::parse(&found.packets[0], SIZE).unwrap();
        let payload = packet.payloads().next().unwrap().unwrap();
        assert_eq!(u64::from(payload.presentation_time), mended);
    }
    let (_, repaired) = whole(&with_preroll(30_000_000, 0, 3_000));
    let told = "mended the header: media starts at 3.000 s, the preroll is 30000.000 s";
    assert_eq!(repaired.changes[0].to_string(), told, "{repaired:?}");
}

#[test]
fn a_preroll_near_the_start_of_the_media_stays() {
    for (preroll, shown) in [(3_000, 3_000), (3_000, 2_000), (3_000, 8_000), (0, 3_000)] {
        let (found, _) = whole(&with_preroll(preroll, 0, shown));
        assert_eq!(found.header.file().preroll, Duration::from_millis(preroll));
    }
    // One damaged time tells nothing.
    let mut input = with_preroll(9_000, 0, 9_000);
    let len = input.len();
    let at = len - 50 * SIZE as usize;
    let first = Packet::parse(&input[at..][..SIZE as usize], SIZE).unwrap();
    let time = first.payloads().next().unwrap().unwrap().data_offset - 4;
    input[at + time..][..4].copy_from_slice(&[0; 4]);
    let (found, _) = whole(&input);
    assert_eq!(found.header.file().preroll, Duration::from_secs(9));
}
