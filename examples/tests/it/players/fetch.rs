//! Real players fetch from the server: libmms, VLC, MPlayer and FFmpeg.
//!
//! A player that is not installed is skipped, and the test says so; with `MMS_REQUIRE_PEERS=1` it
//! fails.

#![cfg(unix)]

use std::fs::{self, File};
use std::io::BufReader;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::support::peers;
use crate::support::players::Peer::{self, FFmpeg, Libmms, MPlayer, Vlc};
use crate::support::players::{frame_sums, last_words};
use crate::support::scratch::Scratch;
use crate::support::served::Served;
use crate::support::troublemakers::{begin, trouble};
use crate::support::wait::wait_until;
use mms_asf::{FileReader, FileWriter};
use mms_examples::serve::{Options, Pace};

const CLIP: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/clips/test-pattern.wmv");

/// A file that is served, with what a player should get of it.
struct Title {
    /// As in a URL.
    name: &'static str,
    packet_size: usize,
    /// Header and packets, without the indexes behind them.
    bytes: Vec<u8>,
    /// FFmpeg's sums of the frames, where FFmpeg is there.
    sums: Option<String>,
}

impl Title {
    fn read(name: &'static str, path: &Path, scratch: &Scratch) -> Self {
        let reader = FileReader::open(BufReader::new(File::open(path).unwrap())).unwrap();
        let packet_size = reader.header().file().packet_size as usize;
        let header = reader.header().len();
        let packets = usize::try_from(reader.packet_count()).unwrap();
        let mut bytes = fs::read(path).unwrap();
        assert!(packets > 40 && bytes.len() >= header + packets * packet_size);
        bytes.truncate(header + packets * packet_size);
        let sums = peers::find("ffmpeg").map(|_| frame_sums(scratch, path));
        Self { name, packet_size, bytes, sums }
    }
}

/// Compares what was fetched with the file that was served.
fn check(player: Peer, title: &Title, into: &Path, output: &Output) {
    let what = format!("{player:?}, {}: {}", title.name, last_words(output));
    assert!(output.status.success(), "{what}");
    if player == FFmpeg {
        let sums = fs::read_to_string(into).unwrap();
        let frames = sums.lines().filter(|line| !line.starts_with('#')).count();
        assert!(frames > 100, "{frames} frames; {what}");
        assert_eq!(Some(sums), title.sums, "{what}");
        return;
    }
    let fetched = fs::read(into).unwrap();
    // MPlayer's dump is cut: of a packet it writes blocks of 2,048 bytes, and the rest
    // when the next packet comes, which for the last one is never.
    let missing = if player == MPlayer { title.packet_size % 2048 } else { 0 };
    let wanted = &title.bytes[..title.bytes.len() - missing];
    assert_eq!(fetched.len(), wanted.len(), "{what}");
    assert!(fetched == wanted, "other bytes; {what}");
}

/// A folder of files, served.
struct Fixture {
    served: Served,
    titles: Vec<Title>,
    scratch: Scratch,
}

impl Fixture {
    fn new(pace: Pace) -> Self {
        let scratch = Scratch::new("players");
        let folder = scratch.join("served");
        fs::create_dir_all(folder.join("sub")).unwrap();
        let clip = folder.join("test-pattern.wmv");
        fs::copy(CLIP, &clip).unwrap();
        let mut titles = vec![Title::read("test-pattern.wmv", &clip, &scratch)];
        if peers::find("ffmpeg").is_some() {
            let tone = folder.join("sub/two words.wma");
            let mut make = Command::new("ffmpeg");
            make.args(["-nostdin", "-v", "error", "-f", "lavfi", "-i", "sine=duration=20"]);
            make.args(["-c:a", "wmav2", "-b:a", "128k"]).arg(&tone);
            let output = make.output().unwrap();
            assert!(output.status.success(), "{output:?}");
            titles.push(Title::read("sub/two%20words.wma", &tone, &scratch));
        }
        let mut options = Options::new(folder);
        options.pace = pace;
        // MPlayer goes on until the server closes.
        options.close_after_end = Duration::from_secs(2);
        Self { served: Served::start(options), titles, scratch }
    }

    fn url(&self, title: &Title) -> String {
        format!("{}/{}", self.served.address, title.name)
    }

    /// A file for what the player number `index` fetches.
    fn target(&self, player: Peer, index: usize) -> PathBuf {
        self.scratch.join(format!("{player:?}-{index}"))
    }

    fn fetch_each(player: Peer) {
        let fixture = Self::new(Pace::Full);
        if !player.is_here(&fixture.scratch) {
            return;
        }
        for (index, title) in fixture.titles.iter().enumerate() {
            let into = fixture.target(player, index);
            let fetching =
                player.fetch(&fixture.scratch, &fixture.url(title), &into).spawn().unwrap();
            let output = fetching.wait_with_output().unwrap();
            check(player, title, &into, &output);
        }
    }
}

#[test]
fn libmms_fetches_every_byte() {
    Fixture::fetch_each(Libmms);
}

#[test]
fn vlc_fetches_every_byte() {
    Fixture::fetch_each(Vlc);
}

#[test]
fn mplayer_fetches_every_byte_that_it_writes() {
    Fixture::fetch_each(MPlayer);
}

#[test]
fn ffmpeg_fetches_every_frame() {
    Fixture::fetch_each(FFmpeg);
}

