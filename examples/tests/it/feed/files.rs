//! Live content from files, on one timeline in real time.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::support::fed::{Fed, headers, packets};
use crate::support::scratch::Scratch;
use bytes::Bytes;
use mms_asf::testing::{self, TestPacket, TestPayload, TestStream};
use mms_asf::{Header, Packet};
use mms_examples::serve::feed::{Feed, FeedItem, FeedSource};

const SIZE: u32 = 200;

/// A packet that is sent at `time` and shown three seconds later.
fn packet(number: u32, time: u32) -> Bytes {
    let payload = TestPayload::whole(1, number, time + 3_000, b"media");
    TestPacket { send_time: time, ..TestPacket::single(payload) }.build(SIZE)
}

/// A file of packets that are sent at these times.
fn file(path: PathBuf, times: &[u32]) -> PathBuf {
    let mut bytes = testing::header(SIZE, times.len() as u64, &[TestStream::Audio(1)]).to_vec();
    for (number, &time) in (0..).zip(times) {
        bytes.extend(packet(number, time));
    }
    std::fs::write(&path, bytes).unwrap();
    path
}

fn files(paths: &[&Path], repeat: bool) -> FeedSource {
    FeedSource::Files { paths: paths.iter().map(|path| path.to_path_buf()).collect(), repeat }
}

fn times(packet: &Bytes) -> (u32, u32) {
    let packet = Packet::parse(packet, SIZE).unwrap();
    (packet.send_time(), packet.payloads().next().unwrap().unwrap().presentation_time)
}

#[test]
fn a_file_is_played_once_in_real_time() {
    let scratch = Scratch::new("feed-once");
    let path = file(scratch.join("a.wma"), &[0, 20, 40, 300]);
    let begun = Instant::now();
    let items = Fed::start(files(&[&path], false)).all();
    assert!(begun.elapsed() >= Duration::from_millis(300));
    let wanted: Vec<_> = (0..).zip([0, 20, 40, 300]).map(|(n, time)| packet(n, time)).collect();
    assert_eq!(packets(&items), wanted);
    let [header] = &headers(&items)[..] else { panic!("{items:?}") };
    assert!(Header::parse(header).unwrap().file().broadcast());
    assert!(matches!(items[..], [FeedItem::Header(_), .., FeedItem::End]));
}

#[test]
fn a_repeated_file_has_one_header_and_rising_times() {
    let scratch = Scratch::new("feed-repeat");
    let path = file(scratch.join("a.wma"), &[50, 70, 90, 110, 130]);
    let fed = Fed::start(files(&[&path], true));
    let mut items = Vec::new();
    while items.len() < 33 {
        items.push(fed.next());
    }
    fed.stop();
    let packets = packets(&items);
    assert_eq!((headers(&items).len(), packets.len()), (1, 32));
    for (number, packet) in (0_u32..).zip(&packets) {
        assert_eq!(times(packet), (50 + 20 * number, 3_050 + 20 * number));
        assert_eq!(packet.len(), SIZE as usize);
    }
}

#[test]
fn each_of_several_files_has_its_header() {
    let scratch = Scratch::new("feed-several");
    let one = file(scratch.join("1.wma"), &[0, 20]);
    let two = file(scratch.join("2.wma"), &[7, 8]);
    let bad = scratch.join("bad.wma");
    std::fs::write(&bad, b"no file").unwrap();
    let fed = Fed::start(files(&[&one, &bad, &two], true));
    for _ in 0..2 {
        for (begins, noted) in [([0, 20], true), ([7, 8], false)] {
            assert!(matches!(fed.next(), FeedItem::Header(_)));
            for (number, time) in (0..).zip(begins) {
                assert_eq!(fed.next(), FeedItem::Packet(packet(number, time)));
            }
            if noted {
                assert!(matches!(fed.next(), FeedItem::Note(note) if note.contains("bad.wma")));
            }
        }
    }
    fed.stop();
}

#[test]
fn what_cannot_be_played_fails() {
    let scratch = Scratch::new("feed-bad");
    let start = |paths: &[&Path]| Feed::start(files(paths, true), || {});
    assert!(start(&[]).is_err());
    assert!(start(&[&scratch.join("missing")]).is_err());
    let empty = file(scratch.join("empty.wma"), &[]);
    let hole = scratch.join("hole.wma");
    let mut bytes = testing::header(SIZE, 3, &[TestStream::Audio(1)]).to_vec();
    bytes.extend([0x92; 600]);
    std::fs::write(&hole, bytes).unwrap();
    for paths in [&[&*empty][..], &[&empty, &empty], &[&hole], &[&hole, &empty]] {
        for repeat in [false, true] {
            let items = Fed::start(files(paths, repeat)).all();
            assert!(matches!(items.last(), Some(FeedItem::Failed(_))), "{items:?}");
            assert!(packets(&items).is_empty());
        }
    }
}

#[test]
fn packets_that_cannot_be_read_are_left_out() {
    let scratch = Scratch::new("feed-hole");
    let path = scratch.join("hole.wma");
    let mut bytes = testing::header(SIZE, 3, &[TestStream::Audio(1)]).to_vec();
    bytes.extend(packet(0, 0));
    bytes.extend([0x92; 200]);
    bytes.extend(packet(2, 20));
    std::fs::write(&path, bytes).unwrap();
    let items = Fed::start(files(&[&path], false)).all();
    assert_eq!(packets(&items), [packet(0, 0), packet(2, 20)]);
    let note = |item: &FeedItem| matches!(item, FeedItem::Note(_));
    assert!(items.iter().any(note));

    // Once, not in each round.
    let fed = Fed::start(files(&[&path], true));
    let items: Vec<_> = (0..8).map(|_| fed.next()).collect();
    fed.stop();
    assert_eq!((packets(&items).len(), items.iter().filter(|item| note(item)).count()), (6, 1));
}

#[test]
fn stopping_does_not_wait_for_the_next_packet() {
    let scratch = Scratch::new("feed-stop");
    let path = file(scratch.join("a.wma"), &[0, 50_000]);
    let begun = Instant::now();
    let fed = Fed::start(files(&[&path], true));
    assert!(matches!(fed.next(), FeedItem::Header(_)));
    assert!(matches!(fed.next(), FeedItem::Packet(_)));
    fed.stop();
    assert!(begun.elapsed() < Duration::from_secs(40));
}
