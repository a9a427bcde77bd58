//! Media packets: which are delivered, and how.

use mms_proto::mmsp::MmspDeviation;
use mms_proto::mmsp::message::FileAttributes;
use mms_proto::mmsp::message::OpenedFile;
use mms_proto::{AsfPacket, ClientEvent, Deviation, HResult, Machine as _};

use super::harness::*;

fn packet_events(script: &mut Script) -> Vec<AsfPacket> {
    let packet = |event| match event {
        ClientEvent::Packet(packet) => packet,
        other => panic!("{other:?}"),
    };
    script.events().into_iter().map(packet).collect()
}

#[test]
fn packets_are_delivered_with_their_number() {
    // MMSP-C-071, MMSP-C-110
    let mut script = Script::streaming();
    // Over TCP the sequence means nothing: gaps, zeros, the jump after 0xFE.
    for (number, flags) in [(0, 0), (1, 0xFE), (5, 0), (6, 0), (7, 77)] {
        script.feed(&data(number, PLAY, flags, &[7; 10]));
    }
    let delivered: Vec<(u32, Option<u32>, usize)> = packet_events(&mut script)
        .into_iter()
        .map(|packet| (packet.location_id, packet.sequence, packet.payload.len()))
        .collect();
    assert_eq!(delivered, [0, 1, 5, 6, 7].map(|number| (number, None, 10)));
    let stats = script.machine.stats();
    assert_eq!((stats.packets, stats.bytes, stats.deviations), (5, 50, 0));
}

#[test]
fn the_label_of_the_first_packet_is_adopted() {
    // MMSP-C-074; T51
    let mut script = Script::streaming();
    for number in 0..3 {
        script.media(number, 4);
    }
    let (asked, used) = (PLAY, 4);
    let events = script.events();
    let adopted =
        ClientEvent::Deviation(Deviation::Mmsp(MmspDeviation::AdoptedIncarnation { asked, used }));
    assert_eq!(events[..1], [adopted]);
    assert_eq!(packets(&events), [0, 1, 2]);
    assert_eq!(events.len(), 4);
    script.media(3, PLAY);
    let (expected, found) = (4, PLAY);
    let stale = ClientEvent::Deviation(Deviation::Mmsp(MmspDeviation::StaleIncarnation {
        expected,
        found,
    }));
    assert_eq!(script.events(), [stale]);
    // The next play command looks anew.
    script.stop();
    script.say(ended(HResult::OK, PLAY));
    script.play(all());
    script.say(started(PLAY + 1));
    script.events();
    script.media(0, PLAY + 1);
    assert_eq!(packets(&script.events()), [0]);
}

#[test]
fn what_follows_the_last_packet_is_dropped() {
    // T50
    let mut script = Script::streaming();
    script.media(19, PLAY);
    script.media(20, PLAY);
    let events = script.events();
    let (location_id, count) = (20, 20);
    let past = ClientEvent::Deviation(Deviation::PastTheEnd { location_id, count });
    assert_eq!((packets(&events), events.last()), (vec![19], Some(&past)));
    // Not where the count is unknown, and not in a live stream, whose numbers are virtual.
    let live = OpenedFile { attributes: FileAttributes::LIVE, ..file() };
    let unknown = |packet_count| OpenedFile { packet_count, ..file() };
    for file in [live, unknown(0), unknown(0xFFFF_FFFF), unknown(u64::MAX)] {
        let mut script = Script::ready_with("9.1", file);
        script.play(all());
        script.say(started(PLAY));
        script.events();
        script.media(5000, PLAY);
        assert_eq!(packets(&script.events()), [5000]);
    }
}

#[test]
fn packets_of_odd_sizes() {
    // MMSP-C-072, MMSP-C-073: what they mean to a file is decided in mms-asf
    let mut script = Script::streaming();
    script.feed(&data(0, PLAY, 0, &[]));
    let empty = ClientEvent::Deviation(Deviation::EmptyData);
    assert_eq!(script.events(), [empty]);
    script.feed(&data(0, PLAY, 0, &[1; 100]));
    script.feed(&data(1, PLAY, 0, &[1; 101]));
    let events = script.events();
    let (announced, found) = (100, 101);
    let odd = Deviation::PacketAboveAnnouncedSize { announced, found };
    assert_eq!(packets(&events), [0, 1]);
    assert_eq!(events[1], ClientEvent::Deviation(odd));
}
