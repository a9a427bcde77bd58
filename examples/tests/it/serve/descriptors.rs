//! Descriptors of a server with many players on one file.

#![cfg(target_os = "linux")]

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;

use crate::support::player::begin;
use crate::support::program::{Running, build};
use mms_proto::CloseReason;

const CLIP: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/clips/test-pattern.wmv");
const CLIP_PACKETS: usize = 85;
/// Players at a time, of a server that may have 64 descriptors.
const PLAYERS: usize = 40;
/// Descriptors besides those of players: standard streams, the event loop, the listener, the file.
const OTHERS: usize = 12;

#[test]
fn a_player_of_an_open_file_needs_no_descriptor_of_its_own() {
    let mut command = Command::new("sh");
    command.args(["-c", "ulimit -n 64; exec \"$@\"", "sh"]);
    command.arg(build("serve", !cfg!(debug_assertions)));
    let mut running = Running::start(command.args([CLIP, "--listen", "127.0.0.1:0"]));
    let mut url = String::new();
    BufReader::new(running.0.stdout.take().unwrap()).read_line(&mut url).unwrap();
    let host = url.strip_prefix("mms://").and_then(|rest| rest.split('/').next()).unwrap();
    let address: SocketAddr = host.parse().unwrap();

    let mut players: Vec<_> = (0..PLAYERS).map(|_| begin(address, "test-pattern.wmv")).collect();
    let folder = format!("/proc/{}/fd", running.0.id());
    let open: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .filter_map(|entry| fs::read_link(entry.unwrap().path()).ok())
        .collect();
    let clip = fs::canonicalize(Path::new(CLIP)).unwrap();
    assert_eq!(open.iter().filter(|path| **path == clip).count(), 1, "{open:?}");
    assert!((PLAYERS..=PLAYERS + OTHERS).contains(&open.len()), "{}: {open:?}", open.len());
    let playing: Vec<_> = players
        .drain(..)
        .map(|mut player| {
            std::thread::spawn(move || {
                player.run(0x1_0000, |_| false);
                (player.packets, player.closed)
            })
        })
        .collect();
    for player in playing {
        assert_eq!(player.join().unwrap(), (CLIP_PACKETS, Some(CloseReason::Local)));
    }
}
