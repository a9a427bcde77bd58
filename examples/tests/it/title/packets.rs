//! What a player of a file gets: everything, some streams, some of a stream.

use std::time::Duration;

use crate::support::film::{
    AUDIO, Film, HIGH, LOW, Object, PACKET_SIZE, bodies, numbers, objects, rest, stream,
};
use bytes::{Bytes, BytesMut};
use mms_asf::{Packet, Restorer};
use mms_examples::serve::{Outgoing, Step, Title};
use mms_proto::{Delivery, PlayRequest, Start, StreamNumber, StreamSelection};

fn all() -> PlayRequest {
    PlayRequest::all([AUDIO, LOW, HIGH].map(stream))
}

fn only(streams: &[u8]) -> PlayRequest {
    PlayRequest::all(streams.iter().copied().map(stream))
}

fn of(stream: u8, objects: &[Object]) -> Vec<Object> {
    objects.iter().filter(|object| object.stream == stream).cloned().collect()
}

/// From one packet on, whatever led there.
fn assert_the_file_from(sent: &[Outgoing], film: &Film, first: usize) {
    let count = u32::try_from(film.packets.len()).unwrap();
    assert_eq!(numbers(sent), (u32::try_from(first).unwrap()..count).collect::<Vec<_>>());
    assert_eq!(bodies(sent), film.packets[first..]);
}

#[test]
fn all_streams_are_the_file_byte_for_byte() {
    let mut film = Film::new(4);
    film.break_packet(30);
    assert_the_file_from(&film.play(&all()), &film, 0);
    // Players of the 1990s get every stream that there can be.
    let every = PlayRequest::all((1..=127).filter_map(StreamNumber::new));
    assert_the_file_from(&film.play(&every), &film, 0);
    for first in [1_u32, 17, 30, 31] {
        let sent = film.play(&all().start(Start::packet(first).unwrap()));
        assert_the_file_from(&sent, &film, first as usize);
        let offset = film.header.len() + first as usize * PACKET_SIZE as usize + 7;
        let start = Start::ByteOffset(offset.try_into().unwrap());
        assert_the_file_from(&film.play(&all().start(start)), &film, first as usize);
    }
    let end = u32::try_from(film.packets.len()).unwrap();
    for behind in [end, end + 1, u32::MAX - 1] {
        assert_eq!(film.play(&all().start(Start::packet(behind).unwrap())), []);
    }
}

#[test]
fn nothing_selected_is_nothing_sent() {
    let film = Film::new(1);
    let off = [AUDIO, LOW, HIGH].map(|number| StreamSelection::off(stream(number)));
    for request in [only(&[]), only(&[4, 127]), PlayRequest::select(off)] {
        assert_eq!(film.play(&request), []);
    }
    let mut title = film.title();
    assert_eq!(title.next_packet().unwrap(), None, "nobody has played yet");
    title.play(&all());
    title.next_packet().unwrap().unwrap();
    title.select(&off);
    assert_eq!(title.next_packet().unwrap(), None);
}

#[test]
fn streams_that_are_not_selected_are_left_out() {
    // MMSP-S-050
    let film = Film::new(6);
    let whole = film.objects();
    for streams in [&[AUDIO][..], &[LOW], &[HIGH], &[AUDIO, LOW], &[AUDIO, 9]] {
        let sent = film.play(&only(streams));
        let found = objects(&bodies(&sent));
        for number in [AUDIO, LOW, HIGH] {
            let expected = if streams.contains(&number) { of(number, &whole) } else { Vec::new() };
            assert_eq!(of(number, &found), expected, "stream {number} of {streams:?}");
        }
        assert!(sent.iter().all(|outgoing| outgoing.body.len() == PACKET_SIZE as usize));
        // Numbers and times are those of the file; what is left empty is not sent.
        let holds = |packet: &Bytes| {
            let packet = Packet::parse(packet, PACKET_SIZE).unwrap();
            packet.payloads().any(|payload| streams.contains(&payload.unwrap().stream))
        };
        let expected: Vec<u32> =
            (0..).zip(&film.packets).filter(|(_, p)| holds(p)).map(|(n, _)| n).collect();
        assert_eq!(numbers(&sent), expected);
        for outgoing in &sent {
            let packet = &film.packets[outgoing.number as usize];
            let time = Packet::parse(packet, PACKET_SIZE).unwrap().send_time();
            assert_eq!(outgoing.time, Duration::from_millis(time.into()));
        }
    }
    let sound = film.play(&only(&[AUDIO]));
    assert!(sound.len() < film.packets.len(), "some packets are skipped");
}

