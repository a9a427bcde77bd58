//! Real players and our own client play a list of three files.
//!
//! libmms goes on from entry to entry. FFmpeg, VLC and MPlayer take the end of the first one for the
//! end of everything, and end well.
//!
//! A player that is not installed is skipped, and the test says so; with `MMS_REQUIRE_PEERS=1` it
//! fails.

#![cfg(unix)]

use std::fs::{self, File};
use std::path::PathBuf;
use std::time::Duration;

use crate::support::media;
use crate::support::peers;
use crate::support::players::Peer::{self, FFmpeg, Libmms, MPlayer, Vlc};
use crate::support::players::frame_sums;
use crate::support::scratch::Scratch;
use crate::support::served::Served;
use mms_client::{RecordOptions, Target};
use mms_examples::serve::Options;

const CLIP: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/clips/test-pattern.wmv");

struct Fixture {
    served: Served,
    scratch: Scratch,
    entries: [PathBuf; 3],
}

impl Fixture {
    /// Three files of other kinds and packet sizes; `None`, and a word about it, without FFmpeg,
    /// which makes two of them.
    fn new() -> Option<Self> {
        if !peers::is_here("ffmpeg") {
            return None;
        }
        let scratch = Scratch::new("players-playlist");
        let entries = ["clip.wmv", "tone.wma", "small.asf"].map(|name| scratch.join(name));
        fs::copy(CLIP, &entries[0]).unwrap();
        media::make("-f lavfi -i sine=duration=10 -c:a wmav2 -b:a 64k", &entries[1]);
        let inputs = "-f lavfi -i testsrc2=size=160x120:rate=10:duration=5 -f lavfi -i sine";
        media::make(&format!("{inputs} -t 5 -c:v wmv2 -c:a wmav2 -packet_size 1500"), &entries[2]);
        let list = scratch.join("list.m3u");
        fs::write(&list, "#EXTM3U\nclip.wmv\ntone.wma\nsmall.asf\n").unwrap();
        let mut options = Options::nothing();
        options.playlist = Some(list);
        options.close_after_end = Duration::from_secs(1);
        Some(Self { served: Served::start(options), scratch, entries })
    }

    /// Without the extension: VLC would look into what is named .m3u itself, whatever it is told.
    fn url(&self) -> String {
        format!("{}/list", self.served.address)
    }

    /// What a player fetches and finishes with.
    fn fetch(&self, player: Peer) -> Option<Vec<u8>> {
        if !player.is_here(&self.scratch) {
            return None;
        }
        let into = self.scratch.join(format!("{player:?}"));
        let output = player.fetch(&self.scratch, &self.url(), &into).output().unwrap();
        assert!(output.status.success(), "{output:?}, {:#?}", self.served.lines());
        Some(fs::read(into).unwrap())
    }

    /// Header and packets of an entry, without what lies behind them.
    fn entry(&self, number: usize) -> Vec<u8> {
        let (header, packets) = media::read(&self.entries[number]);
        [header.as_bytes(), packets.concat().as_slice()].concat()
    }
}

#[test]
fn libmms_plays_every_entry() {
    // MMSP-S-072
    let Some(fixture) = Fixture::new() else { return };
    let Some(fetched) = fixture.fetch(Libmms) else { return };
    let wanted = [0, 1, 2].map(|number| fixture.entry(number)).concat();
    assert_eq!(fetched.len(), wanted.len());
    assert!(fetched == wanted, "other bytes");
}

#[test]
fn our_client_records_every_entry() {
    let Some(fixture) = Fixture::new() else { return };
    let session = mms_client::open(&format!("mms://{}", fixture.url())).unwrap();
    let into = |entry| fixture.scratch.join(format!("entry-{entry}"));
    let target =
        |entry, _: &_| File::create_new(into(entry)).map(|file| Some(Target::Create(file)));
    mms_client::record(session, &RecordOptions::new(), target, |_| {}).unwrap();
    for (number, path) in (0..).zip(&fixture.entries) {
        let (header, packets) = media::read(&into(number));
        let (wanted_header, wanted) = media::read(path);
        assert!(packets == wanted, "entry {number}");
        assert_eq!(header.streams(), wanted_header.streams());
    }
    assert!(!into(3).exists());
}

#[test]
fn other_players_end_after_the_first_entry() {
    let Some(fixture) = Fixture::new() else { return };
    if let Some(sums) = fixture.fetch(FFmpeg) {
        assert_eq!(
            String::from_utf8(sums).unwrap(),
            frame_sums(&fixture.scratch, &fixture.entries[0])
        );
    }
    if let Some(fetched) = fixture.fetch(Vlc) {
        assert!(fetched == fixture.entry(0), "{} bytes", fetched.len());
    }
    if let Some(fetched) = fixture.fetch(MPlayer) {
        // It writes blocks of 2,048 bytes; the rest of the last packet is never written.
        let wanted = fixture.entry(0);
        assert!(fetched == wanted[..wanted.len() - 3200 % 2048], "{} bytes", fetched.len());
    }
}
