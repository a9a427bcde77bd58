//! Captures of live streams.

use std::time::Duration;

use mms_asf::testing::{self, TestPacket, TestPayload, header_with, object};
use mms_asf::{Change, Packet, Rebase, RepairOptions, Shift};

use crate::repair::harness::{SIZE, VIDEO, checked, file, packets, short, try_repair, whole};

#[test]
fn a_capture_from_the_middle_starts_at_zero() {
    for (numbers, changes) in [
        (
            0..9,
            vec![
                "Broadcast",
                "PacketCount",
                "PlayDuration",
                "SendDuration",
                "FileSize",
                "IndexMade",
                "Seekable",
            ],
        ),
        (
            400..409,
            vec![
                "Broadcast",
                "PacketCount",
                "PlayDuration",
                "SendDuration",
                "FileSize",
                "Rebased",
                "IndexMade",
                "Seekable",
            ],
        ),
    ] {
        let header = header_with(SIZE, 0, 1, &VIDEO, &[]);
        let (found, repaired) = whole(&[&header[..], &packets(numbers.clone())].concat());
        assert_eq!(short(&repaired.changes), changes);
        let file = found.header.file();
        assert_eq!(repaired.media_duration, Duration::from_secs(9));
        assert_eq!(file.play_duration, Duration::from_secs(12));
        assert_eq!(file.send_duration, Duration::from_secs(9));
        let first = Packet::parse(&found.packets[0], SIZE).unwrap();
        assert_eq!(first.send_time(), 0);
        assert_eq!(first.payloads().next().unwrap().unwrap().presentation_time, 3_000);
        assert_eq!(found.media(1).len(), 9 * 140);
    }
}

#[test]
fn a_capture_in_which_times_wrap_goes_on() {
    for first in [u32::MAX - 4_500, u32::MAX - 2_000, u32::MAX, 0x7FFF_F000] {
        let packets = (0..9).flat_map(|number: u32| {
            let time = first.wrapping_add(number * 1_000);
            let stream = if number % 4 == 0 { 0x81 } else { 1 };
            let picture = TestPayload::whole(stream, number, time.wrapping_add(3_000), b"picture");
            TestPacket { send_time: time, duration: 1_000, ..TestPacket::single(picture) }
                .build(SIZE)
        });
        let header = header_with(SIZE, 0, 1, &VIDEO, &[]);
        let (found, repaired) = whole(&header.iter().copied().chain(packets).collect::<Vec<_>>());
        let file = found.header.file();
        assert_eq!(repaired.media_duration, Duration::from_secs(9), "{first:x}");
        assert_eq!(file.play_duration, Duration::from_secs(12), "{first:x}");
        assert_eq!(file.send_duration, Duration::from_secs(9), "{first:x}");
        let index = mms_asf::IndexObject::parse(&found.objects[0].1).unwrap();
        let mms_asf::IndexObject::Simple(index) = index else { panic!("{index:?}") };
        let targets: Vec<_> = index.entries().map(|entry| entry.packet).collect();
        assert_eq!(targets, [0, 0, 0, 0, 0, 0, 0, 4, 4, 4, 4, 8], "{first:x}");
    }
}

#[test]
fn a_capture_whose_clock_starts_anew_has_one_line_of_time() {
    let header = header_with(SIZE, 0, 1, &VIDEO, &[]);
    for (first, restarts) in [(400, 1), (0, 0)] {
        let input = [&header[..], &packets(first..first + 9), &packets(20..24)].concat();
        let (found, repaired) = whole(&input);
        let changed = short(&repaired.changes);
        assert_eq!(changed.iter().filter(|change| *change == "Restarted").count(), restarts);
        let times: Vec<_> = found
            .packets
            .iter()
            .map(|packet| Packet::parse(packet, SIZE).unwrap().send_time() / 1_000)
            .collect();
        // Eleven seconds of pause are not a restart.
        let rest = if restarts == 0 { 20..24 } else { 9..13 };
        assert_eq!(times, (0..9).chain(rest.clone()).collect::<Vec<_>>());
        assert_eq!(repaired.media_duration, Duration::from_secs(rest.end.into()));
        assert_eq!(found.media(1).len(), 13 * 140);
    }
    let offset = header.len() as u64 + 9 * u64::from(SIZE);
    let input = [&header[..], &packets(400..409), &packets(0..4)].concat();
    let (_, repaired) = whole(&input);
    let told: Vec<_> = repaired.changes.iter().map(ToString::to_string).collect();
    let wanted = format!(
        "moved the packets from byte {offset} on by +409.000 s: their clock started anew, \
         -408.000 s from those before"
    );
    assert!(told.contains(&wanted), "{told:?}");
}

