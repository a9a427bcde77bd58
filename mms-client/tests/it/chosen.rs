//! Recordings of some streams, of some of the time.

use std::io::Cursor;
use std::time::Duration;

use mms_asf::testing::{self, TestPacket, TestPayload, TestStream};
use mms_asf::{FileReader, Packet};
use mms_client::{Error, RecordOptions, RecordingError, Summary, Target, record};
use mms_proto::{Start, StreamNumber, StreamSelection};

use crate::common::{Clip, Host, PACKET_SIZE, Temporary, patient};

/// Four streams, whose payloads share packets in pairs. The host sends all of them, whatever it is
/// asked for.
fn four_streams() -> Clip {
    let streams =
        [TestStream::Audio(1), TestStream::Video(2), TestStream::Video(3), TestStream::Audio(4)];
    let packet = |n: u32| {
        let time = n * 500;
        let pair = if n % 2 == 0 { [1, 0x82] } else { [0x83, 4] };
        let payload = |stream: u8| TestPayload::whole(stream, n, time + 3_000, b"media");
        let payloads = pair.map(payload).to_vec();
        TestPacket { send_time: time, ..TestPacket::multiple(payloads) }.build(PACKET_SIZE)
    };
    Clip {
        header: testing::header(PACKET_SIZE, 40, &streams),
        packets: (0..40).map(packet).collect(),
        ..Clip::new(0)
    }
}

fn some(streams: &[u8]) -> RecordOptions {
    let one = |number: u8| {
        let stream = StreamNumber::new(number).unwrap();
        match streams.contains(&number) {
            true => StreamSelection::full(stream),
            false => StreamSelection::off(stream),
        }
    };
    RecordOptions::new().streams((1..=4).map(one))
}

fn run(host: &Host, options: &RecordOptions, target: Target) -> Summary {
    let session = patient().open(&host.url()).unwrap();
    let mut target = Some(target);
    record(session, options, |_, _| Ok(target.take()), |_| {}).unwrap()
}

/// The streams that packets hold, in order of their first payloads.
fn streams_in(file: &[u8]) -> Vec<u8> {
    let mut reader = FileReader::open(Cursor::new(file.to_vec())).unwrap();
    let mut found = Vec::new();
    for number in 0..reader.packet_count() {
        let packet = reader.packet(number).unwrap();
        for payload in Packet::parse(&packet, PACKET_SIZE).unwrap().payloads() {
            let stream = payload.unwrap().stream;
            if !found.contains(&stream) {
                found.push(stream);
            }
        }
    }
    found
}

#[test]
fn streams_that_come_without_being_chosen_are_left_out() {
    let host = Host::new(four_streams());
    for (chosen, packets, left_out) in
        [(&[1, 3][..], 40, 40), (&[1], 20, 60), (&[3, 4], 20, 40), (&[1, 2, 3, 4], 40, 0)]
    {
        let file = Temporary::new();
        let summary = run(&host, &some(chosen), Target::Create(file.create()));
        assert_eq!((summary.packets, summary.unselected), (packets, left_out), "{chosen:?}");
        let bytes = file.bytes();
        assert_eq!(streams_in(&bytes), chosen);
        let header = mms_asf::Header::parse(&bytes.into()).unwrap();
        assert_eq!(header.stream_numbers().collect::<Vec<_>>(), chosen);
        assert_eq!(header.file().packet_count, packets);
    }
}

#[test]
fn nothing_is_recorded_where_no_chosen_stream_is() {
    let host = Host::new(four_streams());
    let session = patient().open(&host.url()).unwrap();
    let file = Temporary::with(b"as it was");
    let mut target = Some(Target::Create(file.open()));
    let failed = record(session, &some(&[]), |_, _| Ok(target.take()), |_| {}).unwrap_err();
    let Error::Recording(RecordingError::NoChosenStream) = failed.error else {
        panic!("{failed:?}");
    };
    assert_eq!(file.bytes(), b"as it was");
}

#[test]
fn some_streams_are_resumed_byte_for_byte() {
    let host = Host::new(four_streams());
    for options in
        [some(&[1, 3]), some(&[3]), some(&[3]).start(Start::Time(Duration::from_secs(4)))]
    {
        let whole = Temporary::new();
        run(&host, &options, Target::Create(whole.create()));
        let header = mms_asf::Header::parse(&whole.bytes().into()).unwrap();
        let cut = header.len() + 5 * PACKET_SIZE as usize + 7;
        let part = Temporary::with(&whole.bytes()[..cut]);
        let summary = run(&host, &options, Target::Resume(part.open()));
        assert_eq!(summary.resumed_from, Some(5));
        assert!(part.bytes() == whole.bytes());
        let again = run(&host, &options, Target::Resume(part.open()));
        assert!(again.already_complete, "{again:?}");
    }
}

#[test]
fn a_range_is_that_of_the_media_asked_for() {
    let clip = Clip::video(40);
    let host = Host::new(clip);
    let seconds = Duration::from_secs;
    let at = |time| RecordOptions::new().start(Start::Time(Duration::from_millis(time)));
    for (options, packets, start) in [
        // The host begins at the whole second.
        (at(10_900).duration(seconds(5)), 10..16, 10),
        (at(10_000).duration(seconds(5)), 10..15, 10),
        (at(10_900).stop(seconds(15)), 10..15, 10),
        (at(10_900).stop(seconds(15)).duration(seconds(2)), 10..13, 10),
        (RecordOptions::new().stop(seconds(3)), 0..3, 0),
        (RecordOptions::new(), 0..40, 0),
    ] {
        let file = Temporary::new();
        let summary = run(&host, &options, Target::Create(file.create()));
        assert_eq!(summary.packets, packets.len() as u64, "{options:?}");
        assert_eq!(summary.start, Some(seconds(start)), "{options:?}");
        assert_eq!(summary.duration, seconds(packets.len() as u64), "{options:?}");
    }
}
