//! Files that many players share, that are cut while they are served, and that somebody else made.

use std::fs::{self, OpenOptions};
use std::time::Duration;

use crate::support::film::{AUDIO, Film, HIGH, LOW, PACKET_SIZE, bodies, numbers, rest, stream};
use crate::support::samples::samples;
use mms_asf::{FileReader, Packet};
use mms_examples::serve::{Outgoing, Step, Title, TitleError, Titles};
use mms_proto::{Delivery, Features, PlayRequest, Rate, Start, StreamNumber, StreamSelection};

fn all() -> PlayRequest {
    PlayRequest::all([AUDIO, LOW, HIGH].map(stream))
}

/// Every way to play, from a place in the middle.
fn ways() -> Vec<PlayRequest> {
    let thin = StreamSelection::new(stream(LOW), Delivery::KeyFramesOnly);
    let mut ways = Vec::new();
    for streams in [all(), PlayRequest::all([stream(LOW)]), PlayRequest::select([thin])] {
        for start in
            [Start::Beginning, Start::Time(Duration::from_secs(3)), Start::packet(50).unwrap()]
        {
            for rate in [1.0, 5.0, -5.0] {
                ways.push(streams.clone().start(start).rate(Rate::new(rate).unwrap()));
            }
        }
    }
    ways
}

fn cut(film: &Film, len: usize) {
    let file = OpenOptions::new().write(true).open(&film.path).unwrap();
    file.set_len(len as u64).unwrap();
}

#[test]
fn a_file_is_cut_while_it_plays() {
    for request in ways() {
        for left in [0, 20 * PACKET_SIZE as usize, 20 * PACKET_SIZE as usize + 100] {
            let film = Film::new(20);
            let mut title = film.title();
            title.play(&request);
            let first = title.next_packet().unwrap().unwrap();
            cut(&film, film.header.len() + left);
            // What was read ahead is still there; then it ends, with an error unless the rest of
            // the file was not needed.
            let mut sent = vec![first];
            let failed = loop {
                match title.next_packet() {
                    Ok(Some(outgoing)) => sent.push(outgoing),
                    Ok(None) => break false,
                    Err(_) => break true,
                }
            };
            let whole = film.packets.len();
            assert!(sent.len() < whole / 2, "{} of {whole} packets: {request:?}", sent.len());
            assert!(failed || request.rate.get() < 0.0, "{request:?}");
            // A player that begins again is told.
            let seek = all().start(Start::Time(Duration::from_secs(15)));
            title.play(&seek);
            assert!(title.next_packet().is_err());
            title.select(&[StreamSelection::off(stream(LOW))]);
            assert!(!matches!(title.step(), Ok(Step::Packet(_))));
        }
    }
}

#[test]
fn a_file_that_is_overwritten_while_it_plays() {
    for request in ways() {
        let film = Film::new(5);
        let mut title = film.title();
        title.play(&request);
        title.next_packet().unwrap().unwrap();
        let mut bytes = fs::read(&film.path).unwrap();
        bytes
            .iter_mut()
            .enumerate()
            .for_each(|(n, byte)| *byte = u8::try_from(n * 31 % 253).unwrap());
        fs::write(&film.path, bytes).unwrap();
        assert!(rest(&mut title).len() <= film.packets.len());
        title.select(&[StreamSelection::off(stream(LOW)), StreamSelection::full(stream(HIGH))]);
        title.play(&request);
        assert!(rest(&mut title).len() <= film.packets.len());
    }
}

#[test]
fn what_cannot_be_served() {
    let film = Film::new(1);
    cut(&film, film.header.len() + 100);
    assert!(matches!(Title::open(&film.path), Err(TitleError::Empty)));
    cut(&film, film.header.len() - 60);
    assert!(matches!(Title::open(&film.path), Err(TitleError::File(_))));
    assert!(matches!(Title::open(&film.folder), Err(TitleError::File(_))));
    assert!(matches!(Title::open(&film.folder.join("other.wmv")), Err(TitleError::File(_))));
}

