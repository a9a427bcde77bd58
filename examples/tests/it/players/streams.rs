//! Real players choose streams of a file with two pictures and a tone, and get those and no others.
//!
//! What they choose is read on the wire, between them and the server. libmms and VLC switch off
//! what they do not want; FFmpeg and MPlayer have everything sent and choose by themselves.
//!
//! A player that is not installed is skipped, and the test says so; with `MMS_REQUIRE_PEERS=1` it
//! fails.

#![cfg(unix)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use crate::support::media;
use crate::support::peers;
use crate::support::players::Peer::{self, FFmpeg, Libmms, MPlayer, Vlc};
use crate::support::scratch::Scratch;
use crate::support::served::Served;
use crate::support::tap::{Passed, Tap};
use bytes::Bytes;
use mms_examples::serve::Options;
use mms_proto::Delivery;
use mms_proto::mmsp::message::ClientMessage;

/// Stream numbers of the file.
const SMALL: u8 = 1;
const LARGE: u8 = 2;
const TONE: u8 = 3;

struct Fixture {
    served: Served,
    scratch: Scratch,
    file: PathBuf,
}

impl Fixture {
    /// `None`, and a word about it, without the player or without FFmpeg, which makes the file.
    fn new(player: Peer) -> Option<Self> {
        let scratch = Scratch::new("players-streams");
        if !player.is_here(&scratch) || !peers::is_here("ffmpeg") {
            return None;
        }
        let file = scratch.join("rates.asf");
        media::make_multi_rate(&file);
        let mut options = Options::new(&file);
        // MPlayer goes on until the server closes.
        options.close_after_end = Duration::from_secs(1);
        Some(Self { served: Served::start(options), scratch, file })
    }

    /// Runs a player, which is given a URL, and returns the streams that it chose. It gets every
    /// media object of them and nothing else.
    fn watch(&self, command: impl FnOnce(&str) -> Command) -> Vec<u8> {
        let tap = Tap::new(self.served.address);
        let output = command(&format!("mmst://{}/rates.asf", tap.address)).output().unwrap();
        assert!(output.status.success(), "{output:?}, {:?}", self.served.lines());
        let mut chosen = Vec::new();
        let mut packets = Vec::<Bytes>::new();
        let mut plays = false;
        let (header, whole) = media::read(&self.file);
        let count = u32::try_from(whole.len()).unwrap();
        for passed in tap.finish() {
            match passed {
                Passed::Request(ClientMessage::StreamSwitch(switch)) => {
                    let on = switch.selections.iter().filter(|s| s.delivery == Delivery::Full);
                    chosen = on.map(|selection| selection.stream.get()).collect();
                    assert_eq!(packets.len(), 0, "chosen again: {switch:?}");
                }
                Passed::Request(ClientMessage::StartPlaying(_)) => plays = true,
                // What FFmpeg is sent after the last packet (T45).
                Passed::Data(packet) if packet.location_id >= count => {}
                Passed::Data(packet) if plays => packets.push(packet.payload),
                _ => {}
            }
        }
        let (mut wanted, arrived) =
            (media::objects(&header, &whole), media::objects(&header, &packets));
        assert_eq!(wanted.keys().copied().collect::<Vec<_>>(), [SMALL, LARGE, TONE]);
        wanted.retain(|stream, _| chosen.contains(stream));
        assert_eq!(arrived.keys().collect::<Vec<_>>(), wanted.keys().collect::<Vec<_>>());
        assert!(arrived == wanted, "not the media objects that the file has");
        chosen
    }

    /// What a player makes of the file and of the URL, which is the same, and the streams that it
    /// chose.
    fn plays(&self, make: impl Fn(&str, &Path) -> Command) -> (String, Vec<u8>) {
        let (local, fetched) = (self.scratch.join("local"), self.scratch.join("fetched"));
        let output = make(self.file.to_str().unwrap(), &local).output().unwrap();
        assert!(output.status.success(), "{output:?}");
        let chosen = self.watch(|url| make(url, &fetched));
        let [local, fetched] = [local, fetched].map(|path| fs::read_to_string(path).unwrap());
        assert_eq!(fetched, local);
        (fetched, chosen)
    }
}

#[test]
fn ffmpeg_plays_the_larger_picture() {
    let Some(fixture) = Fixture::new(FFmpeg) else { return };
    let plays = |options: &[&str]| {
        let (frames, chosen) = fixture.plays(|input, into| {
            let mut command = FFmpeg.command(&fixture.scratch);
            command.args(["-i", input]).args(options).args(["-f", "framemd5"]).arg(into);
            command
        });
        assert_eq!(chosen, [SMALL, LARGE, TONE]);
        let count = |sum: &str| frames.lines().filter(|line| line.starts_with(sum)).count();
        assert_eq!(count("#dimensions 0: 320x240"), 1, "{frames}");
        (count("0,"), count("1,"))
    };
    let (pictures, sounds) = plays(&["-c", "copy"]);
    assert!(pictures == 60 && sounds > 100, "{pictures}, {sounds}");
    assert_eq!(plays(&["-an"]), (60, 0));
    // It finds the end where it decodes WMA as well (T45).
    let (pictures, sounds) = plays(&[]);
    assert!(pictures == 60 && sounds > 100, "{pictures}, {sounds}");
}

#[test]
fn mplayer_plays_the_picture_that_it_is_told() {
    let Some(fixture) = Fixture::new(MPlayer) else { return };
    let plays = |stream: u8| {
        let (frames, chosen) = fixture.plays(|input, into| {
            let mut command = MPlayer.command(&fixture.scratch);
            let out = format!("md5sum:outfile={}", into.display());
            // As fast as it comes, every frame.
            command.args(["-benchmark", "-noframedrop", "-nosound", "-vid", &stream.to_string()]);
            command.args(["-vo", &out, input]);
            command
        });
        assert_eq!(chosen, [SMALL, LARGE, TONE]);
        assert!(frames.lines().count() > 50, "{frames}");
        frames
    };
    assert_ne!(plays(SMALL), plays(LARGE));
}

#[test]
fn libmms_gets_the_picture_that_its_line_can_carry() {
    // MMSP-S-050
    let Some(fixture) = Fixture::new(Libmms) else { return };
    let chosen = |bits: &str| {
        fixture.watch(|url| {
            let mut command = Libmms.command(&fixture.scratch);
            command.args(["-b", bits, url]).arg(fixture.scratch.join("fetched"));
            command
        })
    };
    assert_eq!(chosen("1000000"), [LARGE, TONE]);
    assert_eq!(chosen("200000"), [SMALL, TONE]);
}

#[test]
fn vlc_gets_the_picture_that_it_is_allowed() {
    // MMSP-S-050
    let Some(fixture) = Fixture::new(Vlc) else { return };
    let chosen = |most: &str| {
        fixture.watch(|url| {
            let into = fixture.scratch.join(most);
            let url = url.strip_prefix("mmst://").unwrap();
            let mut command = Vlc.fetch(&fixture.scratch, url, &into);
            command.arg(format!("--mms-maxbitrate={most}"));
            command
        })
    };
    assert_eq!(chosen("0"), [LARGE, TONE]);
    assert_eq!(chosen("200"), [SMALL, TONE]);
}
