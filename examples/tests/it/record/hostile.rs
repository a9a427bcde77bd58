//! Servers that fail, lie or stand still: `record` ends soon, says why in one line, and keeps what
//! it has.

use std::time::{Duration, Instant};

use crate::scripted::program::{Ended, run};
use crate::scripted::server::{Clip, Peer, Server};
use crate::support::scratch::Scratch;
use mms_asf::FileReader;
use mms_proto::HResult;
use mms_proto::mmsp::message::{MessageId, Ping};

/// Records with a time-out of one second; ends long before a minute even on a busy machine.
fn record(server: &Server, scratch: &Scratch, more: &[&str]) -> Ended {
    let url = server.url();
    let begun = Instant::now();
    let mut arguments = vec![url.as_str(), "--timeout", "1"];
    arguments.extend(more);
    let ended = run("record", scratch, arguments);
    assert!(begun.elapsed() < Duration::from_secs(30), "{:?}: {ended:?}", begun.elapsed());
    ended
}

/// The failure in one line, which names the server.
#[track_caller]
fn fails(name: &str, script: impl Fn(usize, &mut Peer) + Send + Sync + 'static) -> String {
    let scratch = Scratch::new(name);
    let server = Server::start(script);
    let ended = record(&server, &scratch, &[]);
    let line = ended.failed().to_owned();
    assert!(line.starts_with(&format!("record: {}: ", server.address)), "{line}");
    let left = std::fs::read_dir(&*scratch).unwrap().count();
    assert_eq!(left, 0, "{line}");
    line
}

/// Listens, and says nothing any more, until the client leaves.
fn be_silent(peer: &mut Peer) {
    while peer.read().is_some() {}
}

#[test]
fn silent_in_each_phase() {
    let phases = [
        (MessageId::CONNECT, "connecting"),
        (MessageId::FUNNEL_INFO, "testing the bandwidth"),
        (MessageId::CONNECT_FUNNEL, "choosing the transport"),
        (MessageId::OPEN_FILE, "opening the file"),
        (MessageId::READ_BLOCK, "reading the header"),
        (MessageId::START_PLAYING, "starting to play"),
    ];
    std::thread::scope(|scope| {
        for (message, phase) in phases {
            scope.spawn(move || {
                let line = fails("silent", move |_, peer| {
                    peer.until(message);
                    // Not answered; the connection stays open.
                    be_silent(peer);
                });
                assert!(line.contains(phase) && line.contains("--timeout"), "{line}");
            });
        }
        scope.spawn(|| {
            let line = fails("silent", |_, peer| {
                peer.start();
                be_silent(peer);
            });
            assert!(line.contains("no media"), "{line}");
        });
    });
}

#[test]
fn one_byte_at_a_time() {
    let line = fails("drip", |_, peer| {
        peer.until(MessageId::CONNECT);
        while peer.raw(&[1]) {
            std::thread::sleep(Duration::from_millis(100));
        }
    });
    assert!(line.contains("while connecting"), "{line}");
}

#[test]
fn garbage() {
    for (name, bytes) in [
        ("zeros", vec![0; 4096]),
        ("ones", vec![0xFF; 4096]),
        ("text", b"HTTP/1.1 400 Bad Request\r\n\r\n".repeat(50)),
        ("count", (0..=255).collect()),
    ] {
        let line = fails(name, move |_, peer| {
            peer.until(MessageId::CONNECT);
            peer.raw(&bytes);
        });
        assert!(line.contains("; "), "{line}");
    }
}

#[test]
fn claims_of_four_gigabytes() {
    let line = fails("message", |_, peer| {
        peer.until(MessageId::CONNECT);
        let mut head = vec![1, 0, 0, 0];
        for word in [0xB00B_FACE, u32::MAX, 0x2053_4D4D, u32::MAX, 0, 0, 0] {
            head.extend(word.to_le_bytes());
        }
        while peer.raw(&head) {}
    });
    assert!(line.contains("limit"), "{line}");
    fails("header", |_, peer| {
        let mut clip = Clip::new();
        // The size that the Header Object declares.
        clip.header = {
            let mut bytes = clip.header.to_vec();
            bytes[16..24].copy_from_slice(&u64::from(u32::MAX).to_le_bytes());
            bytes.into()
        };
        peer.clip = clip;
        peer.linger();
    });
}