#[test]
fn players_of_one_file_do_not_disturb_each_other() {
    let film = Film::new(3);
    let titles = Titles::default();
    let requests = [
        all(),
        PlayRequest::all([stream(AUDIO)]),
        all().rate(Rate::new(-1.0).unwrap()).start(Start::Time(Duration::from_secs(3))),
        all().start(Start::packet(9).unwrap()),
    ];
    let mut players: Vec<(Title, Vec<Outgoing>)> = Vec::new();
    for request in &requests {
        let mut title = titles.open(&film.path).unwrap();
        title.play(request);
        players.push((title, Vec::new()));
    }
    for _ in 0..film.packets.len() {
        for (title, sent) in &mut players {
            sent.extend(title.next_packet().unwrap());
        }
    }
    for ((_, sent), request) in players.iter().zip(&requests) {
        assert_eq!(*sent, film.play(request));
    }
}

#[test]
fn a_file_that_was_changed_is_another_one() {
    let film = Film::new(3);
    let titles = Titles::default();
    let old = titles.open(&film.path).unwrap();
    let longer = Film::new(6);
    // As who replaces a file does: those who play it keep what they have.
    fs::rename(&longer.path, &film.path).unwrap();
    let mut new = titles.open(&film.path).unwrap();
    assert_eq!(new.content().packet_count(), Some(longer.packets.len() as u64));
    assert_eq!(old.content().packet_count(), Some(film.packets.len() as u64));
    new.play(&all());
    assert_eq!(bodies(&rest(&mut new)), longer.packets);
}

#[test]
fn one_more_player_costs_little() {
    let film = Film::new(30);
    let titles = Titles::default();
    let mut first = titles.open(&film.path).unwrap();
    first.play(&all());
    for request in ways() {
        let used = allocation_counter::measure(|| {
            let mut title = titles.open(&film.path).unwrap();
            title.strip_padding(true);
            title.play(&request);
            while title.next_packet().unwrap().is_some() {}
        });
        let most = 4 << 10;
        // Packets of 500 bytes included, of which there are three at a time.
        assert!(used.bytes_max < most, "{} bytes at most: {request:?}", used.bytes_max);
    }
}

fn played(title: &mut Title, request: &PlayRequest) -> Vec<Outgoing> {
    title.play(request);
    rest(title)
}

#[test]
fn real_files() {
    // MMSP-S-050, MMSP-S-060
    let mut opened = 0;
    for path in samples() {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let Ok(mut title) = Title::open(&path) else { continue };
        opened += 1;
        let mut reader = FileReader::open(fs::File::open(&path).unwrap()).unwrap();
        let count = reader.packet_count();
        let packets: Vec<_> = (0..count).map(|n| reader.packet(n).unwrap()).collect();
        let size = reader.header().file().packet_size;
        let streams: Vec<StreamNumber> =
            reader.header().stream_numbers().filter_map(StreamNumber::new).collect();

        let whole = PlayRequest::all(streams.clone());
        assert_eq!(bodies(&played(&mut title, &whole)), packets, "{name}");
        for &one in &streams {
            let request = PlayRequest::all([one]);
            let sent = played(&mut title, &request);
            for outgoing in &sent {
                let packet = Packet::parse(&outgoing.body, size).unwrap();
                assert!(packet.payloads().all(|p| p.unwrap().stream == one.get()), "{name}");
            }
            if let Some(middle) = sent.get(sent.len() / 2) {
                let start = Start::packet(middle.number).unwrap();
                let again = played(&mut title, &request.start(start));
                assert_eq!(again, sent[sent.len() / 2..], "{name}, stream {one}");
            }
        }
        let middle = title.content().duration().unwrap_or_default() / 2;
        let sought = played(&mut title, &whole.clone().start(Start::Time(middle)));
        if let Some(first) = sought.first() {
            assert_eq!(bodies(&sought), packets[first.number as usize..], "{name}");
        }
        let end = whole.clone().start(Start::packet(u32::MAX - 1).unwrap());
        let back = played(&mut title, &end.rate(Rate::new(-5.0).unwrap()));
        let fast = played(&mut title, &whole.rate(Rate::new(5.0).unwrap()));
        if title.content().features().contains(Features::STRIDABLE) {
            assert!(!back.is_empty() && !fast.is_empty(), "{name}");
            assert!(fast.len() <= packets.len() && numbers(&fast).is_sorted(), "{name}");
        }
    }
    assert!(opened > 40 || std::env::var_os("MMS_SAMPLES").is_none(), "{opened} files");
}
