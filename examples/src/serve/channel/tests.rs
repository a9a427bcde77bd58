use bytes::BytesMut;
use mms_asf::testing::{self, TestPacket, TestPayload, TestStream};
use mms_asf::{Restored, Restorer, StreamSet};
use mms_proto::{StreamNumber, StreamSelection};

use super::*;

const SIZE: u32 = 200;
const STREAMS: [TestStream; 3] = [TestStream::Audio(1), TestStream::Video(2), TestStream::Video(3)];

fn number(stream: u8) -> StreamNumber {
    StreamNumber::new(stream).unwrap()
}

fn all() -> PlayRequest {
    PlayRequest::all([1, 2, 3].map(number))
}

/// One payload for each stream; bit 7 is the key frame flag. Objects are numbered as the packet.
fn packet(at: u32, streams: &[u8]) -> Bytes {
    let payloads =
        streams.iter().map(|&stream| TestPayload::whole(stream, at, at * 100 + 3_000, b"media"));
    let packet = TestPacket::multiple(payloads.collect());
    TestPacket { send_time: at * 100, padding_width: 1, ..packet }.build(SIZE)
}

fn channel(streams: &[TestStream]) -> Channel {
    let mut channel = Channel::new();
    let header = FeedItem::Header(testing::live_header(SIZE, streams));
    assert!(matches!(channel.take(header), Change::Header));
    channel
}

fn sent(channel: &mut Channel, bytes: Bytes) -> LivePacket {
    let mut cursor = channel.tail.cursor();
    let change = channel.take(FeedItem::Packet(bytes));
    assert!(matches!(change, Change::Packet(_)), "{change:?}");
    match cursor.take() {
        Some(Item::Packet(packet)) => packet.clone(),
        other => panic!("{other:?}"),
    }
}

/// The packets from a position on.
fn rest(mut cursor: Cursor) -> Vec<LivePacket> {
    let mut packets = Vec::new();
    while let Some(item) = cursor.take() {
        if let Item::Packet(packet) = item {
            packets.push(packet.clone());
        }
    }
    packets
}

/// A player of these streams, and the packets that it begins with.
fn tune_in(channel: &Channel, request: &PlayRequest) -> (Listener, Vec<LivePacket>) {
    let (listener, cursor) = channel.tune_in(request, false);
    (listener, rest(cursor))
}

fn numbers(packets: &[LivePacket]) -> Vec<u32> {
    packets.iter().map(|packet| packet.number).collect()
}

/// The streams of a packet.
fn streams(packet: &Bytes) -> Vec<u8> {
    let packet = Packet::parse(packet, SIZE).unwrap();
    packet.payloads().map(|payload| payload.unwrap().stream).collect()
}

#[test]
fn live_content_has_no_count_and_no_duration() {
    let channel = channel(&STREAMS);
    let content = channel.content().unwrap();
    assert_eq!((content.packet_count(), content.duration()), (None, None));
    // MMSP-S-028: players before version 9 are told the first alone, by the session.
    assert_eq!(content.features(), Features::BROADCAST | Features::LIVE);
    assert_eq!((content.packet_size(), content.bit_rate()), (Some(SIZE), SIZE * 8));
    assert_eq!(content.header(), &testing::live_header(SIZE, &STREAMS));
}

#[test]
fn numbers_go_on_over_headers() {
    // MMSP-S-051
    let mut channel = channel(&STREAMS);
    for at in 0..3 {
        assert_eq!(sent(&mut channel, packet(at, &[1])).number, at);
    }
    let header = testing::live_header(SIZE, &[TestStream::Audio(1)]);
    assert!(matches!(channel.take(FeedItem::Header(header)), Change::Header));
    let next = sent(&mut channel, packet(0, &[1]));
    assert_eq!((next.number, next.time, next.key_frame), (3, Duration::ZERO, true));
}