#[test]
fn a_broken_packet_is_skipped_where_streams_are_left_out() {
    let mut film = Film::new(2);
    film.break_packet(9);
    let sent = film.play(&only(&[AUDIO, LOW]));
    assert!(sent.iter().all(|outgoing| outgoing.number != 9));
    assert!(sent.iter().any(|outgoing| outgoing.number > 9));
}

#[test]
fn key_frames_only() {
    let film = Film::new(5);
    let thin = StreamSelection::new(stream(HIGH), Delivery::KeyFramesOnly);
    let sent = film.play(&PlayRequest::select([StreamSelection::full(stream(AUDIO)), thin]));
    let (whole, found) = (film.objects(), objects(&bodies(&sent)));
    let keys: Vec<Object> = of(HIGH, &whole).into_iter().filter(|object| object.key).collect();
    assert_eq!(keys.len(), 5);
    assert_eq!(of(HIGH, &found), keys);
    assert_eq!(of(AUDIO, &found), of(AUDIO, &whole));
    assert_eq!(of(LOW, &found), []);
}

#[test]
fn a_new_stream_begins_with_a_key_frame_and_the_old_one_goes_on_until_then() {
    // MMSP-S-040
    let film = Film::new(6);
    let whole = film.objects();
    for (old, new) in [(LOW, HIGH), (HIGH, LOW)] {
        for at in 0..40 {
            let mut title = film.title();
            title.play(&only(&[AUDIO, old]));
            let mut sent: Vec<Outgoing> =
                (0..at).map(|_| title.next_packet().unwrap().unwrap()).collect();
            title.select(&[StreamSelection::replace(stream(old), stream(new))]);
            sent.extend(rest(&mut title));

            let found = objects(&bodies(&sent));
            assert!(found.iter().all(Object::is_whole));
            assert_eq!(of(AUDIO, &found), of(AUDIO, &whole));
            let (before, after) = (of(old, &found), of(new, &found));
            assert!(after[0].key, "after {at} packets");
            let first = of(new, &whole).iter().position(|o| *o == after[0]).unwrap();
            assert_eq!(after, of(new, &whole)[first..]);
            // Not a picture is missing in between, and none is sent twice.
            let old_pictures = of(old, &whole);
            assert_eq!(before, old_pictures[..before.len()]);
            let gap = after[0].time.abs_diff(before.last().map_or(0, |object| object.time));
            assert!(gap <= 100, "{gap} ms between the streams");
        }
    }
}

#[test]
fn a_player_of_everything_may_turn_a_stream_off() {
    // MMSP-S-040
    let film = Film::new(3);
    for at in 1..60 {
        let mut title = film.title();
        title.play(&all());
        let mut sent: Vec<Outgoing> =
            (0..at).map(|_| title.next_packet().unwrap().unwrap()).collect();
        title.select(&[StreamSelection::off(stream(HIGH)), StreamSelection::off(stream(99))]);
        sent.extend(rest(&mut title));
        let (found, whole) = (objects(&bodies(&sent)), film.objects());
        assert!(found.iter().all(Object::is_whole), "a picture that has begun is finished");
        assert_eq!(of(AUDIO, &found), of(AUDIO, &whole));
        assert_eq!(of(LOW, &found), of(LOW, &whole));
        let begun = of(HIGH, &objects(&film.packets[..at]));
        assert_eq!(of(HIGH, &found).len(), begun.len());
    }
    // And on again, with a key frame.
    let mut title = film.title();
    title.play(&only(&[AUDIO]));
    title.next_packet().unwrap().unwrap();
    title.select(&[StreamSelection::full(stream(LOW))]);
    let found = objects(&bodies(&rest(&mut title)));
    let pictures = of(LOW, &found);
    assert!(pictures[0].key && pictures.len() > 15, "{} pictures", pictures.len());
}

