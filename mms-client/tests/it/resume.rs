//! Recordings that break off anywhere and go on.

use std::time::Duration;

use bytes::Bytes;
use mms_asf::{Header, IndexObject, Shift, TimeShifter};

use crate::common::{Clip, Fault, Host, PACKET_SIZE, Temporary, patient};
use mms_client::{
    Error, RecordOptions, Recording, RecordingError, Resume, ResumeRefused, Summary, Target, record,
};
use mms_proto::Start;

/// One session into the file, resumed or not.
fn run(
    host: &Host,
    file: &Temporary,
    options: &RecordOptions,
    resume: bool,
) -> Result<Summary, Error> {
    let session = patient().open(&host.url())?;
    let target = |_: u32, _: &_| {
        Ok(Some(if resume { Target::Resume(file.open()) } else { Target::Create(file.create()) }))
    };
    record(session, options, target, |_| {}).map_err(|failed| failed.error)
}

fn refused(result: Result<Summary, Error>) -> ResumeRefused {
    match result {
        Err(Error::Recording(RecordingError::Resume(reason))) => reason,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_connection_cut_at_any_byte() {
    let clip = Clip::new(24);
    let host = Host::new(clip.clone());
    let whole = Temporary::new();
    run(&host, &whole, &RecordOptions::new(), false).unwrap();
    assert_eq!(whole.bytes(), clip.file());
    let session = host.sent();
    let positions: Vec<usize> = (0..session).step_by(7).collect();
    assert!(positions.len() >= 200, "{} of {session}", positions.len());
    for at in positions {
        let file = Temporary::new();
        host.fault(Fault::cut(at));
        let cut = run(&host, &file, &RecordOptions::new(), true);
        assert!(cut.is_err() || file.bytes() == clip.file(), "cut at {at}: {cut:?}");
        let resumed = run(&host, &file, &RecordOptions::new(), true);
        assert!(resumed.is_ok(), "cut at {at}: {resumed:?}");
        assert_eq!(file.bytes(), clip.file(), "cut at {at}");
    }
}

#[test]
fn a_stream_whose_clock_started_anew_goes_on_byte_for_byte() {
    let mut clip = Clip::video(24);
    for (number, packet) in clip.packets.iter_mut().enumerate() {
        let clock = match number {
            0..6 => 0,
            6..15 => -5_000,
            _ => 4_000_000_000,
        };
        let mut bytes = packet.to_vec();
        let header = Header::parse(&clip.header).unwrap();
        TimeShifter::new(&header).shift(&mut bytes, Shift::all(clock)).unwrap();
        *packet = bytes.into();
    }
    let host = Host::new(clip.clone());
    let whole = Temporary::new();
    let summary = run(&host, &whole, &RecordOptions::new(), false).unwrap();
    assert_eq!((summary.packets, summary.restarts), (24, 2));
    let bytes = whole.bytes();
    let straight = Clip::video(24).file();
    let packets = clip.header.len()..straight.len();
    assert!(bytes[packets.clone()] == straight[packets]);
    // The index that follows is part of a file that is cut.
    let size = PACKET_SIZE as usize;
    for length in (clip.header.len()..bytes.len()).step_by(size).chain([bytes.len()]) {
        let file = Temporary::with(&bytes[..length]);
        let resumed = run(&host, &file, &RecordOptions::new(), true);
        assert!(file.bytes() == bytes, "{length}: {resumed:?}");
    }
}

/// The file as a crash leaves it: not finished, with these packets.
fn unfinished(clip: &Clip) -> Vec<u8> {
    let header = Header::parse(&clip.header).unwrap();
    let initial = mms_asf::Finalizer::new(&header).initial_header();
    let rest = clip.file().split_off(initial.len());
    [&initial[..], &rest].concat()
}

#[test]
fn a_file_cut_at_any_byte() {
    let clip = Clip::new(8);
    let host = Host::new(clip.clone());
    for bytes in [clip.file(), unfinished(&clip)] {
        for length in (0..bytes.len()).step_by(7).chain([bytes.len() - 1, bytes.len()]) {
            let file = Temporary::with(&bytes[..length]);
            let summary = run(&host, &file, &RecordOptions::new(), true).unwrap();
            assert_eq!(file.bytes(), clip.file(), "length {length}");
            let whole = length.saturating_sub(clip.header.len()) / PACKET_SIZE as usize;
            assert_eq!(summary.resumed_from.unwrap_or(0), whole as u64, "length {length}");
            assert_eq!(summary.already_complete, whole == 8, "length {length}");
        }
    }
}

#[test]
fn only_what_is_missing_is_asked_for() {
    // MMSP-C-084: from the last whole packet on, which is compared and not written again
    let clip = Clip::new(8);
    let host = Host::new(clip.clone());
    let file = Temporary::with(&clip.file()[..clip.header.len() + 5 * PACKET_SIZE as usize + 3]);
    run(&host, &file, &RecordOptions::new(), true).unwrap();
    let starts: Vec<Start> = host.plays.lock().unwrap().iter().map(|play| play.start).collect();
    assert_eq!(starts, [Start::packet(4).unwrap()]);
}

#[test]
fn a_complete_file_is_left_alone() {
    let clip = Clip::new(8);
    let host = Host::new(clip.clone());
    // An index behind the packets is none of our business.
    for more in [&b""[..], b"an index"] {
        let bytes = [&clip.file()[..], more].concat();
        let file = Temporary::with(&bytes);
        let summary = run(&host, &file, &RecordOptions::new(), true).unwrap();
        assert!(summary.already_complete);
        assert_eq!((summary.packets, summary.entries), (8, 1));
        assert_eq!(file.bytes(), bytes);
        assert!(host.plays.lock().unwrap().is_empty());
    }
}

#[test]
fn an_original_with_its_index_is_left_alone() {
    // A short index, and one that is longer than a packet.
    for index in [&b"an index"[..], &[7; 3 * PACKET_SIZE as usize]] {
        let mut clip = Clip::new(8);
        let size = (clip.file().len() + index.len()) as u64;
        let mut header = clip.header.to_vec();
        let parsed = Header::parse(&clip.header).unwrap();
        let patches = mms_asf::Finalizer::new(&parsed).finish().patches;
        let at = usize::try_from(patches[0].offset).unwrap();
        header[at..at + 8].copy_from_slice(&size.to_le_bytes());
        clip.header = header.into();
        let original = [&clip.file()[..], index].concat();
        let host = Host::new(clip.clone());
        let file = Temporary::with(&original);
        let summary = run(&host, &file, &RecordOptions::new(), true).unwrap();
        assert!(summary.already_complete);
        assert_eq!(file.bytes(), original);

        // Our own recordings of it have no index, and say so when they are finished.
        let whole = Temporary::new();
        run(&host, &whole, &RecordOptions::new(), false).unwrap();
        let recording = whole.bytes();
        assert!(recording[..clip.header.len()] != clip.header);
        for packets in [3, 8] {
            let end = clip.header.len() + packets * PACKET_SIZE as usize;
            for bytes in [recording[..end].to_vec(), unfinished(&clip)[..end].to_vec()] {
                let file = Temporary::with(&bytes);
                run(&host, &file, &RecordOptions::new(), true).unwrap();
                assert_eq!(file.bytes(), recording, "{packets}");
            }
        }
    }
}

#[test]
fn the_announced_count_goes_before_the_one_in_the_header() {
    let streams = [mms_asf::testing::TestStream::Audio(1), mms_asf::testing::TestStream::Video(2)];
    let mut clip = Clip::new(12);
    for declared in [4, 20] {
        clip.header = mms_asf::testing::header(PACKET_SIZE, declared, &streams);
        let host = Host::new(clip.clone());
        let whole = Temporary::new();
        assert_eq!(run(&host, &whole, &RecordOptions::new(), false).unwrap().packets, 12);
        for packets in [1, 4, 5, 12] {
            let end = clip.header.len() + packets * PACKET_SIZE as usize;
            let file = Temporary::with(&whole.bytes()[..end]);
            run(&host, &file, &RecordOptions::new(), true).unwrap();
            assert_eq!(file.bytes(), whole.bytes(), "{packets} of {declared}");
        }
        // Finished, but early: just where the header claims the end to be.
        let early = Temporary::new();
        let entry = clip.entry();
        let mut recording = Recording::create(early.create(), &entry).unwrap();
        let session = patient().open(&host.url()).unwrap();
        for packet in session.play_all().unwrap().take(4) {
            recording.packet(&packet.unwrap()).unwrap();
        }
        recording.finish().unwrap();
        run(&host, &early, &RecordOptions::new(), true).unwrap();
        assert_eq!(early.bytes(), whole.bytes(), "{declared}");
    }
}

#[test]
fn other_starts_and_durations() {
    let clip = Clip::new(12);
    let host = Host::new(clip.clone());
    let offset = u32::try_from(clip.header.len()).unwrap() + 4 * PACKET_SIZE;
    for start in [
        Start::packet(4).unwrap(),
        Start::Time(Duration::from_secs(4)),
        Start::ByteOffset(offset.into()),
    ] {
        let options = RecordOptions::new().start(start);
        let whole = Temporary::new();
        let summary = run(&host, &whole, &options, false).unwrap();
        assert_eq!(summary.packets, 8);
        let bytes = whole.bytes();
        for packets in 1..=8 {
            let cut = clip.header.len() + packets * PACKET_SIZE as usize + 1;
            let file = Temporary::with(&bytes[..cut.min(bytes.len())]);
            let summary = run(&host, &file, &options, true).unwrap();
            assert_eq!(file.bytes(), bytes, "{start:?}, {packets} packets");
            assert_eq!(summary.resumed_from, Some(packets as u64));
        }
        let file = Temporary::with(&bytes[..clip.header.len() + 3 * PACKET_SIZE as usize]);
        let before = file.bytes();
        let other = RecordOptions::new().start(Start::Time(Duration::from_secs(5)));
        assert_eq!(refused(run(&host, &file, &other, true)), ResumeRefused::OtherStart);
        assert_eq!(file.bytes(), before);
        // Without the start nobody knows how far times were moved.
        let forgotten = run(&host, &file, &RecordOptions::new(), true);
        assert_eq!(refused(forgotten), ResumeRefused::OtherPackets);
        assert_eq!(file.bytes(), before);
    }
    // A recording that was ended on purpose goes on when more is wanted.
    let file = Temporary::new();
    let short = RecordOptions::new().duration(Duration::from_secs(5));
    let summary = run(&host, &file, &short, false).unwrap();
    assert_eq!((summary.packets, summary.end), (5, None));
    let again = run(&host, &file, &short, true).unwrap();
    assert!(again.already_complete);
    // Less than there is already.
    let before = file.bytes();
    let less = RecordOptions::new().duration(Duration::from_secs(2));
    assert!(run(&host, &file, &less, true).unwrap().already_complete);
    assert_eq!(file.bytes(), before);
    let longer = RecordOptions::new().duration(Duration::from_secs(7));
    assert_eq!(run(&host, &file, &longer, true).unwrap().packets, 7);
    run(&host, &file, &RecordOptions::new(), true).unwrap();
    assert_eq!(file.bytes(), clip.file());
}

#[test]
fn an_index_is_part_of_the_same_file() {
    let clip = Clip::video(9);
    let host = Host::new(clip.clone());
    for start in [Start::Beginning, Start::packet(4).unwrap()] {
        let options = RecordOptions::new().start(start);
        let whole = Temporary::new();
        let summary = run(&host, &whole, &options, false).unwrap();
        let bytes = whole.bytes();
        assert_eq!(summary.bytes, bytes.len() as u64);
        let data_end =
            clip.header.len() + usize::try_from(summary.packets).unwrap() * PACKET_SIZE as usize;
        let index = IndexObject::parse(&Bytes::copy_from_slice(&bytes[data_end..])).unwrap();
        let IndexObject::Simple(index) = index else { panic!("{index:?}") };
        // Three seconds of preroll lead to the first packet.
        let packets: Vec<_> = index.entries().map(|entry| entry.packet).collect();
        let first_of = |n: u32| n.saturating_sub(3);
        assert_eq!(
            packets,
            (0..u32::try_from(index.len()).unwrap()).map(first_of).collect::<Vec<_>>()
        );
        let header = Header::parse(&Bytes::copy_from_slice(&bytes[..clip.header.len()])).unwrap();
        assert_eq!(header.file().file_size, bytes.len() as u64);
        assert!(header.file().seekable());

        // Cut in packets and anywhere in the index, in front of it and behind it.
        let cuts = (clip.header.len()..data_end).step_by(67).chain(data_end..=bytes.len());
        for cut in cuts {
            let file = Temporary::with(&bytes[..cut]);
            run(&host, &file, &options, true).unwrap();
            assert_eq!(file.bytes(), bytes, "{start:?} cut at {cut} of {}", bytes.len());
        }
        // Killed when the index was written and the header was not, or not wholly.
        let mut unfinished = bytes.clone();
        let recording = mms_asf::Finalizer::new(&Header::parse(&clip.header).unwrap());
        unfinished[..clip.header.len()].copy_from_slice(&recording.initial_header());
        let file = Temporary::with(&unfinished);
        run(&host, &file, &options, true).unwrap();
        assert_eq!(file.bytes(), bytes);
    }
}

#[test]
fn what_cannot_be_resumed() {
    let clip = Clip::new(8);
    let host = Host::new(clip.clone());
    let half = clip.file()[..clip.header.len() + 4 * PACKET_SIZE as usize].to_vec();

    let check = |host: &Host, bytes: &[u8], reason| {
        let file = Temporary::with(bytes);
        assert_eq!(refused(run(host, &file, &RecordOptions::new(), true)), reason);
        assert_eq!(file.bytes(), bytes);
    };
    // Another stream with the same layout, another header, no recording at all.
    let other = Host::new(Clip::with(8, b"other media"));
    check(&other, &half, ResumeRefused::OtherPackets);
    let now_live = Host::new(Clip { header: Clip::live(8).header, ..clip.clone() });
    check(&now_live, &half, ResumeRefused::Live);
    for junk in [&b"#!/bin/sh\n"[..], &[7; 4000]] {
        check(&host, junk, ResumeRefused::OtherStream);
    }
    // A last packet with fewer payloads, as a server that filters would send it.
    let mut filtered = half;
    filtered[clip.header.len() + 3 * PACKET_SIZE as usize + 30] ^= 1;
    check(&host, &filtered, ResumeRefused::OtherPackets);
    // More packets than there are.
    let mut long_unfinished = unfinished(&clip);
    long_unfinished.extend_from_slice(&[0; 5000]);
    check(&host, &long_unfinished, ResumeRefused::OtherPackets);
    // A stream that cannot go back.
    let live = Host::new(Clip::live(8));
    let broken_off = Clip::live(4).file();
    check(&live, &broken_off, ResumeRefused::Live);
    // An empty file is no reason to refuse anything.
    let file = Temporary::with(b"");
    assert_eq!(run(&live, &file, &RecordOptions::new(), true).unwrap().packets, 8);
}

#[cfg(unix)]
#[test]
fn devices_cannot_be_resumed() {
    let clip = Clip::new(2);
    let device = || std::fs::File::options().read(true).write(true).open("/dev/null").unwrap();
    let resumed = Recording::resume(device(), &clip.entry());
    assert!(matches!(resumed, Err(RecordingError::NotAFile)), "{resumed:?}");
    let created = Recording::create(device(), &clip.entry());
    assert!(matches!(created, Err(RecordingError::NotAFile)), "{created:?}");
    assert!(Recording::to_stream(device(), &clip.entry()).is_ok());
}

#[test]
fn cutting_again_and_again() {
    let clip = Clip::new(16);
    let host = Host::new(clip.clone());
    let file = Temporary::new();
    let mut sessions = 0;
    loop {
        host.fault(Fault::cut(2000));
        sessions += 1;
        match run(&host, &file, &RecordOptions::new(), true) {
            Ok(_) => break,
            Err(error) => assert!(matches!(error, Error::Protocol { .. }), "{error}"),
        }
    }
    assert!(sessions > 2, "{sessions}");
    assert_eq!(file.bytes(), clip.file());
}

#[test]
fn a_recording_by_hand_goes_on() {
    let clip = Clip::new(6);
    let host = Host::new(clip.clone());
    let file = Temporary::with(&clip.file()[..clip.header.len() + 2 * PACKET_SIZE as usize]);
    let session = patient().open(&host.url()).unwrap();
    let Resume::Continue(mut recording) = Recording::resume(file.open(), session.entry()).unwrap()
    else {
        panic!()
    };
    let start = recording.resume_at(0).unwrap();
    let request = session.all_streams().unwrap().start(start);
    for packet in session.play(request).unwrap() {
        recording.packet(&packet.unwrap()).unwrap();
    }
    assert_eq!(recording.finish().unwrap().packets, 6);
    assert_eq!(file.bytes(), clip.file());
}

#[test]
fn half_a_packet_does_not_stay_behind_a_recording_that_breaks_off_again() {
    let clip = Clip::new(6);
    let host = Host::new(clip.clone());
    let whole = clip.header.len() + 3 * PACKET_SIZE as usize;
    let file = Temporary::with(&clip.file()[..whole + 99]);
    let session = patient().open(&host.url()).unwrap();
    let Resume::Continue(mut recording) = Recording::resume(file.open(), session.entry()).unwrap()
    else {
        panic!()
    };
    let start = recording.resume_at(0).unwrap();
    let request = session.all_streams().unwrap().start(start);
    let last = session.play(request).unwrap().next().unwrap().unwrap();
    recording.packet(&last).unwrap();
    // Whether the half is that of the next packet could be seen by that one alone.
    assert!(recording.is_catching_up());
    assert_eq!(recording.finish().unwrap().packets, 3);
    assert_eq!(file.bytes().len(), whole);
}
