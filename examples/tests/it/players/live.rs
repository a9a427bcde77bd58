//! Real players and our own client listen to what is live: they join in the middle, and record what
//! FFmpeg pipes into the server while it makes it.
//!
//! A player that is not installed is skipped, and the test says so; with `MMS_REQUIRE_PEERS=1` it
//! fails.

#![cfg(unix)]

use std::fs::{self, File};
use std::io::{BufRead as _, BufReader, Read as _};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use crate::support::media::{self, Objects};
use crate::support::peers;
use crate::support::players::Peer::{self, FFmpeg, Libmms, Vlc};
use crate::support::program::{self, Running};
use crate::support::scratch::Scratch;
use crate::support::served::Served;
use crate::support::tap::{Passed, Tap};
use crate::support::wait::wait_until;
use bytes::Bytes;
use mms_asf::testing::strict;
use mms_asf::{Event, FileReader, Header, Limits, StreamParser};
use mms_client::{Cancel, MmsUrl};
use mms_examples::record::{self, Destination, Existing};
use mms_examples::serve::Options;
use mms_examples::serve::feed::{FeedSource, UpstreamOptions};
use mms_proto::mmsp::message::ClientMessage;

/// What FFmpeg makes, with the options of its inputs: two key frames a second, and a tone.
fn pictures(inputs: &str, seconds: u32) -> String {
    format!(
        "{inputs} -f lavfi -i testsrc2=size=320x240:rate=10 {inputs} -f lavfi -i sine \
         -c:v wmv2 -b:v 200k -g 5 -c:a wmav2 -b:a 64k -t {seconds}"
    )
}

/// The numbers that FFmpeg gives.
const PICTURE: u8 = 1;
const TONE: u8 = 2;

/// What a player wrote down of a live stream: a header that promises no end, packets and nothing
/// else.
fn read_dump(path: &Path) -> (Header, Vec<Bytes>) {
    let mut parser = StreamParser::new();
    parser.push(&fs::read(path).unwrap());
    parser.finish();
    let Some(Event::Header { header, .. }) = parser.poll().unwrap() else { panic!("no header") };
    assert_eq!(header.deviations(), []);
    assert!(header.file().broadcast());
    let mut packets = Vec::new();
    loop {
        match parser.poll().unwrap() {
            Some(Event::Packet { bytes, .. }) => packets.push(bytes),
            Some(Event::End { leftover, .. }) => {
                assert_eq!(leftover.len(), 0, "the last packet is not whole");
                return (*header, packets);
            }
            other => panic!("{other:?}"),
        }
    }
}

/// FFmpeg decodes everything and has nothing to say.
fn assert_decodes(scratch: &Scratch, path: &Path) {
    let mut command = FFmpeg.command(scratch);
    let output = command.arg("-i").arg(path).args(["-f", "null", "-"]).output().unwrap();
    assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
}

fn start(player: Peer, scratch: &Scratch, url: &str, into: &Path) -> Child {
    player.fetch(scratch, url, into).spawn().unwrap()
}