#[test]
fn who_resumes_gets_the_same_packets() {
    let film = Film::new(5);
    let thin = StreamSelection::new(stream(HIGH), Delivery::KeyFramesOnly);
    let thinned = PlayRequest::select([StreamSelection::full(stream(AUDIO)), thin]);
    for request in [all(), only(&[AUDIO, HIGH]), only(&[LOW]), thinned] {
        let sent = film.play(&request);
        for (index, outgoing) in sent.iter().enumerate() {
            let Some(start) = Start::packet(outgoing.number) else { unreachable!() };
            let again = film.play(&request.clone().start(start));
            assert_eq!(again, sent[index..], "from packet {}", outgoing.number);
        }
    }
}

fn restored(sent: &[Outgoing]) -> Vec<Bytes> {
    let restorer = Restorer::new(PACKET_SIZE).unwrap();
    let restore = |outgoing: &Outgoing| {
        let mut packet = BytesMut::new();
        restorer.restore(&outgoing.body, &mut packet).unwrap();
        packet.freeze()
    };
    sent.iter().map(restore).collect()
}

fn play_stripped(film: &Film, request: &PlayRequest) -> Vec<Outgoing> {
    let mut title = film.title();
    title.strip_padding(true);
    title.play(request);
    rest(&mut title)
}

#[test]
fn padding_is_left_out_and_can_be_put_back() {
    // MMSP-S-055, MMSP-S-056
    let film = Film::new(4);
    for request in [all(), only(&[AUDIO]), only(&[AUDIO, HIGH])] {
        let (whole, sent) = (film.play(&request), play_stripped(&film, &request));
        assert_eq!(numbers(&whole), numbers(&sent));
        // Who is not known to understand it gets every byte.
        assert!(whole.iter().all(|outgoing| outgoing.body.len() == PACKET_SIZE as usize));
        let shorter: Vec<&Outgoing> =
            sent.iter().filter(|o| o.body.len() < PACKET_SIZE as usize).collect();
        assert!(!shorter.is_empty());
        for outgoing in shorter {
            let packet = Packet::parse(&outgoing.body, PACKET_SIZE).unwrap();
            assert_eq!(packet.length_field().value as usize, outgoing.body.len());
            assert_eq!(packet.padding_field().value, 0);
        }
        assert_eq!(restored(&sent), bodies(&whole));
    }
}

#[test]
fn a_broken_packet_keeps_its_bytes_without_padding_too() {
    let mut film = Film::new(1);
    film.break_packet(5);
    assert_eq!(restored(&play_stripped(&film, &all())), film.packets);
}

#[test]
fn one_step_reads_some_packets_only() {
    // A file of many packets without anything of the audio stream.
    let mut film = Film::new(1);
    let header = mms_asf::testing::header(
        PACKET_SIZE,
        3_000,
        &[mms_asf::testing::TestStream::Audio(AUDIO), mms_asf::testing::TestStream::Video(LOW)],
    );
    let picture = mms_asf::testing::TestPayload::whole(0x80 | LOW, 0, 3_000, b"picture");
    let packet = mms_asf::testing::TestPacket::single(picture).build(PACKET_SIZE);
    let mut bytes = header.to_vec();
    (0..3_000).for_each(|_| bytes.extend_from_slice(&packet));
    std::fs::write(&film.path, bytes).unwrap();
    film.read();

    let mut title: Title = film.title();
    title.play(&only(&[AUDIO]));
    assert_eq!(title.step().unwrap(), Step::Later);
    let mut steps = 1;
    while title.step().unwrap() == Step::Later {
        steps += 1;
    }
    // One finds the place, the others read 64 packets each.
    assert_eq!(steps, 1 + 3_000 / 64, "then the end");
    assert_eq!(film.play(&only(&[AUDIO])), []);
}
