//! Where a player of a file begins and ends, and playing faster and backwards.

use std::time::Duration;

use crate::support::film::{
    AUDIO, Film, HIGH, LOW, Object, PACKET_SIZE, bodies, numbers, objects, rest, stream,
};
use mms_asf::Packet;
use mms_asf::testing::TestStream;
use mms_examples::serve::Outgoing;
use mms_proto::{Features, PlayRequest, Rate, Start, Stop, StreamSelection};

fn ms(milliseconds: u64) -> Duration {
    Duration::from_millis(milliseconds)
}

fn request(streams: &[u8], start: Start) -> PlayRequest {
    PlayRequest::all(streams.iter().copied().map(stream)).start(start)
}

fn at(milliseconds: u64) -> Start {
    Start::Time(ms(milliseconds))
}

fn packet(number: u32) -> Start {
    Start::packet(number).unwrap()
}

fn rate(rate: f64) -> Rate {
    Rate::new(rate).unwrap()
}

/// Every packet in which something of a key frame of the stream begins, and when it is shown.
fn keys(film: &Film, number: u8) -> Vec<(u32, u64)> {
    let mut found = Vec::new();
    for (n, bytes) in (0..).zip(&film.packets) {
        for payload in Packet::parse(bytes, PACKET_SIZE).unwrap().payloads() {
            let payload = payload.unwrap();
            if payload.stream == number && payload.key_frame && payload.offset == 0 {
                found.push((n, u64::from(payload.presentation_time) - 3_000));
            }
        }
    }
    found
}

fn sent_at(film: &Film, number: u32) -> u64 {
    Packet::parse(&film.packets[number as usize], PACKET_SIZE).unwrap().send_time().into()
}

#[test]
fn a_seek_by_time_begins_where_all_streams_can_be_decoded() {
    for film in [Film::new(6), Film::new(6).without_index()] {
        for time in (0..6_000).step_by(170) {
            let sent = film.play(&request(&[AUDIO, LOW, HIGH], at(time)));
            let first = sent[0].number;
            assert_eq!(bodies(&sent), film.packets[first as usize..], "to {time} ms");
            for number in [LOW, HIGH] {
                // The key frame that is needed; the file begins in front of the first one of HIGH.
                let Some((key, _)) = keys(&film, number).into_iter().rfind(|&(_, t)| t <= time)
                else {
                    continue;
                };
                assert!(first <= key, "stream {number} at {time} ms");
            }
            let needed = [LOW, HIGH].map(|n| keys(&film, n).into_iter().rfind(|&(_, t)| t <= time));
            if let [Some((low, _)), Some((high, _))] = needed {
                assert_eq!(first, low.min(high), "no earlier than needed");
            }
        }
    }
}

#[test]
fn a_seek_with_some_streams_begins_with_a_key_frame() {
    for film in [Film::new(6), Film::new(6).without_index()] {
        for time in (600..6_000).step_by(210) {
            let found = objects(&bodies(&film.play(&request(&[AUDIO, HIGH], at(time)))));
            assert!(found.iter().all(Object::is_whole), "to {time} ms");
            let picture = found.iter().find(|object| object.stream == HIGH).unwrap();
            assert!(picture.key);
            assert_eq!(picture.time, (time - 500) / 1_000 * 1_000 + 500, "the last one in time");
            let sound = found.iter().find(|object| object.stream == AUDIO).unwrap();
            assert!(sound.time <= time, "{} of {time} ms", sound.time);
            assert!(found.iter().all(|object| object.stream != LOW));

            let found = objects(&bodies(&film.play(&request(&[LOW, HIGH], at(time)))));
            for number in [LOW, HIGH] {
                let picture = found.iter().find(|object| object.stream == number).unwrap();
                assert!(picture.key && picture.time <= time, "stream {number} at {time} ms");
            }
        }
    }
}

#[test]
fn sound_alone_begins_where_it_is_wanted() {
    let film = Film::with(&[TestStream::Audio(AUDIO)], 20);
    for time in (0..20_000).step_by(730) {
        let found = objects(&bodies(&film.play(&request(&[AUDIO], at(time)))));
        let exact = found.iter().find(|object| object.is_whole()).unwrap().time;
        assert!(exact <= time && time - exact <= 400, "{exact} for {time} ms");
    }
    assert!(film.play(&request(&[AUDIO], at(1 << 40))).len() < 3);
}