#[test]
fn what_cannot_be_announced_is_the_end() {
    let mut channel = channel(&STREAMS);
    let ended = channel.take(FeedItem::Header(Bytes::from_static(b"no header")));
    assert!(matches!(ended, Change::Ended(Some(_))), "{ended:?}");
    assert!(channel.content().is_none());
    assert!(matches!(channel.take(FeedItem::Packet(packet(0, &[1]))), Change::Nothing));
    let (mut listener, backlog) = tune_in(&channel, &all());
    assert!(backlog.is_empty());
    listener.dropped();
    listener.select(&all().streams);
    assert!(matches!(channel.take(FeedItem::End), Change::Ended(None)));
    let failed = channel.take(FeedItem::Failed("why".to_owned()));
    assert!(matches!(failed, Change::Ended(Some(why)) if why == "why"));
    assert!(matches!(channel.take(FeedItem::Note("note".to_owned())), Change::Nothing));
}

#[test]
fn packets_that_do_not_fit_are_left_out() {
    let mut channel = channel(&STREAMS);
    for bytes in [Bytes::new(), Bytes::from(vec![0x82; 201])] {
        assert!(matches!(channel.take(FeedItem::Packet(bytes)), Change::Nothing));
    }
    assert_eq!(sent(&mut channel, packet(0, &[1])).number, 0);
}

#[test]
fn a_key_frame_has_to_begin_and_to_be_of_video() {
    let mut channel = channel(&STREAMS);
    let fragment = TestPayload::part(0x82, 0, 3_000, 50, 20, b"the rest");
    let fragment = TestPacket::single(fragment).build(SIZE);
    assert!(!sent(&mut channel, fragment).key_frame);
    assert!(!sent(&mut channel, packet(1, &[0x81, 2])).key_frame);
    assert!(sent(&mut channel, packet(2, &[1, 0x83])).key_frame);
    assert!(!sent(&mut channel, Bytes::from(vec![0x92; 200])).key_frame);
}

#[test]
fn sound_does_not_wait_for_video_that_does_not_come() {
    let mut channel = channel(&STREAMS);
    // In tenths of a second. The clock starts anew, and the time since the start goes on.
    for (at, key_frame) in [(1_000, false), (1_300, false), (1_301, true), (5, true)] {
        assert_eq!(sent(&mut channel, packet(at, &[1])).key_frame, key_frame, "{at}");
    }
    assert!(sent(&mut channel, packet(9, &[0x82])).key_frame);
    assert!(!sent(&mut channel, packet(309, &[1])).key_frame);
    assert!(sent(&mut channel, packet(310, &[1])).key_frame);
}

#[test]
fn a_player_begins_with_the_latest_key_frame_of_its_streams() {
    let mut channel = channel(&STREAMS);
    for at in 0..20 {
        let video = [if at % 5 == 0 { 0x82 } else { 2 }, if at % 7 == 0 { 0x83 } else { 3 }];
        sent(&mut channel, packet(at, &[1, video[0], video[1]]));
    }
    let joined = |streams: &[u8]| {
        let request = PlayRequest::all(streams.iter().copied().map(number));
        let (mut listener, backlog) = tune_in(&channel, &request);
        let first = listener.packet(&backlog[0]).unwrap();
        (numbers(&backlog), self::streams(&first))
    };
    assert_eq!(joined(&[1, 2]), ((15..20).collect(), vec![1, 2]));
    // The other video stream is begun at its own key frame.
    assert_eq!(joined(&[1, 2, 3]), ((14..20).collect(), vec![1, 3]));
    assert_eq!(joined(&[3]), ((14..20).collect(), vec![3]));
    // Nothing has to be waited for: the cushion, as far as it is there.
    assert_eq!(joined(&[1]), ((14..20).collect(), vec![1]));
}

#[test]
fn without_video_the_last_seconds_are_kept() {
    let mut channel = channel(&[TestStream::Audio(1)]);
    for at in 0..100 {
        assert!(sent(&mut channel, packet(at, &[1])).key_frame);
    }
    let (_, backlog) = tune_in(&channel, &all());
    assert_eq!(numbers(&backlog), (69..100).collect::<Vec<_>>());
    // The clock starts anew, and the stream goes on.
    sent(&mut channel, packet(2, &[1]));
    let (_, backlog) = tune_in(&channel, &all());
    assert_eq!(numbers(&backlog), (70..101).collect::<Vec<_>>());
}

