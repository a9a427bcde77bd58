//! What only a server that is told so does: playlists, logins, redirects, live streams.

#![cfg(test)]

mod scripted {
    pub(crate) mod program;
    pub(crate) mod server;
}
mod support {
    pub(crate) mod cargo;
    pub(crate) mod scratch;
}

use bytes::Bytes;
use mms_asf::FileReader;
use mms_proto::mmsp::message::{
    ClientMessage, MessageId, ReportOpenFile, ReportRedirect, ReportStreamChange,
    SecurityChallenge, basic_token,
};
use mms_proto::{FileAttributes, HResult, Redirect};
use scripted::program::run;
use scripted::server::{Clip, Peer, Server};
use support::scratch::Scratch;

/// Serves the whole clip from where the client wants it.
fn serve(peer: &mut Peer) {
    if peer.start().is_some() {
        let count = peer.clip.packets.len();
        peer.media(peer.first..count);
        peer.end(HResult::OK);
        peer.linger();
    }
}

fn packets(scratch: &Scratch, name: &str) -> Vec<Bytes> {
    let file = std::fs::File::open(scratch.join(name)).unwrap();
    let mut reader = FileReader::open(file).unwrap();
    (0..reader.packet_count()).map(|number| reader.packet(number).unwrap()).collect()
}

#[test]
fn entries_of_a_playlist_go_to_numbered_files() {
    let scratch = Scratch::new("playlist");
    let server = Server::start(|_, peer| {
        if peer.start().is_none() {
            return;
        }
        peer.media(0..20);
        peer.end(HResult::FALSE);
        peer.say(ReportStreamChange {
            hr: HResult::OK,
            packet_size: peer.clip.packet_size(),
            header_size: u32::try_from(peer.clip.header.len()).unwrap(),
            bit_rate: 400_000,
        });
        peer.label = 0xFF;
        peer.data(0, 0xFF, 0x0C, peer.clip.header.clone());
        peer.media(20..50);
        if peer.until(MessageId::START_PLAYING).map(|play| peer.answer(&play)).is_some() {
            peer.media(50..60);
            peer.end(HResult::OK);
            peer.linger();
        }
    });
    let all = Clip::new().packets;
    let url = server.url();
    let text = run("record", &scratch, [&url]).done();
    assert!(text.contains("to clip.wmv, clip.2.wmv (60 packets"), "{text}");
    assert_eq!(packets(&scratch, "clip.wmv"), all[..20]);
    assert_eq!(packets(&scratch, "clip.2.wmv"), all[20..60]);
    // And as one stream.
    let piped = run("record", &scratch, [&url, "-o", "-"]).stdout;
    let header = Clip::new().header.len();
    let packets = all[..60].iter().map(Bytes::len).sum::<usize>();
    assert_eq!(piped.len(), 2 * header + packets);
}

/// Asks for alice's password before it opens anything, and says no to all others.
fn guarded() -> Server {
    Server::start(|_, peer| {
        let Some(ClientMessage::OpenFile(open)) = peer.until(MessageId::OPEN_FILE) else { return };
        let token: Vec<u8> =
            "realm=\"the archive\"".encode_utf16().flat_map(u16::to_le_bytes).collect();
        let (incarnation, token) = (open.incarnation, Bytes::from(token));
        peer.say(SecurityChallenge { incarnation, cookie: 5, token });
        let Some(response) = peer.until(MessageId::SECURITY_RESPONSE) else { return };
        let ClientMessage::SecurityResponse(response) = response else { return };
        if response.token == basic_token("alice", "open sesame") {
            peer.answer(&ClientMessage::OpenFile(open));
            serve(peer);
        } else {
            let result = Err(HResult::ACCESS_DENIED);
            peer.say(ReportOpenFile { incarnation, result });
            peer.linger();
        }
    })
}

#[test]
fn a_password_is_asked_for_and_sent_when_given() {
    let scratch = Scratch::new("login");
    let server = guarded();
    let url = server.url();
    let ended = run("record", &scratch, [&url]);
    let line = ended.failed();
    assert!(line.contains("the archive") && line.contains("--user and --password"), "{line}");

    // From an address, which may be copied from a page, it is not sent in clear text.
    let with_user = url.replace("mms://", "mms://alice:open%20sesame@");
    let ended = run("record", &scratch, [&with_user]);
    let line = ended.failed();
    assert!(line.contains("clear text") && line.contains("--user"), "{line}");
    assert!(!line.contains("sesame"), "{line}");

    let wrong = ["--user", "alice", "--password", "friend"];
    let ended = run("record", &scratch, [url.as_str()].iter().chain(&wrong));
    let line = ended.failed();
    assert!(line.contains("check the name and the password"), "{line}");
    assert_eq!(std::fs::read_dir(&*scratch).unwrap().count(), 0);

    let right = ["--user", "alice", "--password", "open sesame"];
    run("record", &scratch, [url.as_str()].iter().chain(&right)).done();
    assert_eq!(packets(&scratch, "clip.wmv"), Clip::new().packets);
}

#[test]
fn a_wrong_address_is_not_repeated_with_its_password() {
    let scratch = Scratch::new("secret");
    let ended = run("record", &scratch, ["http://alice:sesame@host/clip.wmv"]);
    assert_eq!(ended.status, Some(2));
    assert!(!ended.stderr.contains("sesame"), "{}", ended.stderr);
}

#[test]
fn redirects_are_followed_but_not_for_ever() {
    let scratch = Scratch::new("redirect");
    let goal = Server::start(|_, peer| serve(peer));
    let target = goal.url();
    let away = Server::start(move |_, peer| {
        peer.until(MessageId::OPEN_FILE);
        let target = Redirect::Url(target.clone());
        peer.say(ReportRedirect { hr: HResult::OK, target });
        peer.linger();
    });
    run("record", &scratch, [away.url(), "-o".to_owned(), "a.wmv".to_owned()]).done();
    assert_eq!(packets(&scratch, "a.wmv"), Clip::new().packets);

    let circle = Server::start(|_, peer| {
        let Some(ClientMessage::Connect(connect)) = peer.until(MessageId::CONNECT) else { return };
        // The client names the host that it thinks it talks to.
        let here = connect.subscriber.rsplit(' ').next().unwrap().to_owned();
        peer.answer(&ClientMessage::Connect(connect));
        peer.until(MessageId::OPEN_FILE);
        let target = Redirect::Url(format!("mms://{here}/again"));
        peer.say(ReportRedirect { hr: HResult::OK, target });
        peer.linger();
    });
    let ended = run("record", &scratch, [circle.url()]);
    let line = ended.failed();
    assert!(line.contains("redirected more than 5 times"), "{line}");
}

#[test]
fn a_live_stream_is_not_resumed() {
    let scratch = Scratch::new("live");
    let server = Server::start(|_, peer| {
        peer.clip.attributes = FileAttributes::BROADCAST;
        serve(peer);
    });
    let url = server.url();
    let text = run("record", &scratch, [&url, "-o", "a.wmv"]).done();
    assert!(!text.contains("--resume"), "{text}");
    let before = std::fs::read(scratch.join("a.wmv")).unwrap();
    let ended = run("record", &scratch, [&url, "-o", "a.wmv", "--resume"]);
    let line = ended.failed();
    assert!(line.contains("cannot resume a.wmv: the stream is live"), "{line}");
    assert!(line.ends_with("record to another file with -o"), "{line}");
    assert!(ended.stdout.is_empty());
    assert!(std::fs::read(scratch.join("a.wmv")).unwrap() == before);
}