#[test]
fn stops() {
    let film = Film::new(6);
    let all = [AUDIO, LOW, HIGH];
    let last = |request: PlayRequest| film.play(&request).last().map(|o| sent_at(&film, o.number));
    let close = |found: Option<u64>, time: u64| {
        assert!(found.is_some_and(|found| found <= time && time - found < 100), "{found:?} {time}");
    };
    let stop = |time| Stop::at(ms(time)).unwrap();
    let after = |time| Stop::after(ms(time)).unwrap();
    close(last(request(&all, Start::Beginning).stop(stop(2_050))), 2_050);
    close(last(request(&all, Start::Beginning).stop(after(2_050))), 2_050);
    close(last(request(&all, at(3_000)).stop(stop(4_050))), 4_050);
    close(last(request(&all, at(3_000)).stop(after(2_050))), 5_050);
    let begin = sent_at(&film, 60);
    close(last(request(&all, packet(60)).stop(after(1_050))), begin + 1_050);
    close(last(request(&all, packet(60)).stop(stop(begin + 350))), begin + 350);
    let offset = film.header.len() + 60 * PACKET_SIZE as usize;
    let offset = Start::ByteOffset(offset.try_into().unwrap());
    close(last(request(&all, offset).stop(after(1_050))), begin + 1_050);
    // The same of some streams.
    close(last(request(&[AUDIO], at(3_000)).stop(after(1_150))), 4_150);
    // Never in front of the start, and never behind the end.
    assert_eq!(film.play(&request(&all, at(3_000)).stop(stop(2_000))), []);
    assert_eq!(film.play(&request(&all, packet(60)).stop(stop(1))), []);
    let sent = film.play(&request(&all, packet(60)).stop(after(0x7FFF_FFFF)));
    assert_eq!(sent.last().unwrap().number as usize, film.packets.len() - 1);
}

#[test]
fn slow_is_everything_and_fast_is_key_frames() {
    // MMSP-S-060
    let film = Film::new(6);
    let all = request(&[AUDIO, LOW, HIGH], Start::Beginning);
    assert_eq!(bodies(&film.play(&all.clone().rate(rate(0.5)))), film.packets);
    let whole: Vec<Object> =
        film.objects().into_iter().filter(|o| o.key && o.stream != AUDIO).collect();
    assert_eq!(whole.len(), 12);
    let sent = film.play(&all.rate(rate(5.0)));
    let found = objects(&bodies(&sent));
    assert_eq!(found, whole);
    assert!(numbers(&sent).is_sorted());
    assert!(sent.iter().all(|outgoing| outgoing.time == ms(sent_at(&film, outgoing.number))));
    // One of the streams, from the middle on, to a stop.
    let some = request(&[AUDIO, LOW], at(2_300)).rate(rate(2.0)).stop(Stop::at(ms(4_500)).unwrap());
    let times: Vec<u64> = objects(&bodies(&film.play(&some))).iter().map(|o| o.time).collect();
    assert_eq!(times, [2_000, 3_000, 4_000]);
    // A stream that is selected meanwhile is thinned as well.
    let mut title = film.title();
    title.play(&request(&[LOW], Start::Beginning).rate(rate(3.0)));
    let mut sent: Vec<Outgoing> = vec![title.next_packet().unwrap().unwrap()];
    title.select(&[
        StreamSelection::full(stream(AUDIO)),
        StreamSelection::replace(stream(LOW), stream(HIGH)),
    ]);
    sent.extend(rest(&mut title));
    let found = objects(&bodies(&sent));
    assert!(found.iter().all(|object| object.key && object.is_whole() && object.stream != AUDIO));
    let times: Vec<u64> = found.iter().map(|object| object.time).collect();
    assert_eq!(times, [0, 500, 1_500, 2_500, 3_500, 4_500, 5_500]);
}

/// Key frames played backwards: their times, which fall as the numbers of the packets in which they
/// begin; each is whole.
fn backwards(sent: &[Outgoing], number: u8) -> Vec<u64> {
    let found = objects(&bodies(sent));
    assert!(found.iter().all(|object| object.key && object.is_whole() && object.stream == number));
    let begins: Vec<u32> = sent
        .iter()
        .filter(|outgoing| {
            let packet = Packet::parse(&outgoing.body, PACKET_SIZE).unwrap();
            packet.payloads().any(|payload| payload.unwrap().offset == 0)
        })
        .map(|outgoing| outgoing.number)
        .collect();
    assert!(begins.is_sorted_by(|one, next| one > next), "{begins:?}");
    assert_eq!(begins.len(), found.len());
    found.iter().map(|object| object.time).collect()
}

