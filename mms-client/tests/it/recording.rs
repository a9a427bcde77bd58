//! What files look like, whatever happens to the session.

use std::io::{self, Write};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use mms_asf::testing::TestStream;
use mms_asf::{FileReader, Packet, SeekMethod, Shift, TimeShifter};
use mms_client::{
    Cancel, Entry, Error, RecordOptions, Recording, RecordingError, Resume, Target, record,
};
use mms_proto::{AsfPacket, Features, Start};

use crate::common::{Clip, Fault, Host, PACKET_SIZE, Temporary, patient};

/// The packets as a session delivers them.
fn packets(clip: &Clip) -> Vec<AsfPacket> {
    let host = Host::new(clip.clone());
    patient().open(&host.url()).unwrap().play_all().unwrap().map(Result::unwrap).collect()
}

#[derive(Clone, Default)]
struct Shared(Arc<Mutex<Vec<u8>>>);

impl Write for Shared {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_pipe_gets_header_and_packets() {
    let clip = Clip::new(7);
    let host = Host::new(clip.clone());
    let sink = Shared::default();
    let session = patient().open(&host.url()).unwrap();
    let target = |_: u32, _: &_| Ok(Some(Target::Stream(Box::new(sink.clone()))));
    let mut calls = 0;
    let summary = record(session, &RecordOptions::new(), target, |progress| {
        calls += 1;
        assert_eq!(progress.recorded.packets, calls);
        assert!(!progress.catching_up);
    });
    assert_eq!(summary.unwrap().packets, 7);
    let bytes = sink.0.lock().unwrap().clone();
    assert_eq!(bytes[clip.header.len()..], clip.file()[clip.header.len()..]);
    let header = mms_asf::Header::parse(&bytes.into()).unwrap();
    assert!(header.file().broadcast());
    assert!(header.same_stream(&mms_asf::Header::parse(&clip.header).unwrap()));
}

#[test]
fn a_live_stream_starts_at_zero_where_it_was_joined() {
    // The server has been sending for an hour.
    let mut clip = Clip::video(0);
    clip.packets = Clip::video(3_606).packets.split_off(3_600);
    clip.header = mms_asf::testing::live_header(PACKET_SIZE, &[TestStream::Video(2)]);
    clip.attributes = Features::BROADCAST;
    let host = Host::new(clip);
    let file = Temporary::new();
    let session = patient().open(&host.url()).unwrap();
    let target = |_: u32, _: &_| Ok(Some(Target::Create(file.create())));
    let summary = record(session, &RecordOptions::new(), target, |_| {}).unwrap();
    assert_eq!(summary.packets, 6);
    let mut reader = FileReader::open(io::Cursor::new(file.bytes())).unwrap();
    let properties = reader.header().file().clone();
    assert!(properties.seekable() && !properties.broadcast());
    assert_eq!(properties.media_duration(), Duration::from_secs(6));
    let first = reader.packet(0).unwrap();
    assert_eq!(Packet::parse(&first, PACKET_SIZE).unwrap().send_time(), 0);
    let found = reader.seek(Duration::from_millis(4_500), 2).unwrap();
    assert_eq!((found.packet, found.method), (4, SeekMethod::SimpleIndex));
}

#[test]
fn a_live_stream_whose_clock_starts_anew_goes_on() {
    let mut clip = Clip::live(0);
    clip.packets = Clip::live(107).packets.split_off(100);
    clip.packets.extend(Clip::live(5).packets);
    let host = Host::new(clip);
    let file = Temporary::new();
    let session = patient().open(&host.url()).unwrap();
    let target = |_: u32, _: &_| Ok(Some(Target::Create(file.create())));
    let summary = record(session, &RecordOptions::new(), target, |_| {}).unwrap();
    assert_eq!((summary.packets, summary.restarts), (12, 1));
    // The last block of sound has 3 ms.
    assert_eq!(summary.duration, Duration::from_millis(11_003));
    let mut reader = FileReader::open(io::Cursor::new(file.bytes())).unwrap();
    assert_eq!(reader.header().file().play_duration, Duration::from_millis(14_003));
    for number in 0..12 {
        let packet = reader.packet(number.into()).unwrap();
        let packet = Packet::parse(&packet, PACKET_SIZE).unwrap();
        let payload = packet.payloads().next().unwrap().unwrap();
        let times = (packet.send_time(), payload.presentation_time);
        assert_eq!(times, (number * 1_000, number * 1_000 + 3_000));
    }
}

#[test]
fn send_times_weeks_after_presentation_times_are_moved_alone() {
    // As in a file of asfmux: the clock of the machine beside media that starts at zero.
    let mut clip = Clip::video(20);
    for packet in &mut clip.packets {
        let header = mms_asf::Header::parse(&clip.header).unwrap();
        let mut bytes = packet.to_vec();
        let by = Shift { send: 3_600_000_000, presentation: 0 };
        TimeShifter::new(&header).shift(&mut bytes, by).unwrap();
        *packet = bytes.into();
    }
    let host = Host::new(clip);
    for (start, seconds) in [(Start::Beginning, 20), (Start::Time(Duration::from_secs(8)), 12)] {
        let file = Temporary::new();
        let session = patient().open(&host.url()).unwrap();
        let target = |_: u32, _: &_| Ok(Some(Target::Create(file.create())));
        let summary = record(session, &RecordOptions::new().start(start), target, |_| {}).unwrap();
        assert_eq!((summary.packets, summary.restarts), (seconds, 0));
        assert_eq!(summary.duration, Duration::from_secs(seconds));
        assert!(file.bytes().len() < 10_000, "{}", file.bytes().len());
        let mut reader = FileReader::open(io::Cursor::new(file.bytes())).unwrap();
        let media = reader.header().file().media_duration();
        assert!(start == Start::Beginning || media == Duration::from_secs(seconds), "{media:?}");
        let first = reader.packet(0).unwrap();
        let first = Packet::parse(&first, PACKET_SIZE).unwrap();
        let shown = first.payloads().next().unwrap().unwrap().presentation_time;
        assert_eq!(shown, 3_000);
    }
}

#[test]
fn a_session_that_fails_leaves_a_finished_file() {
    let host = Host::new(Clip::new(30));
    host.fault(Fault::cut(3000));
    let file = Temporary::new();
    let session = patient().open(&host.url()).unwrap();
    let target = |_: u32, _: &_| Ok(Some(Target::Create(file.create())));
    let failed = record(session, &RecordOptions::new(), target, |_| {}).unwrap_err();
    assert!(matches!(failed.error, Error::Protocol { .. }), "{failed}");
    let header = mms_asf::Header::parse(&file.bytes().into()).unwrap();
    assert_eq!(header.file().packet_count, failed.summary.packets);
    assert_eq!(header.file().file_size, failed.summary.bytes);
    assert!(failed.summary.packets > 3);
    assert_eq!(file.bytes().len() as u64, failed.summary.bytes);
}

#[test]
fn cancelling_is_an_orderly_end() {
    let host = Host::new(Clip::new(30));
    let cancel = Cancel::new();
    let file = Temporary::new();
    let session = patient().cancel(cancel.clone()).open(&host.url()).unwrap();
    let target = |_: u32, _: &_| Ok(Some(Target::Create(file.create())));
    let summary = record(session, &RecordOptions::new(), target, |progress| {
        if progress.recorded.packets == 5 {
            cancel.cancel();
        }
    });
    let summary = summary.unwrap();
    assert!(summary.cancelled);
    assert_eq!(summary.packets, 5);
    let header = mms_asf::Header::parse(&file.bytes().into()).unwrap();
    assert_eq!((header.file().packet_count, header.file().broadcast()), (5, false));
}

#[test]
fn a_duration_cuts_a_prefix() {
    let clip = Clip::new(30);
    let host = Host::new(clip.clone());
    let file = Temporary::new();
    let session = patient().open(&host.url()).unwrap();
    let target = |_: u32, _: &_| Ok(Some(Target::Create(file.create())));
    let options = RecordOptions::new().duration(Duration::from_millis(9_500));
    let summary = record(session, &options, target, |_| {}).unwrap();
    assert_eq!((summary.packets, summary.end), (10, None));
    let data = clip.header.len()..clip.header.len() + 10 * PACKET_SIZE as usize;
    assert_eq!(file.bytes()[clip.header.len()..], clip.file()[data]);
}

#[test]
fn repeats_are_left_out_unless_live() {
    let clip = Clip::new(6);
    let packets = packets(&clip);
    for (entry, expected) in [(clip.entry(), 6), (Clip::live(6).entry(), 9)] {
        let file = Temporary::new();
        let mut recording = Recording::create(file.create(), &entry).unwrap();
        for packet in packets[..4].iter().chain(&packets[1..]) {
            recording.packet(packet).unwrap();
        }
        let finished = recording.finish().unwrap();
        assert_eq!((finished.packets, finished.counts.repeated), (expected, 9 - expected));
    }
}

#[test]
fn a_file_keeps_what_it_holds_until_packets_are_written() {
    let clip = Clip::new(6);
    let packets = packets(&clip);
    let file = Temporary::with(b"an old recording");
    let begin = || Recording::create(file.open(), &clip.entry()).unwrap();
    let finished = begin().finish().unwrap();
    assert_eq!((finished.packets, finished.bytes), (0, 0));
    let mut recording = begin();
    recording.flush().unwrap();
    drop(recording);
    assert_eq!(file.bytes(), b"an old recording");
    let mut recording = begin();
    recording.packet(&packets[0]).unwrap();
    recording.flush().unwrap();
    assert_eq!(file.bytes().len(), clip.header.len() + PACKET_SIZE as usize);
    for packet in &packets[1..] {
        recording.packet(packet).unwrap();
    }
    drop(recording);
    assert_eq!(file.bytes(), clip.file());
    // What is no whole packet is kept as well, for whoever looks at it.
    let part = clip.file()[..clip.header.len() + 3].to_vec();
    let file = Temporary::with(&part);
    let resumed = Recording::resume(file.open(), &clip.entry()).unwrap();
    assert!(matches!(resumed, Resume::Fresh(_)), "{resumed:?}");
    drop(resumed);
    assert_eq!(file.bytes(), part);
}

#[test]
fn a_file_that_cannot_be_written_holds_nothing() {
    let clip = Clip::new(2);
    let packets = packets(&clip);
    let file = Temporary::with(b"an old recording");
    let only_read = std::fs::File::open(file.path()).unwrap();
    let mut recording = Recording::create(only_read, &clip.entry()).unwrap();
    recording.packet(&packets[0]).unwrap();
    assert_eq!(recording.so_far().packets, 1);
    let failed = recording.flush();
    assert!(matches!(failed, Err(RecordingError::Write(_))), "{failed:?}");
    let finished = recording.finish().unwrap();
    assert_eq!((finished.packets, finished.bytes), (0, 0));
    assert_eq!(file.bytes(), b"an old recording");
}

#[test]
fn a_server_that_only_repeats_itself_is_left() {
    let clip = Clip::new(1500);
    let packets = packets(&clip);
    let begin = |count: usize| {
        let file = Temporary::new();
        let mut recording = Recording::create(file.create(), &clip.entry()).unwrap();
        for packet in &packets[..count] {
            recording.packet(packet).unwrap();
        }
        (file, recording)
    };
    let (_file, mut recording) = begin(4);
    let mut more = std::iter::repeat_n(&packets[3], 10_000);
    let error = more.find_map(|packet| recording.packet(packet).err()).unwrap();
    assert!(matches!(error, RecordingError::NothingNew { packets: 1029 }), "{error}");
    assert_eq!(recording.finish().unwrap().packets, 4);

    // A server that says each packet a hundred times gets to the end, and so does one that begins
    // again from the first one.
    let (_file, mut recording) = begin(4);
    for packet in packets[..40].iter().flat_map(|packet| std::iter::repeat_n(packet, 100)) {
        recording.packet(packet).unwrap();
    }
    assert_eq!(recording.finish().unwrap().packets, 40);
    let (file, mut recording) = begin(1400);
    for packet in &packets {
        recording.packet(packet).unwrap();
    }
    assert_eq!(recording.finish().unwrap().packets, 1500);
    assert!(file.bytes() == clip.file());

    // While the place to go on is looked for, all that precedes it may come.
    let end = clip.header.len() + 1400 * PACKET_SIZE as usize;
    let half = || Temporary::with(&clip.file()[..end]);
    let resume = |file: &Temporary| match Recording::resume(file.open(), &clip.entry()) {
        Ok(Resume::Continue(recording)) => recording,
        other => panic!("{other:?}"),
    };
    let file = half();
    let mut recording = resume(&file);
    for packet in &packets {
        recording.packet(packet).unwrap();
    }
    drop(recording);
    assert!(file.bytes() == clip.file());
    let file = half();
    let mut recording = resume(&file);
    let mut more = std::iter::repeat_n(&packets[0], 10_000);
    let error = more.find_map(|packet| recording.packet(packet).err()).unwrap();
    assert!(matches!(error, RecordingError::NothingNew { packets: 2425 }), "{error}");
    drop(recording);
    assert!(file.bytes() == clip.file()[..end]);
}

#[test]
fn a_packet_that_is_too_long_is_left_out() {
    let clip = Clip::new(3);
    let small = mms_asf::testing::header(100, 3, &[TestStream::Audio(1)]);
    let content = mms_proto::Content::new(small).unwrap().with_packet_size(100).unwrap();
    let file = Temporary::new();
    let mut recording = Recording::create(file.create(), &Entry::new(content)).unwrap();
    let kept: Vec<_> = packets(&clip).iter().map(|packet| recording.packet(packet)).collect();
    assert!(kept.iter().all(Result::is_ok));
    let finished = recording.finish().unwrap();
    assert_eq!(finished.packets + finished.counts.too_long, 3);
    assert!(finished.counts.too_long > 0);
}

#[test]
fn at_any_moment_the_file_plays() {
    let clip = Clip::new(6);
    let packets = packets(&clip);
    let file = Temporary::new();
    let mut recording = Recording::create(file.create(), &clip.entry()).unwrap();
    for (number, packet) in packets.iter().enumerate() {
        recording.packet(packet).unwrap();
        recording.flush().unwrap();
        let reader = FileReader::open(io::Cursor::new(file.bytes())).unwrap();
        assert_eq!(reader.packet_count(), number as u64 + 1);
        assert!(reader.header().file().broadcast());
    }
    // Dropped, not finished.
    drop(recording);
    assert_eq!(file.bytes(), clip.file());
}

struct Full;

impl Write for Full {
    fn write(&mut self, _: &[u8]) -> io::Result<usize> {
        Err(io::ErrorKind::StorageFull.into())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn what_cannot_be_written_is_said() {
    let clip = Clip::new(3);
    let created = Recording::to_stream(Full, &clip.entry());
    assert!(matches!(created, Err(RecordingError::Write(_))), "{created:?}");
    let host = Host::new(clip);
    let session = patient().open(&host.url()).unwrap();
    let target = |_: u32, _: &_| Err(io::ErrorKind::PermissionDenied.into());
    let failed = record(session, &RecordOptions::new(), target, |_| {}).unwrap_err();
    assert!(failed.to_string().contains("cannot open the recording"), "{failed}");
}