#[test]
fn the_same_packet_for_ever() {
    let scratch = Scratch::new("repeat");
    let server = Server::start(|_, peer| {
        peer.start();
        peer.media(0..3);
        let (label, packet) = (peer.label, peer.clip.packets[2].clone());
        while peer.data(2, label, 0, packet.clone()) {}
    });
    let ended = record(&server, &scratch, &["-o", "a.wmv"]);
    let line = ended.failed();
    let said = format!("record: {}: the server sent 1028 packets in a row", server.address);
    assert!(line.starts_with(&said), "{line}");
    let file = std::fs::File::open(scratch.join("a.wmv")).unwrap();
    assert_eq!(FileReader::open(file).unwrap().packet_count(), 3);
}

#[test]
fn packets_that_are_thrown_away_for_ever() {
    for (name, number, size) in [("empty", 1, 0), ("beyond", 60_000, 100), ("long", 1, 60_000)] {
        let scratch = Scratch::new(name);
        let server = Server::start(move |_, peer| {
            peer.start();
            peer.media(0..1);
            let label = peer.label;
            while peer.data(number, label, 0, vec![0x82; size].into()) {
                std::thread::sleep(Duration::from_millis(200));
            }
        });
        let ended = record(&server, &scratch, &["-o", "a.wmv"]);
        let line = ended.failed();
        assert!(line.contains("no media for 1 s"), "{line}");
    }
}

#[test]
fn a_flood_of_pings() {
    let line = fails("pings", |_, peer| {
        peer.until(MessageId::OPEN_FILE);
        while peer.say(Ping) {}
    });
    assert!(line.contains("no reply"), "{line}");
}

#[test]
fn nothing_at_all() {
    let line = fails("nothing", |_, peer| {
        peer.start();
        peer.end(HResult::OK);
        peer.linger();
    });
    assert!(line.contains("without a packet"), "{line}");
}

/// A server that breaks off, in its own way, behind this packet; later connections are good.
fn breaks_off(behind: usize, how: impl Fn(&mut Peer) + Send + Sync + 'static) -> Server {
    Server::start(move |number, peer| {
        let Some(()) = peer.start() else { return };
        let (first, count) = (peer.first, peer.clip.packets.len());
        if number == 0 {
            peer.media(first..behind);
            how(peer);
            return;
        }
        peer.media(first..count);
        peer.end(HResult::OK);
        peer.linger();
    })
}

/// What was received plays, and `--resume` makes it what it would have been.
#[track_caller]
fn is_completed(name: &str, server: &Server) {
    let scratch = Scratch::new(name);
    let ended = record(server, &scratch, &["-o", "cut.wmv"]);
    let line = ended.failed();
    assert!(line.ends_with("30 packets are recorded, go on with -o cut.wmv --resume"), "{line}");
    let mut reader =
        FileReader::open(std::fs::File::open(scratch.join("cut.wmv")).unwrap()).unwrap();
    assert!(!reader.header().file().broadcast());
    assert_eq!((reader.packet_count(), reader.leftover()), (30, 0));
    assert_eq!(reader.header().file().packet_count, 30);
    assert_eq!(reader.packet(29).unwrap(), Clip::new().packets[29]);
    record(server, &scratch, &["-o", "cut.wmv", "--resume"]).done();
    record(server, &scratch, &["-o", "whole.wmv"]).done();
    let read = |name| std::fs::read(scratch.join(name)).unwrap();
    assert!(read("cut.wmv") == read("whole.wmv"), "{name}");
}

#[test]
fn what_was_received_is_kept_and_completed() {
    std::thread::scope(|scope| {
        scope.spawn(|| is_completed("closes", &breaks_off(30, |_| ())));
        scope.spawn(|| {
            let cut = breaks_off(30, |peer| {
                // Half a packet.
                let [a, b] = 3208_u16.to_le_bytes();
                peer.raw(&[30, 0, 0, 0, peer.label, 0, a, b]);
                peer.raw(&[0x82; 1000]);
            });
            is_completed("cut", &cut);
        });
        scope.spawn(|| is_completed("stalls", &breaks_off(30, be_silent)));
        scope.spawn(|| {
            let garbage = breaks_off(30, |peer| {
                peer.raw(&[0; 4096]);
                be_silent(peer);
            });
            is_completed("garbage", &garbage);
        });
        scope.spawn(|| {
            let gives_up = breaks_off(30, |peer| {
                peer.end(HResult::FAIL);
                be_silent(peer);
            });
            is_completed("gives up", &gives_up);
        });
    });
}
