//! The program under tokio, as it is run: what it prints, and that it ends.

use crate::scripted::program::{Ended, run};
use crate::scripted::server::{Peer, Server};
use crate::support::scratch::Scratch;
use bytes::Bytes;
use mms_proto::HResult;
use mms_proto::mmsp::message::{
    MessageId, ReportStartedPlaying, ReportStreamChange, SecurityChallenge,
};

fn fetch(name: &str, script: impl Fn(usize, &mut Peer) + Send + Sync + 'static) -> Ended {
    let server = Server::start(script);
    run("tokio_client", &Scratch::new(name), [server.url()])
}

/// Number of packets that it has printed.
fn packets(text: &str) -> usize {
    text.lines().filter(|line| line.starts_with("AsfPacket(")).count()
}

#[test]
fn every_packet_is_printed_and_every_entry_played() {
    let ended = fetch("tokio-whole", |_, peer| {
        if peer.start().is_none() {
            return;
        }
        peer.media(0..20);
        peer.end(HResult::FALSE);
        // The next entry's packets wait for its play command.
        let header = peer.clip.header.clone();
        peer.say(ReportStreamChange {
            hr: HResult::OK,
            packet_size: peer.clip.packet_size(),
            header_size: u32::try_from(header.len()).unwrap(),
            bit_rate: 400_000,
        });
        peer.data(0, 0xFF, 0x0C, header);
        if peer.start().is_none() {
            return;
        }
        peer.media(20..25);
        peer.end(HResult::OK);
        peer.linger();
    });
    assert_eq!(packets(&ended.done()), 25);
}

#[test]
fn it_ends_when_the_server_says_no() {
    let refused = fetch("tokio-refused", |_, peer| {
        if peer.until(MessageId::START_PLAYING).is_some() {
            let hr = HResult::ACCESS_DENIED;
            peer.say(ReportStartedPlaying { hr, incarnation: 10, open_file_id: 1 });
            peer.linger();
        }
    });
    assert!(refused.failed().contains("PlayRefused(E_ACCESSDENIED)"), "{refused:?}");
    let asked = fetch("tokio-asked", |_, peer| {
        if peer.until(MessageId::OPEN_FILE).is_some() {
            let token = Bytes::from_static(b"r\0");
            peer.say(SecurityChallenge { incarnation: 9, cookie: 5, token });
            peer.linger();
        }
    });
    assert!(asked.failed().contains("Challenge"), "{asked:?}");
}
