//! Live content from another server, over connections that break.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::time::Duration;

use crate::support::cutter::Cutter;
use crate::support::fed::{Fed, headers, packets};
use crate::support::origin::{self, Entry, Visit};
use crate::support::scratch::Scratch;
use crate::support::served::Served;
use bytes::{Bytes, BytesMut};
use mms_asf::testing::{self, TestStream};
use mms_asf::{FileReader, Removal, remove_padding};
use mms_client::MmsUrl;
use mms_examples::serve::Options;
use mms_examples::serve::feed::{FeedItem, FeedSource, UpstreamOptions};
use mms_proto::HResult;

const CLIP: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/clips/test-pattern.wmv");
const SIZE: u32 = 200;

fn upstream(address: SocketAddr, path: &str) -> UpstreamOptions {
    let url = MmsUrl::parse(&format!("mms://{address}/{path}")).unwrap();
    let mut options = UpstreamOptions::new(url);
    options.first_pause = Duration::from_millis(10);
    options.longest_pause = Duration::from_millis(40);
    options
}

fn feed(address: SocketAddr, path: &str) -> Fed {
    Fed::start(FeedSource::Upstream(upstream(address, path)))
}

/// Notes of connections that failed.
fn notes(items: &[FeedItem]) -> usize {
    items.iter().filter(|item| is_failure(item)).count()
}

fn is_failure(item: &FeedItem) -> bool {
    matches!(item, FeedItem::Note(note) if note.contains("; trying again in "))
}

/// What is said of each connection that came about, after the name of the server.
fn connections(items: &[FeedItem]) -> Vec<&str> {
    let connected = items.iter().filter_map(|item| match item {
        FeedItem::Note(note) => note.strip_prefix("connected to "),
        _ => None,
    });
    connected.map(|note| note.split_once(' ').map_or("", |(_, rest)| rest)).collect()
}

/// The clip's header and packets.
fn clip() -> (Bytes, Vec<Bytes>) {
    let mut reader = FileReader::open(std::fs::File::open(CLIP).unwrap()).unwrap();
    let count = reader.packet_count();
    let packets = (0..count).map(|number| reader.packet(number).unwrap()).collect();
    (reader.header().as_bytes().clone(), packets)
}

#[test]
fn a_file_comes_whole_over_three_connections() {
    let server = Served::start(Options::new(CLIP));
    let cutter = Cutter::start(server.address, &[20_000, 150_000]);
    let items = feed(cutter.address, "test-pattern.wmv").all();
    let (header, wanted) = clip();
    assert_eq!(headers(&items), [header]);
    let own = |item: &FeedItem| !matches!(item, FeedItem::Packet(packet) if !packet.is_unique());
    assert!(items.iter().all(own), "a packet keeps more than itself alive");
    let packets = packets(&items);
    assert_eq!(packets.len(), wanted.len());
    assert!(packets == wanted, "byte for byte");
    assert_eq!(items.last(), Some(&FeedItem::End));
    assert_eq!((notes(&items), cutter.connections()), (2, 3));
}

#[test]
fn a_server_that_is_not_there_yet_is_waited_for() {
    let server = Served::start(Options::new(CLIP));
    // Before the answer to the first message, in the header, and in it again.
    let cutter = Cutter::start(server.address, &[0, 700, 900]);
    let items = feed(cutter.address, "test-pattern.wmv").all();
    let (header, wanted) = clip();
    assert_eq!(headers(&items), [header]);
    assert!(packets(&items) == wanted, "byte for byte");
    assert_eq!(notes(&items), 3);
}

#[test]
fn a_server_that_sends_nothing_of_use_is_left() {
    let server = crate::scripted::server::Server::start(|number, peer| {
        peer.start();
        if number > 0 {
            let rest = peer.first..peer.clip.packets.len();
            peer.media(rest);
            peer.end(HResult::OK);
            return peer.linger();
        }
        peer.media(0..3);
        // Longer than any packet of the file can be, and what was there already, now and then.
        let (label, packet) = (peer.label, peer.clip.packets[0].clone());
        let long = Bytes::from(vec![0x82; packet.len() + 1]);
        while peer.data(3, label, 0, long.clone()) {
            std::thread::sleep(Duration::from_millis(100));
        }
    });
    let mut options = upstream(server.address, "clip.wmv");
    options.open = options.open.timeout(Duration::from_millis(400));
    let begun = std::time::Instant::now();
    let items = Fed::start(FeedSource::Upstream(options)).all();
    assert!(begun.elapsed() < Duration::from_secs(8), "{:?}", begun.elapsed());
    let (header, wanted) = clip();
    assert_eq!(headers(&items), [header]);
    assert!(packets(&items) == wanted, "byte for byte");
    assert_eq!((notes(&items), items.last()), (1, Some(&FeedItem::End)));
}