fn assert_ends_well(player: Peer, child: Child, lines: &[String]) {
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{player:?}: {output:?}, {lines:#?}");
}

/// A file of fifteen seconds to be played live; `None`, and a word about it, without what every test
/// here needs.
fn film(scratch: &Scratch) -> Option<PathBuf> {
    if !Libmms.is_here(scratch) || !peers::is_here("ffmpeg") {
        return None;
    }
    let film = scratch.join("film.asf");
    media::make(&pictures("", 15), &film);
    Some(film)
}

/// Plays the file once.
fn live(film: &Path) -> Options {
    Options::live("live", FeedSource::Files { paths: vec![film.to_owned()], repeat: false })
}

/// Players join a server that plays the file when three seconds are over, and stay to the end.
fn join_in_the_middle(scratch: &Scratch, film: &Path, served: &Served) {
    let url = format!("{}/live", served.address);
    let first = scratch.join("first");
    let listening = start(Libmms, scratch, &url, &first);
    let (header, packets) = media::read(film);
    let mut reader = FileReader::open(File::open(film).unwrap()).unwrap();
    let begun = reader.packet_at_time(Duration::from_secs(3)).unwrap();
    let bytes = header.len() as u64 + begun * u64::from(header.file().packet_size);
    wait_until("three seconds were played", || {
        fs::metadata(&first).is_ok_and(|dump| dump.len() >= bytes)
    });
    let joined: Vec<_> = [Libmms, Vlc]
        .into_iter()
        .filter(|player| player.is_here(scratch))
        .map(|player| {
            let into = scratch.join(format!("{player:?}"));
            (player, start(player, scratch, &url, &into), into)
        })
        .collect();
    assert_ends_well(Libmms, listening, &served.lines());
    let whole = media::objects(&header, &packets);
    for (player, child, into) in joined {
        assert_ends_well(player, child, &served.lines());
        let (header, packets) = read_dump(&into);
        // Each media object is whole, so that the first one of each stream begins there, too.
        let objects = media::objects(&header, &packets);
        for stream in [PICTURE, TONE] {
            let (whole, part) = (&whole[&stream], &objects[&stream]);
            let (all, joined) = (whole.len(), part.len());
            assert!(joined < all * 9 / 10, "{player:?} joined with {joined} of {all} to come");
            assert!(whole.ends_with(part), "{player:?}: other media objects of {stream}");
        }
        assert!(objects[&PICTURE][0].key_frame, "{player:?}");
        assert_decodes(scratch, &into);
    }
}

#[test]
fn players_join_in_the_middle() {
    // T20
    let scratch = Scratch::new("players-live");
    let Some(film) = film(&scratch) else { return };
    join_in_the_middle(&scratch, &film, &Served::start(live(&film)));
}

#[test]
fn players_join_a_relay_in_the_middle() {
    let scratch = Scratch::new("players-relay");
    let Some(film) = film(&scratch) else { return };
    let origin = Served::start(live(&film));
    let url = format!("mms://{}/live", origin.address).parse().unwrap();
    let source = FeedSource::Upstream(UpstreamOptions::new(url));
    join_in_the_middle(&scratch, &film, &Served::start(Options::live("live", source)));
}

/// From the first media object to the last.
fn length(objects: &Objects) -> Duration {
    let times = || objects.values().flatten().map(|object| u64::from(object.time));
    Duration::from_millis(times().max().unwrap() - times().min().unwrap())
}

#[test]
fn two_record_what_ffmpeg_pipes_into_the_server() {
    let scratch = Scratch::new("players-pipe");
    if !FFmpeg.is_here(&scratch) || !Vlc.is_here(&scratch) {
        return;
    }
    let mut serve = Command::new(program::build("serve", false));
    serve.args(["-", "--live", "--listen", "127.0.0.1:0"]);
    serve.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut serve = Running(serve.spawn().unwrap());
    let mut url = String::new();
    BufReader::new(serve.0.stdout.as_mut().unwrap()).read_line(&mut url).unwrap();
    let address: MmsUrl = url.trim().parse().unwrap();
    let address = SocketAddr::from(([127, 0, 0, 1], address.port()));

    // Both have asked for it when it begins.
    let taps = [Tap::new(address), Tap::new(address)];
    let [dump, file] = ["dumped.asf", "recorded.asf"].map(|name| scratch.join(name));
    let dumping = start(Vlc, &scratch, &format!("{}/live", taps[0].address), &dump);
    let recording = thread::spawn({
        let url: MmsUrl = format!("mms://{}/live", taps[1].address).parse().unwrap();
        let place = Destination::File { path: file.clone(), existing: Existing::Refuse };
        move || record::record(&record::Options::new(url, place), &Cancel::new())
    });
    for tap in &taps {
        tap.wait_for(|passed| matches!(passed, Passed::Request(ClientMessage::OpenFile(_))));
    }
    let mut ffmpeg = FFmpeg.command(&scratch);
    ffmpeg.args(pictures("-re", 6).split_whitespace()).args(["-f", "asf_stream", "-"]);
    ffmpeg.stdout(serve.0.stdin.take().unwrap());
    let made = ffmpeg.output().unwrap();
    // It has the pipe as well.
    drop(ffmpeg);
    assert!(made.status.success(), "{made:?}");

    // It has nothing left to serve.
    assert_eq!(
        serve.ends_within(Duration::from_secs(60)).and_then(|status| status.code()),
        Some(0)
    );
    let mut lines = String::new();
    serve.0.stderr.take().unwrap().read_to_string(&mut lines).unwrap();
    assert_ends_well(Vlc, dumping, &[lines]);
    let report = recording.join().unwrap();
    assert!(report.failure.is_none(), "{}", report.text());

    let recorded = strict(&fs::read(&file).unwrap(), &Limits::default()).unwrap();
    let duration = recorded.header.file().media_duration();
    let recorded = media::objects(&recorded.header, &recorded.packets);
    let (header, packets) = read_dump(&dump);
    let dumped = media::objects(&header, &packets);
    for stream in [PICTURE, TONE] {
        let (recorded, dumped) = (&recorded[&stream], &dumped[&stream]);
        assert_eq!(recorded.last().unwrap().data, dumped.last().unwrap().data);
    }
    let lengths = [duration, length(&recorded), length(&dumped)];
    let (shortest, longest) = (lengths.iter().min().unwrap(), lengths.iter().max().unwrap());
    assert!(*longest - *shortest < Duration::from_secs(1), "{lengths:?}");
    assert!(*shortest > Duration::from_secs(3), "{lengths:?}");
    assert_decodes(&scratch, &file);
    assert_decodes(&scratch, &dump);
}
