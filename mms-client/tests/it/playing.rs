//! Sessions with a server that does everything right.

use std::thread;
use std::time::{Duration, Instant};

use mms_client::{Cancel, Error, Recording, open};
use mms_proto::{HResult, Phase, PlayRequest, Start, StreamNumber, StreamSelection};

use crate::common::{Clip, Host, Temporary, patient, url};

#[test]
fn a_whole_download() {
    let clip = Clip::new(40);
    let host = Host::new(clip.clone());
    let file = Temporary::new();
    let session = open(&host.url().to_string()).unwrap();
    assert_eq!(session.content().packet_count(), Some(40));
    assert_eq!(session.server().unwrap().version.major, 9);
    assert_eq!(session.server_address(), host.address.to_string());
    let mut recording = Recording::create(file.create(), session.entry()).unwrap();
    let mut playback = session.play_all().unwrap();
    for packet in &mut playback {
        recording.packet(&packet.unwrap()).unwrap();
    }
    let end = playback.end().unwrap();
    assert_eq!((end.hr, end.more), (HResult::OK, false));
    assert!(playback.next().is_none());
    assert_eq!((playback.stats().packets, playback.deviations().len()), (40, 0));
    assert!(playback.next_entry().unwrap().is_none());
    let finished = recording.finish().unwrap();
    assert_eq!(file.bytes(), clip.file());
    assert_eq!((finished.packets, finished.bytes), (40, clip.file().len() as u64));
}

#[test]
fn each_session_has_its_own_guid_and_names_every_stream() {
    // MMSP-C-060
    let host = Host::new(Clip::new(3));
    for _ in 0..2 {
        let session = patient().open(&host.url()).unwrap();
        let only = PlayRequest::all(StreamNumber::new(2));
        session.play(only).unwrap().close().unwrap();
    }
    let plays = host.plays.lock().unwrap();
    let one = StreamNumber::new(1).unwrap();
    let two = StreamNumber::new(2).unwrap();
    let expected = [StreamSelection::full(two), StreamSelection::off(one)];
    assert!(plays.iter().all(|play| play.streams == expected), "{plays:?}");
    let guids = host.clients.lock().unwrap();
    assert_eq!(guids.len(), 2);
    assert_ne!(guids.first(), guids.last());
    assert!(guids.iter().all(|name| name.starts_with("NSPlayer/9.0.0.2980; {")), "{guids:?}");
}

#[test]
fn a_file_that_is_not_there_is_named() {
    let host = Host::new(Clip::new(1));
    let error = patient().open(&url(host.address, "other.wmv")).unwrap_err();
    let text = error.to_string();
    assert!(text.starts_with(&host.address.to_string()), "{text}");
    assert!(text.contains("while opening the file"), "{text}");
    assert!(text.contains("NS_E_FILE_NOT_FOUND"), "{text}");
    let Error::Protocol { source: mms_proto::Error::Refused { phase, hr }, .. } = error else {
        panic!("{error:?}");
    };
    assert_eq!((phase, hr), (Phase::Opening, HResult::FILE_NOT_FOUND));
}

#[test]
fn seeking_and_stopping() {
    let host = Host::new(Clip::new(200));
    let session = patient().open(&host.url()).unwrap();
    let mut playback = session.play_all().unwrap();
    assert_eq!(playback.next().unwrap().unwrap().location_id, 0);
    playback.seek(Start::packet(150).unwrap()).unwrap();
    let numbers: Vec<u32> = playback.by_ref().map(|packet| packet.unwrap().location_id).collect();
    assert_eq!(numbers, (150..200).collect::<Vec<u32>>());
    // Again from the end, and again from a pause.
    playback.seek(Start::Time(Duration::from_secs(20))).unwrap();
    assert_eq!(playback.end(), None);
    assert_eq!(playback.next().unwrap().unwrap().location_id, 20);
    let session = playback.stop().unwrap();
    let request = session.all_streams().unwrap().start(Start::packet(198).unwrap());
    let mut playback = session.play(request).unwrap();
    assert_eq!(playback.by_ref().count(), 2);
    playback.stop().unwrap().close().unwrap();
}

#[test]
fn selecting_streams_while_playing() {
    let host = Host::new(Clip::new(100));
    let mut playback = patient().open(&host.url()).unwrap().play_all().unwrap();
    let two = StreamNumber::new(2).unwrap();
    playback.select_streams(&[StreamSelection::off(two)]).unwrap();
    let again = playback.select_streams(&[StreamSelection::off(two)]);
    assert!(matches!(again, Err(Error::State(_))), "{again:?}");
    assert_eq!(playback.by_ref().map(Result::unwrap).count(), 100);
    // A seek keeps the selection.
    playback.seek(Start::Beginning).unwrap();
    playback.next().unwrap().unwrap();
    let plays = host.plays.lock().unwrap();
    assert!(plays.last().unwrap().streams.contains(&StreamSelection::off(two)), "{plays:?}");
}

#[test]
fn a_bandwidth_test() {
    let host = Host::new(Clip::new(1));
    // Packets that arrive in one piece cannot be told apart in time: no result then.
    let session = patient().packet_pair(true).open(&host.url()).unwrap();
    assert!(session.bandwidth().is_none_or(|rate| rate > 0));
    assert_eq!(session.play_all().unwrap().map(Result::unwrap).count(), 1);
}

#[test]
fn cancelled_from_another_thread() {
    let clip = Clip::new(40);
    // Before anything, while the server is silent in the handshake, and while it plays.
    for stall in [0, 100, 400, 1200, 2500] {
        let host = Host::new(clip.clone());
        host.fault(crate::common::Fault::stall(stall));
        let cancel = Cancel::new();
        let options = patient().cancel(cancel.clone());
        let address = host.url();
        let reader = thread::spawn(move || {
            let playback = options.open(&address)?.play_all()?;
            playback.collect::<Result<Vec<_>, Error>>()
        });
        thread::sleep(Duration::from_millis(50));
        let before = Instant::now();
        cancel.cancel();
        let result = reader.join().unwrap();
        assert!(matches!(result, Err(Error::Cancelled)), "{stall}: {result:?}");
        assert!(before.elapsed() < Duration::from_secs(5));
        let again = patient().cancel(cancel).open(&host.url());
        assert!(matches!(again, Err(Error::Cancelled)), "{again:?}");
    }
}

#[test]
fn dropping_is_quick_and_says_goodbye() {
    let host = Host::new(Clip::new(4000));
    let mut playback = patient().open(&host.url()).unwrap().play_all().unwrap();
    playback.next().unwrap().unwrap();
    let before = Instant::now();
    drop(playback);
    drop(patient().open(&host.url()).unwrap());
    assert!(before.elapsed() < Duration::from_secs(5));
}