#[test]
fn no_player_waits_for_a_file_that_is_refused() {
    let fixture = Fixture::new(Pace::Full);
    let mut tried = 0;
    for player in [Libmms, Vlc, MPlayer, FFmpeg] {
        if !player.is_here(&fixture.scratch) {
            continue;
        }
        tried += 1;
        // MPlayer does not see the refusal and asks for the header all the same (T44).
        let into = fixture.target(player, 0);
        let url = format!("{}/missing.wmv", fixture.served.address);
        let fetching = player.fetch(&fixture.scratch, &url, &into).spawn().unwrap();
        let output = fetching.wait_with_output().unwrap();
        // 124 is the code of `timeout`.
        assert!(
            output.status.code().is_some_and(|code| code != 124),
            "{player:?}: {}",
            last_words(&output)
        );
        assert!(fs::metadata(&into).map_or(0, |file| file.len()) == 0, "{player:?}");
    }
    let refused = "\"missing.wmv\" refused: there is no such file";
    let count = || fixture.served.lines().iter().filter(|line| line.contains(refused)).count();
    // The server may see that a player has left a little later than we do.
    wait_until("the server says so of each", || count() >= tried);
    assert_eq!(count(), tried, "{:#?}", fixture.served.lines());
}

#[test]
fn a_killed_player_leaves_the_others_alone() {
    // At the pace of the file, so that all of them are in the middle of it.
    let fixture = Fixture::new(Pace::BitRate);
    if !Libmms.is_here(&fixture.scratch) {
        return;
    }
    // Ten minutes: it is not over when the player is killed.
    write_long(&fixture.scratch.join("served/long.wmv"));
    let title = &fixture.titles[0];
    let others: Vec<_> = [Libmms, Vlc, MPlayer, FFmpeg]
        .into_iter()
        .filter(|player| player.is_here(&fixture.scratch))
        .map(|player| {
            let into = fixture.target(player, 0);
            let fetch = player.fetch(&fixture.scratch, &fixture.url(title), &into).spawn();
            (player, into, fetch.unwrap())
        })
        .collect();
    let into = fixture.target(Libmms, 1);
    let url = format!("{}/long.wmv", fixture.served.address);
    let mut killed = Libmms.fetch(&fixture.scratch, &url, &into).spawn().unwrap();
    wait_until("the player has read media", || {
        fs::metadata(&into).is_ok_and(|file| file.len() > 10_000)
    });
    // `timeout` is the leader of a group, which has the player in it.
    let group = format!("-{}", killed.id());
    assert!(Command::new("kill").args(["-KILL", "--", &group]).status().unwrap().success());
    assert_eq!(killed.wait().unwrap().code(), None, "it was not killed");
    wait_until("the server says that it left", || {
        fixture.served.lines().iter().any(|line| line.contains("\"long.wmv\" "))
    });
    for (player, into, fetching) in others {
        check(player, title, &into, &fetching.wait_with_output().unwrap());
    }
    let lines = fixture.served.lines();
    let line = lines.iter().find(|line| line.contains("\"long.wmv\" ")).unwrap();
    let (_, played) = line.split_once("\"long.wmv\" ").unwrap();
    let packets = played.split(' ').next().and_then(|count| count.parse().ok());
    assert!(packets.is_some_and(|count: u64| (1..1000).contains(&count)), "{line}");
    // It leaves by a reset (T47), which is nothing to complain about.
    assert!(!line.contains("broke"), "{line}");
}

/// The clip a hundred times over: more than sockets hold.
fn write_long(path: &Path) {
    let mut reader = FileReader::open(BufReader::new(File::open(CLIP).unwrap())).unwrap();
    let mut writer = FileWriter::new(File::create(path).unwrap(), reader.header()).unwrap();
    for number in (0..reader.packet_count()).cycle().take(8500) {
        writer.write_packet(&reader.packet(number).unwrap()).unwrap();
    }
    writer.finish().unwrap();
}

#[test]
fn all_at_once_beside_troublemakers() {
    let fixture = Fixture::new(Pace::Full);
    write_long(&fixture.scratch.join("served/long.wmv"));
    let here: Vec<_> = [Libmms, Vlc, MPlayer, FFmpeg]
        .into_iter()
        .filter(|player| player.is_here(&fixture.scratch))
        .collect();
    let go = Arc::new(AtomicBool::new(false));
    let address = fixture.served.address;
    let troublemakers: Vec<_> = (0..8)
        .map(|kind| {
            let go = Arc::clone(&go);
            std::thread::spawn(move || {
                let _ = trouble(kind, address, &go);
            })
        })
        .collect();
    std::thread::sleep(Duration::from_millis(200));

    let mut fetching = Vec::new();
    for round in 0..3 {
        for &player in &here {
            for title in &fixture.titles {
                let into = fixture.target(player, fetching.len());
                let child =
                    player.fetch(&fixture.scratch, &fixture.url(title), &into).spawn().unwrap();
                fetching.push((round, player, title, into, child));
            }
        }
    }
    let fetched: Vec<_> = fetching
        .into_iter()
        .map(|(_, player, title, into, child)| {
            (player, title, into, child.wait_with_output().unwrap())
        })
        .collect();
    go.store(true, Ordering::SeqCst);
    let wellbeing =
        troublemakers.into_iter().map(|thread| thread.join().is_ok()).collect::<Vec<_>>();
    for (player, title, into, output) in fetched {
        check(player, title, &into, &output);
    }
    assert_eq!(wellbeing, [true; 8], "{:#?}", fixture.served.lines());
    // It still listens, and said why others had to leave.
    begin(address, "test-pattern.wmv").unwrap();
    let lines = fixture.served.lines().join("\n");
    assert!(lines.contains("sessionId"), "{lines}");
}
