//! What only a server that is told so does: playlists, logins, redirects, live streams.

use crate::scripted::program::{Ended, program, run};
use crate::scripted::server::{Clip, Peer, Server};
use crate::support::scratch::Scratch;
use bytes::Bytes;
use mms_asf::FileReader;
use mms_proto::mmsp::message::FileAttributes;
use mms_proto::mmsp::message::{
    ClientMessage, MessageId, ReportOpenFile, ReportRedirect, ReportStreamChange,
    SecurityChallenge, basic_token,
};
use mms_proto::{HResult, Redirect};

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
    // A number of files may be given.
    let text = run("record", &scratch, [&url, "-o", "one.wmv", "--max-files", "1"]).done();
    let said = "stopped after 1 file, although more follow: --max-files sets the number\n";
    assert!(text.contains(said), "{text}");
    assert_eq!(packets(&scratch, "one.wmv"), all[..20]);
    assert!(!scratch.join("one.2.wmv").exists());
    let ended = run("record", &scratch, [&url, "--json", "--max-files", "2"]);
    let object: serde_json::Value = serde_json::from_slice(&ended.stdout).unwrap();
    assert_eq!((&object["more_follows"], &object["packets"]), (&false.into(), &60.into()));
    // A pipe gets one stream.
    let piped = run("record", &scratch, [&url, "-o", "-"]);
    let header = Clip::new().header.len();
    let first = all[..20].iter().map(Bytes::len).sum::<usize>();
    assert_eq!((piped.status, piped.stdout.len()), (Some(1), header + first));
    let line = "record: standard output holds one stream, and another one follows as entry 2; \
                record to files with -o\n";
    assert!(piped.stderr.ends_with(line), "{piped:?}");
}

#[test]
fn half_a_stream_is_no_success() {
    let scratch = Scratch::new("half");
    let server = Server::start(|number, peer| {
        if peer.start().is_some() {
            let until = if number < 2 { 10 } else { peer.clip.packets.len() };
            peer.media(peer.first..until);
            peer.end(HResult::OK);
            peer.linger();
        }
    });
    let url = server.url();
    let ended = run("record", &scratch, [&url, "-o", "a.wmv"]);
    let line = format!(
        "record: {}: ended the stream after 10 of 85 packets without a reason; 10 packets are \
         recorded, go on with -o a.wmv --resume",
        server.address
    );
    assert_eq!(ended.failed(), line);
    assert_eq!(packets(&scratch, "a.wmv"), Clip::new().packets[..10]);
    // Where it comes no further, another try is not recommended.
    let ended = run("record", &scratch, [&url, "-o", "a.wmv", "--resume"]);
    assert!(ended.failed().ends_with("; its file may be cut: try again later"), "{ended:?}");
    run("record", &scratch, [&url, "-o", "a.wmv", "--resume"]).done();
    assert_eq!(packets(&scratch, "a.wmv"), Clip::new().packets);
}

#[test]
fn an_announced_entry_that_does_not_come_is_no_success() {
    let scratch = Scratch::new("promise");
    let server = Server::start(|_, peer| {
        if peer.start().is_some() {
            let count = peer.clip.packets.len();
            peer.media(0..count);
            peer.end(HResult::FALSE);
        }
    });
    let ended = run("record", &scratch, [server.url()]);
    let line = ended.failed();
    assert!(line.ends_with("announced another entry of the playlist, and none came; try again"));
    assert!(ended.stdout.starts_with(b"recorded ") || !ended.stdout.is_empty(), "{ended:?}");
    assert_eq!(packets(&scratch, "clip.wmv"), Clip::new().packets);
}

