//! Walks backwards over key frames.

use bytes::Bytes;
use mms_asf::testing::{self, TestPacket, TestPayload, TestStream};
use mms_asf::{Header, Packet, Rewind, Selected, Selector};
use proptest::prelude::*;

const SIZE: u32 = 200;

fn header(size: u32) -> Header {
    let streams = [TestStream::Audio(1), TestStream::Video(2), TestStream::Video(3)];
    Header::parse(&testing::header(size, 9, &streams)).unwrap()
}

/// A fragment of a video frame of 30 bytes.
fn part(key: bool, number: u32, offset: u32, len: usize) -> TestPayload {
    let stream = if key { 0x82 } else { 2 };
    TestPayload::part(stream, number, 3_000, 30, offset, &vec![7; len])
}

fn audio(number: u32) -> TestPayload {
    TestPayload::whole(1, number, 3_000, b"audio")
}

fn build(payloads: Vec<TestPayload>) -> Bytes {
    TestPacket::multiple(payloads).build(SIZE)
}

/// The numbers of the packets asked for, and what was sent of each: object number, offset, length.
type Walk = Vec<(u64, Vec<(u32, u32, usize)>)>;

fn walk(file: &[Bytes], from: u64, keys: &[u64]) -> Walk {
    let mut rewind = Rewind::new(&header(SIZE), 2, from).unwrap();
    let mut walk = Vec::new();
    while let Some(number) =
        rewind.next_packet(|before| keys.iter().rev().copied().find(|&key| key < before))
    {
        let Some(packet) = file.get(usize::try_from(number).unwrap()) else {
            rewind.skip();
            continue;
        };
        let sent = rewind.packet(packet).unwrap().into_bytes();
        let sent = sent.map_or_else(Vec::new, |packet| {
            let packet = Packet::parse(&packet, SIZE).unwrap();
            let payloads = packet.payloads().map(Result::unwrap);
            payloads.map(|p| (p.object_number, p.offset, p.data.len())).collect()
        });
        walk.push((number, sent));
    }
    walk
}

#[test]
fn key_frames_are_read_whole_and_backwards() {
    let file = [
        build(vec![audio(0), part(true, 0, 0, 30)]),
        build(vec![part(false, 1, 0, 30), audio(1)]),
        build(vec![part(true, 2, 0, 10), audio(2)]),
        build(vec![audio(3)]),
        build(vec![part(true, 2, 10, 10), audio(4), part(false, 2, 20, 10), part(false, 3, 0, 30)]),
        build(vec![part(false, 4, 0, 30)]),
    ];
    let key_two = [(2, vec![(2, 0, 10)]), (3, vec![]), (4, vec![(2, 10, 10), (2, 20, 10)])];
    let key_zero = [(0, vec![(0, 0, 30)])];
    assert_eq!(walk(&file, 6, &[0, 2]), [&key_two[..], &key_zero].concat());
    assert_eq!(walk(&file, 2, &[0, 2]), key_zero);
    assert_eq!(walk(&file, 0, &[0, 2]), []);
    assert_eq!(walk(&file, 6, &[]), []);
}

#[test]
fn wrong_indexes_do_no_harm() {
    let file = [
        build(vec![part(true, 0, 0, 30)]),
        build(vec![audio(1)]),
        build(vec![part(false, 1, 0, 30)]),
    ];
    // Packets without a key frame, and some that are not there.
    let walked = walk(&file, 20, &[0, 1, 2, 9, 15]);
    assert_eq!(walked, [(2, vec![]), (1, vec![]), (0, vec![(0, 0, 30)])]);

    let mut rewind = Rewind::new(&header(SIZE), 2, 5).unwrap();
    assert_eq!(rewind.packet(&file[0]), Ok(Selected::Nothing), "not asked for");
    assert_eq!(rewind.next_packet(|_| Some(5)), None, "not before");
    assert_eq!(rewind.next_packet(|_| Some(1)), None, "over");
    assert_eq!(rewind.packet(&file[0]), Ok(Selected::Nothing));
    assert!(Rewind::new(&header(SIZE), 7, 5).is_err());
}