#[test]
fn a_server_that_wants_a_password_is_believed() {
    let scratch = Scratch::new("upstream-users");
    let users = scratch.join("users.txt");
    std::fs::write(&users, "anna:secret\n").unwrap();
    let mut options = Options::new(CLIP);
    options.users = Some(users);
    let server = Served::start(options);
    let items = feed(server.address, "test-pattern.wmv").all();
    assert!(matches!(items[..], [FeedItem::Failed(_)]), "{items:?}");
    let mut upstream = upstream(server.address, "test-pattern.wmv");
    upstream.open = upstream.open.credentials("anna", "secret").allow_clear_text(true);
    let items = Fed::start(FeedSource::Upstream(upstream)).all();
    assert!(packets(&items) == clip().1, "byte for byte");
}

#[test]
fn a_stream_that_is_not_there_yet_is_waited_for() {
    let scratch = Scratch::new("upstream-later");
    std::fs::copy(CLIP, scratch.join("other.wmv")).unwrap();
    let server = Served::start(Options::new(&*scratch));
    let fed = feed(server.address, "later.wmv");
    // Pauses grow to six times the longest one.
    for pause in ["0.01", "0.02", "0.04", "0.08", "0.16", "0.24", "0.24"] {
        let FeedItem::Note(note) = fed.next() else { panic!() };
        assert!(note.contains("FILE_NOT_FOUND"), "{note}");
        let end = format!("start the stream there; trying again in {pause} s");
        assert!(note.ends_with(&end), "{note}");
    }
    std::fs::copy(CLIP, scratch.join("new.wmv")).unwrap();
    std::fs::rename(scratch.join("new.wmv"), scratch.join("later.wmv")).unwrap();
    assert!(packets(&fed.all()) == clip().1, "byte for byte");
}

#[test]
fn an_unusable_header_is_no_end() {
    let mut entry = entry(1, 30);
    entry.header = testing::live_header(SIZE, &[TestStream::Audio(1)]);
    let mut broken = entry.clone();
    broken.header = Bytes::from_static(b"no header");
    let live = |entry: &Entry, range, cut| Visit {
        entries: vec![entry.clone()],
        live: Some(range),
        early: 0,
        cut,
    };
    // At the start, and between two connections that are of use.
    let visits = vec![
        live(&broken, 0..5, true),
        live(&entry, 0..10, true),
        live(&broken, 0..30, false),
        live(&broken, 0..30, false),
        live(&entry, 10..30, false),
    ];
    let items = feed(origin::start(SIZE, visits), "live").all();
    assert!(packets(&items) == entry.packets, "byte for byte");
    assert_eq!(headers(&items), [entry.header]);
    assert_eq!((notes(&items), items.last()), (4, Some(&FeedItem::End)));
    let unusable = |item: &&FeedItem| {
        matches!(item, FeedItem::Note(note)
            if note.contains("header of the stream is unusable") && note.contains("trying again"))
    };
    assert_eq!(items.iter().filter(unusable).count(), 3, "{items:?}");
}

/// A thing to play whose packets are like no others.
fn entry(stream: u8, packets: u32) -> Entry {
    let header = testing::header(SIZE, packets.into(), &[TestStream::Audio(stream)]);
    let packet = |number: u32| testing::packet(number, SIZE, &[stream; 9]);
    Entry { header, packets: (0..packets).map(packet).collect() }
}

fn items_of(entries: &[Entry]) -> Vec<FeedItem> {
    let items = |entry: &Entry| {
        let packets = entry.packets.iter().cloned().map(FeedItem::Packet);
        [FeedItem::Header(entry.header.clone())].into_iter().chain(packets).collect::<Vec<_>>()
    };
    entries.iter().flat_map(items).chain([FeedItem::End]).collect()
}

#[test]
fn a_playlist_is_one_header_after_the_other() {
    // The last two are equal: their packets begin anew all the same.
    let entries = vec![entry(1, 5), entry(2, 3), entry(2, 3)];
    let visit = Visit { entries: entries.clone(), live: None, early: 0, cut: false };
    let mut items = feed(origin::start(SIZE, vec![visit]), "list").all();
    assert_eq!(connections(&items), [""]);
    items.retain(|item| !matches!(item, FeedItem::Note(_)));
    assert_eq!(items, items_of(&entries));
}

#[test]
fn another_header_behind_a_cut_is_a_change() {
    let entries = [entry(1, 5), entry(2, 3)];
    let visits = [true, false].into_iter().zip(&entries);
    let visit = |(cut, entry): (bool, &Entry)| Visit {
        entries: vec![entry.clone()],
        live: Some(0..entry.packets.len()),
        early: 0,
        cut,
    };
    let mut items = feed(origin::start(SIZE, visits.map(visit).collect()), "live").all();
    assert_eq!(connections(&items), ["", "again: the stream has another header"]);
    items.retain(|item| !matches!(item, FeedItem::Note(_)));
    assert_eq!(items, items_of(&entries));
}