#[test]
fn streams_that_were_not_asked_for_are_left_out() {
    let scratch = Scratch::new("ignored");
    let server = Server::start(|_, peer| serve(peer));
    let ended = run("record", &scratch, [&server.url(), "--streams", "2"]);
    let text = ended.done();
    // Sound alone.
    assert!(text.contains("to clip.wma ("), "{text}");
    let said = "the server ignores --streams: what it sent of the other streams was left out\n";
    assert!(text.contains(said), "{text}");
    for packet in packets(&scratch, "clip.wma") {
        let packet = mms_asf::Packet::parse(&packet, 3_200).unwrap();
        assert!(packet.payloads().all(|payload| payload.unwrap().stream == 2));
    }
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
            let result = Err(HResult::ACCESS_DENIED.into());
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

    // Others on the machine can read arguments, but not this.
    let mut command = program("record", &scratch, [&url, "--user", "alice", "-o", "b.wmv"]);
    let ended: Ended = command.env("MMS_PASSWORD", "open sesame").output().unwrap().into();
    ended.done();
    assert_eq!(packets(&scratch, "b.wmv"), Clip::new().packets);
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
fn a_live_recording_goes_on_after_a_break() {
    let scratch = Scratch::new("reconnect");
    let server = || {
        Server::start(|number, peer| {
            peer.clip.attributes = FileAttributes::BROADCAST;
            if peer.start().is_some() {
                let count = peer.clip.packets.len();
                // The second connection begins with the last packets of the first one; the third
                // brings nothing.
                match number {
                    0 => peer.media(0..20),
                    1 => peer.media(15..30),
                    2 => {}
                    _ => {
                        peer.media(40..count);
                        peer.end(HResult::OK);
                        peer.linger();
                    }
                }
            }
        })
    };
    let live = server();
    let ended = run("record", &scratch, [&live.url(), "-o", "a.wmv", "--reconnect", "--json"]);
    assert_eq!(ended.status, Some(0), "{ended:?}");
    let object: serde_json::Value = serde_json::from_slice(&ended.stdout).unwrap();
    assert_eq!((&object["packets"], &object["reconnections"]), (&75.into(), &3.into()));
    let breaks = object["breaks"].as_array().unwrap();
    assert_eq!(breaks.len(), 2, "{object}");
    assert!(breaks.iter().all(|one| one["file"] == 0 && one["outage_ms"].as_u64() >= Some(500)));
    assert!(breaks[0]["gap_ms"].as_u64() < Some(200), "{object}");
    assert!(breaks[1]["gap_ms"].as_u64() > Some(300), "{object}");
    let all = Clip::new().packets;
    let kept: Vec<Bytes> = all[..30].iter().chain(&all[40..]).cloned().collect();
    assert_eq!(packets(&scratch, "a.wmv"), kept);

    let live = server();
    let ended = run("record", &scratch, [&live.url(), "-o", "b.wmv", "--reconnect=1:00"]);
    let text = String::from_utf8(ended.stdout).unwrap();
    assert_eq!(ended.status, Some(0), "{text}");
    assert_eq!(text.matches("the connection broke ").count(), 2, "{text}");
    assert!(text.contains(" into b.wmv: it went on "), "{text}");
    assert_eq!(ended.stderr.matches("; trying again in 0.5 s\n").count(), 2, "{}", ended.stderr);

    // Without the option, and when nothing comes for too long, it ends with what there is.
    let gone = Server::start(|number, peer| {
        peer.clip.attributes = FileAttributes::BROADCAST;
        if number == 0 && peer.start().is_some() {
            peer.media(0..20);
        }
    });
    let ended = run("record", &scratch, [&gone.url(), "-o", "c.wmv", "--reconnect=1", "-q"]);
    assert!(ended.failed().contains(&gone.address.to_string()), "{ended:?}");
    assert_eq!(packets(&scratch, "c.wmv"), all[..20]);
    let live = server();
    let ended = run("record", &scratch, [&live.url(), "-o", "d.wmv"]);
    assert_eq!(ended.status, Some(1));
    assert_eq!(packets(&scratch, "d.wmv"), all[..20]);
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
    // It has no beginning to count from.
    for (option, advice) in [
        ("--start", "leave out --start"),
        ("--start-packet", "leave out --start-packet"),
        ("--end", "leave out --end, or give a --duration"),
    ] {
        let ended = run("record", &scratch, [&url, "-o", "b.wmv", option, "3"]);
        let line = format!(
            "record: {}: the stream is live: it has no beginning to count from; {advice}",
            server.address
        );
        assert_eq!(ended.failed(), line);
    }
    assert!(!scratch.join("b.wmv").exists());
}