#[test]
fn a_clock_that_starts_anew_goes_on_where_it_was() {
    let mut channel = channel(&STREAMS[..1]);
    let times = |packet: &LivePacket| {
        let parsed = Packet::parse(&packet.body, SIZE).unwrap();
        let shown = parsed.payloads().next().unwrap().unwrap().presentation_time;
        (packet.time, parsed.send_time(), shown)
    };
    for (number, at) in (0_u32..).zip([1_000, 1_001, 1_002, 0, 1, 2, 50_000, 50_001, 3]) {
        let before = packet(at, &[1]);
        let live = sent(&mut channel, before.clone());
        let time = if number < 6 { 100_000 + number * 100 } else { times(&live).1 };
        assert_eq!(times(&live), (Duration::from_millis(time.into()), time, time + 3_000), "{at}");
        assert_eq!(live.body == before, number < 3, "{at}");
    }
    let restarts = channel.current.as_ref().unwrap().continuity.restarts();
    assert_eq!(restarts, 2, "a pause of hours is one");
}

#[test]
fn the_backlog_is_bounded() {
    let mut channel = channel(&STREAMS);
    // All at one time, and never a key frame.
    for _ in 0..BACKLOG_PACKETS + 10 {
        sent(&mut channel, packet(0, &[2]));
    }
    let (mut listener, backlog) = tune_in(&channel, &all());
    assert_eq!(backlog.len(), BACKLOG_PACKETS);
    assert_eq!(listener.packet(&backlog[0]), None);
    // One key frame, long ago.
    for at in 0..1_000 {
        sent(&mut channel, packet(at, &[if at == 0 { 0x82 } else { 2 }]));
    }
    let packets = u32::try_from(BACKLOG_TIME.as_millis() / 100).unwrap();
    let (_, backlog) = tune_in(&channel, &all());
    let oldest = backlog[0].time;
    let cushion = u32::try_from(CUSHION.as_millis() / 100).unwrap();
    assert_eq!(oldest, Duration::from_millis(u64::from(999 - cushion) * 100));
    let cushion =
        channel.current.as_ref().unwrap().backlog.since_key_frame(StreamSet::EMPTY).unwrap();
    let kept = rest(cushion).len();
    assert!(kept <= packets as usize + 1, "{kept}");
    // Large packets.
    let mut large = Channel::new();
    let header = testing::live_header(60_000, &STREAMS);
    let _ = large.take(FeedItem::Header(header));
    for _ in 0..100 {
        let payload = TestPayload::whole(2, 0, 3_000, b"x");
        sent(&mut large, TestPacket::single(payload).build(60_000));
    }
    let (_, backlog) = tune_in(&large, &all());
    assert_eq!(backlog.len(), BACKLOG_BYTES / 60_000);
}

#[test]
fn all_streams_are_shared_and_not_copied() {
    let mut channel = channel(&STREAMS);
    let (mut listener, _) = channel.tune_in(&all(), false);
    for at in 0..10 {
        // Stream 9 is not declared: a player of everything gets it all the same.
        let live = sent(&mut channel, packet(at, &[1, 0x82, 0x83, 9]));
        let got = listener.packet(&live).unwrap();
        assert_eq!(got.as_ptr() == live.body.as_ptr(), at > 0, "{at}");
        assert_eq!(got == live.body, at > 0, "{at}");
    }
}

#[test]
fn after_a_drop_video_waits_for_a_key_frame() {
    let mut channel = channel(&STREAMS[..2]);
    let (mut listener, _) = channel.tune_in(&all(), false);
    let mut got = |at, streams: &[u8], dropped| {
        let live = sent(&mut channel, packet(at, streams));
        if dropped {
            listener.dropped();
        }
        listener.packet(&live).map(|bytes| self::streams(&bytes))
    };
    assert_eq!(got(0, &[2], false), None);
    assert_eq!(got(1, &[1, 0x82], false), Some(vec![1, 2]));
    assert_eq!(got(2, &[1, 2], false), Some(vec![1, 2]));
    assert_eq!(got(4, &[1, 2], true), Some(vec![1]));
    assert_eq!(got(5, &[2], false), None);
    assert_eq!(got(6, &[0x82], false), Some(vec![2]));
    assert_eq!(got(7, &[1, 2], false), Some(vec![1, 2]));
}