#[test]
fn a_live_stream_goes_on_without_repeating_itself() {
    let mut entry = entry(1, 30);
    entry.header = testing::live_header(SIZE, &[TestStream::Audio(1)]);
    let live =
        |range, cut| Visit { entries: vec![entry.clone()], live: Some(range), early: 0, cut };
    // A server begins with packets from before; one has none left; then some are missing.
    let visits =
        vec![live(0..10, true), live(6..15, true), live(12..15, true), live(20..30, false)];
    let items = feed(origin::start(SIZE, visits), "live").all();
    let wanted: Vec<_> = (0..15).chain(20..30).map(|n| entry.packets[n].clone()).collect();
    assert_eq!(packets(&items), wanted);
    assert_eq!(headers(&items), [entry.header.clone()]);
    assert_eq!((notes(&items), items.last()), (3, Some(&FeedItem::End)));
    assert_eq!(connections(&items), ["", "again", "again", "again"]);
}

#[test]
fn content_that_begins_anew_is_handed_on_again() {
    let mut entry = entry(1, 40);
    entry.header = testing::live_header(SIZE, &[TestStream::Audio(1)]);
    let live =
        |range, cut| Visit { entries: vec![entry.clone()], live: Some(range), early: 0, cut };
    let visits = vec![live(0..30, true), live(0..35, true), live(30..40, false)];
    let items = feed(origin::start(SIZE, visits), "live").all();
    let wanted: Vec<_> = (0..30).chain(0..40).map(|n| entry.packets[n].clone()).collect();
    assert_eq!(packets(&items), wanted);
    assert_eq!(headers(&items), [entry.header.clone()]);
}

#[test]
fn a_server_that_begins_too_early_does_not_repeat_a_file() {
    let whole = entry(1, 9);
    let mut part = whole.clone();
    part.packets.truncate(5);
    let visits = [(part, true), (whole.clone(), false)];
    let visits =
        visits.map(|(entry, cut)| Visit { entries: vec![entry], live: None, early: 3, cut });
    let mut items = feed(origin::start(SIZE, visits.to_vec()), "file").all();
    items.retain(|item| !matches!(item, FeedItem::Note(_)));
    assert_eq!(items, items_of(&[whole]));
}

#[test]
fn a_file_that_was_cut_at_its_end_is_complete() {
    let entry = entry(1, 9);
    let visit = Visit { entries: vec![entry.clone()], live: None, early: 0, cut: true };
    let mut items = feed(origin::start(SIZE, vec![visit]), "file").all();
    items.retain(|item| !matches!(item, FeedItem::Note(_)));
    assert_eq!(items, items_of(&[entry]));
}

#[test]
fn padding_that_was_left_out_is_put_back() {
    let whole = entry(1, 9);
    let mut sent = whole.clone();
    for packet in &mut sent.packets {
        let mut out = BytesMut::new();
        remove_padding(packet, Removal::FieldKept, &mut out).unwrap();
        assert!(out.len() < packet.len());
        *packet = out.freeze();
    }
    let visit = Visit { entries: vec![sent], live: None, early: 0, cut: false };
    let mut items = feed(origin::start(SIZE, vec![visit]), "file").all();
    items.retain(|item| !matches!(item, FeedItem::Note(_)));
    assert_eq!(items, items_of(&[whole]));
}

/// Time-outs and pauses that only being stopped can end before the test gives up.
fn patient(address: SocketAddr) -> Fed {
    let hour = Duration::from_secs(3600);
    let mut options = upstream(address, "test-pattern.wmv");
    options.open = options.open.timeout(hour);
    (options.first_pause, options.longest_pause) = (hour, hour);
    Fed::start(FeedSource::Upstream(options))
}

#[test]
fn stopping_ends_the_wait_for_an_answer() {
    // It accepts and says nothing.
    let silent = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let fed = patient(silent.local_addr().unwrap());
    let _connection = silent.accept().unwrap();
    fed.stop();
}

#[test]
fn stopping_ends_a_pause() {
    let server = Served::start(Options::new(CLIP));
    let cutter = Cutter::start(server.address, &[20_000]);
    let fed = patient(cutter.address);
    while !is_failure(&fed.next()) {}
    fed.stop();
}

#[test]
fn stopping_ends_a_feed_of_which_nobody_takes() {
    let server = Served::start(Options::new(CLIP));
    let fed = patient(server.address);
    while !matches!(fed.next(), FeedItem::Header(_)) {}
    fed.stop();
}