#[test]
fn backwards_from_key_frame_to_key_frame() {
    // MMSP-S-060
    for film in [Film::new(6), Film::new(6).without_index()] {
        let play = |request: PlayRequest| film.play(&request.rate(rate(-2.0)));
        let sent = play(request(&[AUDIO, LOW], at(5_700)));
        assert_eq!(backwards(&sent, LOW), [5_000, 4_000, 3_000, 2_000, 1_000, 0]);
        assert_eq!(sent[0].time, Duration::ZERO, "distances count from the start");
        let length = sent_at(&film, sent[0].number) - sent_at(&film, sent.last().unwrap().number);
        // A key frame may lie in several packets.
        assert!(sent.last().unwrap().time.abs_diff(ms(length)) < ms(300), "{sent:?}");

        let sent = play(request(&[HIGH], at(5_500)));
        assert_eq!(backwards(&sent, HIGH), [5_500, 4_500, 3_500, 2_500, 1_500, 500]);
        assert_eq!(backwards(&play(request(&[HIGH], at(1_499))), HIGH), [500]);
        assert_eq!(play(request(&[HIGH], at(400))), []);
        assert_eq!(play(request(&[AUDIO], at(5_000))), [], "no pictures, no key frames");

        let key = keys(&film, LOW)[3].0;
        let sent = play(request(&[LOW], packet(key)));
        assert_eq!(backwards(&sent, LOW), [3_000, 2_000, 1_000, 0]);
        let sent = play(request(&[LOW], packet(key - 1)));
        assert_eq!(backwards(&sent, LOW), [2_000, 1_000, 0]);
        let sent = play(request(&[LOW], packet(0x7FFF_FFFF)));
        assert_eq!(backwards(&sent, LOW), [5_000, 4_000, 3_000, 2_000, 1_000, 0]);
        assert_eq!(backwards(&play(request(&[LOW], Start::Beginning)), LOW), [0]);

        let until = request(&[LOW], at(5_000)).stop(Stop::at(ms(3_000)).unwrap());
        assert_eq!(backwards(&play(until), LOW), [5_000, 4_000, 3_000]);
        let until = request(&[LOW], at(5_000)).stop(Stop::after(ms(1_500)).unwrap());
        assert_eq!(backwards(&play(until), LOW), [5_000, 4_000]);
        let until = request(&[LOW], at(3_000)).stop(Stop::at(ms(4_000)).unwrap());
        assert_eq!(play(until), [], "it lies in the other direction");
    }
}

#[test]
fn backwards_from_a_key_frame_that_is_cut_off() {
    // MMSP-S-060
    let film = Film::new(6);
    let key = keys(&film, HIGH)[5].0 as usize;
    let mut bytes = std::fs::read(&film.path).unwrap();
    bytes.truncate(film.header.len() + (key + 2) * PACKET_SIZE as usize);
    std::fs::write(&film.path, bytes).unwrap();
    let sent = film.play(&request(&[HIGH], at(6_000)).rate(rate(-1.0)));
    let found = objects(&bodies(&sent));
    assert!(!found[0].is_whole() && found[1..].iter().all(Object::is_whole));
    let times: Vec<u64> = found.iter().map(|object| object.time).collect();
    assert_eq!(times, [5_500, 4_500, 3_500, 2_500, 1_500, 500]);
}

#[test]
fn another_stream_while_playing_backwards() {
    // MMSP-S-060
    let film = Film::new(6);
    let mut title = film.title();
    title.play(&request(&[LOW], at(5_000)).rate(rate(-1.0)));
    // The whole of a key frame, which does not fit one packet.
    let first = [(); 2].map(|()| title.next_packet().unwrap().unwrap());
    assert_eq!(backwards(&first, LOW), [5_000]);
    title.select(&[StreamSelection::replace(stream(LOW), stream(HIGH))]);
    assert_eq!(backwards(&rest(&mut title), HIGH), [4_500, 3_500, 2_500, 1_500, 500]);
    title.play(&request(&[LOW], at(5_000)).rate(rate(-1.0)));
    title.select(&[StreamSelection::off(stream(LOW))]);
    assert_eq!(title.next_packet().unwrap(), None);
}

#[test]
fn what_can_be_done_with_a_file() {
    let (seek, stride) = (Features::SEEKABLE, Features::STRIDABLE);
    let attributes = |film: &Film| film.title().content().features();
    assert_eq!(attributes(&Film::new(1)), seek | stride);
    assert_eq!(attributes(&Film::new(1).without_index()), seek | stride);
    assert_eq!(attributes(&Film::with(&[TestStream::Audio(AUDIO)], 1)), seek);
    // Pictures, and not one key frame among them.
    let film = Film::new(1);
    let mut bytes = std::fs::read(&film.path).unwrap();
    let at = film.header.len();
    let packet = mms_asf::testing::packet(0, PACKET_SIZE, b"data");
    let header = mms_asf::testing::header(PACKET_SIZE, 1, &[TestStream::Video(1)]);
    bytes.truncate(at);
    std::fs::write(&film.path, [&header[..], &packet[..]].concat()).unwrap();
    assert_eq!(attributes(&film), seek);
}