#[test]
fn packets_of_a_restart_stay_when_no_time_shall_move() {
    let header = header_with(SIZE, 0, 1, &VIDEO, &[]);
    let packets = [packets(400..409), packets(0..4)].concat();
    let mut options = RepairOptions::default();
    options.rebase = Rebase::None;
    let (out, _) = try_repair(&[&header[..], &packets].concat(), &options).unwrap();
    assert!(out[header.len()..].starts_with(&packets));
}

#[test]
fn times_stay_where_they_shall() {
    let header = testing::live_header(SIZE, &VIDEO);
    let input = [&header[..], &packets(400..409)].concat();
    let mut options = RepairOptions::default();
    options.rebase = Rebase::None;
    let (out, repaired) = try_repair(&input, &options).unwrap();
    assert_eq!(out[header.len()..][..9 * 200], input[header.len()..]);
    assert_eq!(repaired.media_duration, Duration::from_secs(9));
    options.rebase = Rebase::WhenLate;
    let (_, repaired) = try_repair(&input, &options).unwrap();
    assert!(repaired.changes.contains(&Change::Rebased(Shift::all(-400_000))));
}

#[test]
fn an_index_does_not_outlive_the_times_it_was_made_for() {
    let input = [&testing::live_header(SIZE, &VIDEO)[..], &packets(400..409)].concat();
    let mut options = RepairOptions::default();
    options.rebase = Rebase::None;
    let (late, _) = try_repair(&input, &options).unwrap();
    let (rebased, repaired) = try_repair(&late, &RepairOptions::default()).unwrap();
    assert!(rebased == try_repair(&input, &RepairOptions::default()).unwrap().0);
    assert!(short(&repaired.changes).contains(&"ObjectLeftOut".to_owned()));
}

#[test]
fn times_that_cannot_be_moved_stay_all() {
    // Compressed payloads whose presentation time has 16 bits.
    let packet = |number: u32| {
        let time = number * 1_000;
        let payload = TestPayload::compressed(0x81, number, time, 10, &[b"small", b"ones"]);
        let packet = TestPacket { offset_width: 2, ..TestPacket::single(payload) };
        TestPacket { send_time: time, duration: 1_000, ..packet }.build(SIZE)
    };
    let some = |numbers: std::ops::Range<u32>| numbers.flat_map(packet).collect::<Vec<_>>();
    let header = testing::live_header(SIZE, &VIDEO);
    // One that cannot be moved is enough.
    for packets in [some(70..79), [packets(70..71), some(71..72), packets(72..79)].concat()] {
        let input = [&header[..], &packets].concat();
        let (found, repaired) = whole(&input);
        assert!(found.packets.concat() == packets);
        assert!(!short(&repaired.changes).contains(&"Rebased".to_owned()));
    }
}

#[test]
fn an_index_appended_to_a_broadcast_file() {
    let good = file(9);
    let header = testing::live_header(SIZE, &VIDEO);
    let index = &good[header.len() + 9 * 200..];
    let input = [&header[..], &packets(0..9), index].concat();
    let (found, out, repaired) = checked(&input).unwrap();
    assert!(out.ends_with(index));
    assert_eq!(found.objects.len(), 1);
    assert!(short(&repaired.changes).contains(&"Broadcast".to_owned()));
    assert!(!short(&repaired.changes).contains(&"IndexMade".to_owned()));
}

#[test]
fn what_a_header_declares_and_the_file_has_not_becomes_padding() {
    let body = [&1_u32.to_le_bytes()[..], &0_u16.to_le_bytes(), &[0; 8]].concat();
    let signature = object(mms_asf::guid::DIGITAL_SIGNATURE, &body);
    let timecodes = object(mms_asf::guid::TIMECODE_INDEX_PARAMETERS, &[0; 6]);
    let header = header_with(SIZE, 0, 1, &VIDEO, &[signature, timecodes]);
    let (found, repaired) = whole(&[&header[..], &packets(0..9)].concat());
    assert_eq!(found.header.len(), header.len());
    let blanked = short(&repaired.changes).iter().filter(|change| *change == "Blanked").count();
    assert_eq!(blanked, 2, "{:?}", repaired.changes);
}