#[test]
fn frames_that_never_end_are_left() {
    // The next object begins before the key frame is whole.
    let file = [
        build(vec![part(true, 0, 0, 10)]),
        build(vec![part(false, 0, 10, 10), part(false, 1, 0, 10), part(false, 0, 20, 10)]),
    ];
    assert_eq!(walk(&file, 2, &[0]), [(0, vec![(0, 0, 10)]), (1, vec![(0, 10, 10)])]);

    // Nothing more of the stream comes.
    let file = [&file[..1], &vec![build(vec![audio(0)]); 5_000]].concat();
    assert_eq!(walk(&file, 5_001, &[0]).len(), 4_096);
    // The file ends.
    assert_eq!(walk(&file[..10], 10, &[0]).len(), 10);
}

#[test]
fn the_last_of_several_key_frames_is_sent() {
    let unknown = |number| TestPayload { replicated: Vec::new(), ..part(true, number, 0, 5) };
    let file = [
        build(vec![part(true, 0, 0, 30), part(true, 1, 0, 30), part(false, 2, 0, 30)]),
        build(vec![unknown(3), unknown(4)]),
        build(vec![TestPayload { offset: 5, ..unknown(4) }, part(false, 5, 0, 30)]),
    ];
    let walked = walk(&file, 3, &[0, 1]);
    let unknown = [(1, vec![(4, 0, 5)]), (2, vec![(4, 5, 5)])];
    assert_eq!(walked, [&unknown[..], &[(0, vec![(1, 0, 30)])]].concat());
}

#[test]
fn packets_that_cannot_be_read_are_passed() {
    let file = [
        build(vec![part(true, 0, 0, 30)]),
        build(vec![part(true, 1, 0, 10)]),
        build(vec![part(true, 1, 10, 20)]),
    ];
    let mut rewind = Rewind::new(&header(SIZE), 2, 3).unwrap();
    let key = |before: u64| before.min(2).checked_sub(1);
    assert_eq!(rewind.next_packet(key), Some(1));
    assert_eq!(rewind.next_packet(key), Some(1), "until it is there");
    assert_eq!(rewind.packet(&file[1]), Ok(Selected::Unchanged(file[1].clone())));
    assert_eq!(rewind.next_packet(key), Some(2));
    assert!(rewind.packet(&file[2].slice(..20)).is_err());
    assert_eq!(rewind.next_packet(key), Some(0));
    assert_eq!(rewind.packet(&file[0]), Ok(Selected::Unchanged(file[0].clone())));
    assert_eq!(rewind.next_packet(key), None);
}

proptest! {
    /// Both are fed packets of all forms, some of them damaged.
    #[test]
    fn whatever_comes_is_selected_from(
        form in crate::forms::form(20),
        edits in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..3),
        seek in any::<bool>(),
    ) {
        let mut bytes = form.build().to_vec();
        for (at, value) in edits {
            let at = at.index(bytes.len());
            bytes[at] = value;
        }
        let bytes = Bytes::from(bytes);
        let header = header(form.size);
        let mut selector = Selector::new(&header);
        if seek {
            selector.seek();
        }
        let mut rewind = Rewind::new(&header, 2, 9).unwrap();
        prop_assert_eq!(rewind.next_packet(|_| Some(5)), Some(5));
        for (selected, streams) in
            [(selector.packet(&bytes), &[1, 2, 3][..]), (rewind.packet(&bytes), &[2])]
        {
            let Ok(selected) = selected else { continue };
            let Some(sent) = selected.into_bytes() else { continue };
            prop_assert_eq!(sent.len(), bytes.len());
            let view = Packet::parse(&sent, form.size).unwrap();
            for payload in view.payloads() {
                prop_assert!(streams.contains(&payload.unwrap().stream));
            }
        }
        prop_assert!(matches!(rewind.next_packet(|_| None), None | Some(6)));
    }
}