#[test]
fn streams_change_while_they_play() {
    let mut channel = channel(&STREAMS);
    let (mut listener, _) = channel.tune_in(&PlayRequest::all([number(2)]), false);
    let mut got = |listener: &mut Listener, at, streams: &[u8]| {
        let live = sent(&mut channel, packet(at, streams));
        listener.packet(&live).map(|bytes| self::streams(&bytes))
    };
    assert_eq!(got(&mut listener, 0, &[1, 0x82, 0x83]), Some(vec![2]));
    // The old stream goes on until the new one has a key frame.
    listener.select(&[StreamSelection::replace(number(2), number(3))]);
    assert_eq!(got(&mut listener, 1, &[1, 2, 3]), Some(vec![2]));
    assert_eq!(got(&mut listener, 2, &[1, 2, 0x83]), Some(vec![2, 3]));
    assert_eq!(got(&mut listener, 3, &[1, 2, 3]), Some(vec![3]));
    listener.select(&[1, 2, 3, 77].map(number).map(StreamSelection::full));
    assert_eq!(got(&mut listener, 4, &[1, 2, 3]), Some(vec![1, 3]), "stream 2 is not begun");
    assert_eq!(got(&mut listener, 5, &[1, 0x82, 3]), Some(vec![1, 2, 3]));
    listener.select(&[StreamSelection::off(number(1))]);
    assert_eq!(got(&mut listener, 6, &[1]), None);
}

#[test]
fn padding_is_left_out_once_for_all() {
    let mut channel = channel(&STREAMS);
    let (mut one, _) = channel.tune_in(&all(), true);
    let (mut two, _) = channel.tune_in(&all(), true);
    let (mut part, _) = channel.tune_in(&PlayRequest::all([number(1)]), true);
    let live = sent(&mut channel, packet(0, &[1, 0x82, 0x83]));
    let (one, two) = (one.packet(&live).unwrap(), two.packet(&live).unwrap());
    assert!(one.len() < live.body.len());
    assert_eq!(one.as_ptr(), two.as_ptr());
    let mut restored = BytesMut::new();
    let done = Restorer::new(SIZE).unwrap().restore(&one, &mut restored).unwrap();
    assert_eq!((done, restored.freeze()), (Restored::LengthReplaced, live.body.clone()));
    let part = part.packet(&live).unwrap();
    assert!(part.len() < one.len());
    assert_eq!(streams(&part), [1]);
}

#[test]
fn a_packet_that_cannot_be_read_is_for_players_of_everything() {
    let mut channel = channel(&STREAMS);
    let (mut everything, _) = channel.tune_in(&all(), false);
    let (mut part, _) = channel.tune_in(&PlayRequest::all([number(1)]), true);
    for bytes in [Bytes::from(vec![0x92; 200]), packet(0, &[1]).slice(..150)] {
        let live = sent(&mut channel, bytes.clone());
        assert_eq!(everything.packet(&live), Some(bytes));
        assert_eq!(part.packet(&live), None);
    }
}

#[test]
fn a_listener_hears_one_header_at_a_time() {
    let mut channel = channel(&STREAMS);
    let (mut listener, _) = channel.tune_in(&all(), false);
    let before = sent(&mut channel, packet(0, &[1]));
    assert!(listener.packet(&before).is_some());
    let header = FeedItem::Header(testing::live_header(SIZE, &[TestStream::Audio(5)]));
    let _ = channel.take(header);
    let live = sent(&mut channel, packet(0, &[5]));
    assert_eq!(listener.packet(&live), None);
    listener.retune(channel.program().unwrap(), &[StreamSelection::full(number(5))]);
    assert_eq!(listener.packet(&before), None);
    assert_eq!(listener.packet(&live), Some(live.body.clone()));
}
