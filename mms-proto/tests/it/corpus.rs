//! Replays the inputs of the fuzz targets, `fuzz/corpus`, and makes the first of them.

#![expect(clippy::cast_possible_truncation, reason = "numbers of a test are small")]

use std::fs;
use std::path::PathBuf;

use bytes::BytesMut;
use mms_proto::fuzzing::TARGETS;
use mms_proto::mmsp::frame::MessageWriter;
use mms_proto::mmsp::message::{ClientMessage, ServerMessage};
use mms_proto::testing;
use proptest::strategy::{Strategy, ValueTree as _};
use proptest::test_runner::TestRunner;

/// Where the inputs of a target lie. They are not part of the package.
fn folder(target: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus").join(target)
}

#[test]
fn every_known_input_does_no_harm() {
    let present = folder("frame").exists();
    for (target, body) in TARGETS {
        let entries = fs::read_dir(folder(target)).into_iter().flatten();
        let paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
        assert!(!present || !paths.is_empty(), "no inputs for {target}");
        for path in paths {
            // Told only when it fails.
            println!("{}", path.display());
            body(&fs::read(path).unwrap());
        }
    }
}

#[test]
fn short_inputs_do_no_harm() {
    for (_, body) in TARGETS {
        body(&[]);
        for byte in 0..=u8::MAX {
            body(&[byte]);
            body(&[byte; 100]);
        }
    }
}

/// What a script of a client session says, see `fuzzing/client.rs` and `fuzzing/script.rs`.
mod client {
    pub(crate) const CONNECTED: &[u8] = &[1, 0, 0, 0, 0, 0];
    pub(crate) const CONNECTED_OLD: &[u8] = &[1, 0, 0, 0, 1, 0];
    pub(crate) const CONNECTED_WITH_TEST: &[u8] = &[1, 0, 0, 1, 0, 0];
    pub(crate) const FUNNEL_INFO: &[u8] = &[1, 1, 0, 0, 5, 0, 0];
    pub(crate) const TEST: &[u8] = &[5, 9, 1, 1, 0, 2, 5, 8, 0, 1, 2, 3, 4, 5, 6, 7, 8];
    pub(crate) const TRANSPORT: &[u8] = &[1, 2, 0];
    pub(crate) const NO_TRANSPORT: &[u8] = &[1, 3, 3];
    pub(crate) const CHALLENGE: &[u8] = &[1, 6, 9, 1, 2, 0, 0, 0];
    pub(crate) const NTLM_CHALLENGE: &[u8] = b"\x01\x06\x09\x01\x0E\x00\0\0NTLMSSP\0\x02\0\0\0";
    pub(crate) const BASIC_CHALLENGE: &[u8] = b"\x01\x06\x09\x01\x0A\x00r\0e\0a\0l\0m\0";
    pub(crate) const TOKEN: &[u8] = &[12, 0];
    pub(crate) const PASSWORD: &[u8] = &[12, 1];
    pub(crate) const REDIRECT: &[u8] = b"\x01\x05\x00\x00\x06host/x";
    pub(crate) const PROXY: &[u8] = b"\x01\x05\x00\x02\x06host:8";
    pub(crate) const OPENED: &[u8] = &[1, 4, 0, 9, 0, 2, 14, 0x90, 1, 100, 50, 20];
    pub(crate) const OPENED_LIVE: &[u8] = &[1, 4, 0, 9, 0, 4, 0, 0x90, 1, 0, 50, 20];
    pub(crate) const NOT_FOUND: &[u8] = &[1, 4, 2, 9];
    pub(crate) const HEADER: &[u8] = &[1, 7, 0, 1, 3, 1, 0, 4, 10, 0, 3, 1, 1, 0x0C, 10, 0];
    pub(crate) const PLAY: &[u8] = &[8, 1, 1, 0, 0, 0, 0, 0];
    pub(crate) const SEEK: &[u8] = &[8, 1, 1, 0, 1, 12, 2, 13, 0, 0];
    pub(crate) const FAST: &[u8] = &[8, 2, 1, 0, 2, 1, 2, 20, 0, 39, 0];
    pub(crate) const SELECTED: &[u8] = &[1, 8, 0];
    pub(crate) const EOS_FALSE: &[u8] = &[1, 11, 1, 10];
    pub(crate) const CHANGE: &[u8] = &[1, 12, 0, 0x90, 1, 20, 50];
    pub(crate) const CHANGE_HEADER: &[u8] = &[3, 0xFF, 0, 4, 10, 0, 3, 0xFF, 1, 0x0C, 10, 0];
    pub(crate) const PING: &[u8] = &[1, 13];
    pub(crate) const STOP: &[u8] = &[10];
    pub(crate) const SELECT: &[u8] = &[11, 2, 1, 2, 2, 0];
    pub(crate) const CLOSE: &[u8] = &[13];
    pub(crate) const GONE: &[u8] = &[7];
    pub(crate) const DEADLINE: &[u8] = &[6];

    pub(crate) fn started(label: u8) -> [u8; 5] {
        [1, 9, 0, label, 0]
    }

    pub(crate) fn packets(label: u8) -> [u8; 13] {
        [3, label, 0, 0, 100, 0, 4, label, 1, 1, 100, 0, 3]
    }

    pub(crate) fn end(label: u8) -> [u8; 4] {
        [1, 11, 0, label]
    }
}

/// What a script of a server session says, see `fuzzing/server.rs`.
mod server {
    pub(crate) const CONNECT: &[u8] = b"\x01\x00\x01\x14NSPlayer/9.0.0.2980;";
    pub(crate) const CONNECT_OLD: &[u8] = b"\x01\x00\x00\x14NSPlayer/4.1.0.3928;";
    pub(crate) const FUNNEL_INFO: &[u8] = &[1, 1, 0];
    pub(crate) const TEST: &[u8] = &[1, 1, 2];
    pub(crate) const TRANSPORT: &[u8] = &[1, 2, 0];
    pub(crate) const UDP: &[u8] = &[1, 2, 1];
    pub(crate) const OPEN: &[u8] = b"\x01\x03\x09\x05a.wmv\x00\x00";
    pub(crate) const ACCEPT: &[u8] = &[7, 0x2B, 1, 84, 0, 80, 0, 2];
    pub(crate) const REJECT: &[u8] = &[9, 2];
    pub(crate) const READ: &[u8] = &[1, 5, 0, 1];
    pub(crate) const CANCEL: &[u8] = &[1, 6, 1];
    pub(crate) const SELECT: &[u8] = &[1, 7, 2, 1, 0, 2, 3, 1];
    pub(crate) const START: &[u8] = &[1, 8, 0, 10, 0, 0, 0];
    pub(crate) const SEEK: &[u8] = &[1, 8, 0, 11, 1, 12, 2, 13, 0];
    pub(crate) const STRIDE: &[u8] = &[1, 9, 0, 12, 0, 39];
    pub(crate) const PACKETS: &[u8] = &[10, 100, 0, 9];
    pub(crate) const STOP: &[u8] = &[1, 10, 0, 10];
    pub(crate) const PONG: &[u8] = &[1, 11];
    pub(crate) const LOG: &[u8] = &[1, 12];
    pub(crate) const CLOSE_FILE: &[u8] = &[1, 13, 0];
    pub(crate) const UNKNOWN: &[u8] = &[1, 14, 0x77, 2, 0, 1, 2];
    pub(crate) const AGAIN: &[u8] = &[3, 5, 0, 1, 7];
    pub(crate) const DEADLINE: &[u8] = &[5];
    pub(crate) const LATE: &[u8] = &[4, 22];
    pub(crate) const GONE: &[u8] = &[6];
    pub(crate) const END: &[u8] = &[12];
    pub(crate) const ABORT: &[u8] = &[13, 3];
    pub(crate) const CLOSE: &[u8] = &[14];
    pub(crate) const BASIC: &[u8] = b"\xE1\x00\x05files";
    pub(crate) const NTLM: &[u8] = &[225, 1, 0, 0];
    pub(crate) const NTLM_AGAIN: &[u8] = b"\xE1\x01\x0E\x00NTLMSSP\0\x02\0\0\0\0\0";
    pub(crate) const REDIRECT: &[u8] = b"\xE3\x00\x06host/x";
    pub(crate) const PROXY: &[u8] = &[227, 1];
    /// Their cookies follow from the seed of the configuration, 0.
    pub(crate) const PASSWORD: &[u8] = b"\x01\x04\x09\xFF\x39\xA8\x20\xE2\x09\x00dTpwYXNz\0";
    pub(crate) const TOKEN: &[u8] =
        b"\x01\x04\x09\xFF\x39\xA8\x20\xE2\x0E\x00\0\0NTLMSSP\0\x01\0\0\0";
    pub(crate) const TOKEN_AGAIN: &[u8] =
        b"\x01\x04\x09\xFF\x6A\x9E\x78\x6E\x0E\x00\0\0NTLMSSP\0\x03\0\0\0";
    pub(crate) const STALE: &[u8] = &[1, 4, 9, 5, 0, 0];
}

fn client_scripts() -> Vec<(&'static str, u8, Vec<u8>)> {
    use client::*;
    let hello = [CONNECTED, FUNNEL_INFO, TRANSPORT].concat();
    let ready = [&hello[..], OPENED, HEADER].concat();
    let playing = [&ready, PLAY, SELECTED, &started(10), &packets(10)].concat();
    let live =
        [CONNECTED_OLD, TRANSPORT, OPENED_LIVE, HEADER, PLAY, SELECTED, &started(10), &packets(10)];
    let live = live.concat();
    let change = [CHANGE, CHANGE_HEADER, &packets(0xFF), PLAY, SELECTED, &started(11)].concat();
    let old = [CONNECTED_OLD, TRANSPORT, OPENED, HEADER, PLAY, SELECTED].concat();
    vec![
        ("to_the_end", 0, [&playing, &end(10)[..], CLOSE].concat()),
        ("stop", 0, [&playing, PING, STOP, &packets(10), &end(10), PLAY, CLOSE].concat()),
        ("close", 0, [&playing[..], CLOSE, DEADLINE].concat()),
        ("close_at_once", 0, [&ready, PLAY, CLOSE, SELECTED, &started(10), &end(10)].concat()),
        ("seek", 0, {
            let seek = [SEEK, &packets(10), &end(10), SELECTED, &started(11), &packets(11)];
            [&playing, &seek.concat()[..], FAST].concat()
        }),
        ("select", 8, [&playing, SELECT, SELECTED, SELECT, &packets(10), GONE].concat()),
        ("playlist", 0, [&playing, EOS_FALSE, &change, &packets(11), &end(11)].concat()),
        ("broadcast", 0, [&live, &end(10)[..], &change, &packets(11)].concat()),
        ("no_next_entry", 0, [&playing[..], EOS_FALSE, DEADLINE].concat()),
        ("eager", 0x40, [&ready[..], SELECTED, &started(10), &packets(10), &change].concat()),
        ("bandwidth", 2, [CONNECTED_WITH_TEST, TEST, TEST, TEST, TRANSPORT].concat()),
        ("ntlm", 0, {
            let dialogue = [CHALLENGE, TOKEN, NTLM_CHALLENGE, TOKEN, OPENED, HEADER];
            [&hello, &dialogue.concat()[..]].concat()
        }),
        ("ntlm_eager", 0x40, [&hello[..], CHALLENGE, NTLM_CHALLENGE, OPENED, HEADER].concat()),
        ("basic", 8, [&hello[..], BASIC_CHALLENGE, PASSWORD, BASIC_CHALLENGE, GONE].concat()),
        ("basic_refused", 0, [&hello[..], BASIC_CHALLENGE, PASSWORD, TOKEN, CLOSE].concat()),
        ("redirect", 0, [&hello[..], REDIRECT].concat()),
        ("proxy", 0, [&hello[..], PROXY].concat()),
        ("not_found", 0, [&hello[..], NOT_FOUND].concat()),
        ("no_transport", 0x10, [CONNECTED, FUNNEL_INFO, NO_TRANSPORT].concat()),
        ("old", 0x24, [&old, &started(4)[..], &packets(4), DEADLINE].concat()),
        ("strict", 1, [&playing, &packets(11)[..], &end(10)].concat()),
        ("small", 0x80, [&playing[..], PING, PING, PING, GONE].concat()),
        ("silence", 0, [CONNECTED, DEADLINE, GONE].concat()),
        ("raw", 0, raw_client()),
    ]
}

/// A handshake as bytes, cut in the middle of a packet.
fn raw_client() -> Vec<u8> {
    let mut writer = MessageWriter::default();
    let answers = samples(testing::server_message_as_read(), 6);
    let bytes: Vec<u8> = answers
        .iter()
        .flat_map(|message: &ServerMessage| writer.write(9, |out| message.encode(out)))
        .collect();
    let (one, two) = bytes.split_at(50);
    [one, two].map(|part| [&[0], &(part.len() as u16).to_le_bytes()[..], part].concat()).concat()
}

fn server_scripts() -> Vec<(&'static str, u8, Vec<u8>)> {
    use server::*;
    let hello = [CONNECT, FUNNEL_INFO, TRANSPORT].concat();
    let ready = [&hello[..], OPEN, ACCEPT, READ].concat();
    let playing = [&ready[..], SELECT, START, PACKETS].concat();
    let all_at_once = [&hello[..], OPEN, READ, SELECT, START, ACCEPT, PACKETS].concat();
    vec![
        ("to_the_end", 0, [&playing[..], END, LOG, DEADLINE, CLOSE_FILE].concat()),
        ("stop", 0, [&playing[..], STOP, LOG, START, PACKETS, GONE].concat()),
        ("seek", 0, [&playing[..], SEEK, PACKETS, PACKETS, ABORT, CLOSE].concat()),
        ("no_seek", 8, [&playing[..], SEEK, PACKETS, STRIDE].concat()),
        ("paced", 4, [&playing[..], DEADLINE, PACKETS, DEADLINE, PACKETS].concat()),
        ("all_at_once", 0x10, all_at_once),
        ("eager", 0x40, [&hello[..], OPEN, READ, SELECT, START, PACKETS, LATE].concat()),
        ("bandwidth", 0, [CONNECT, TEST, UDP, TRANSPORT].concat()),
        ("no_test", 2, [CONNECT, TEST, UDP, TRANSPORT].concat()),
        ("rejected", 0, [&hello[..], OPEN, REJECT, OPEN, REJECT, READ].concat()),
        ("cancelled", 4, [&ready[..], CANCEL, READ, DEADLINE, CANCEL].concat()),
        ("again", 4, [&ready[..], AGAIN, DEADLINE, DEADLINE].concat()),
        ("old", 0x20, [CONNECT_OLD, TRANSPORT, OPEN, ACCEPT, READ, START, PACKETS, END].concat()),
        ("pings", 0x20, [&playing[..], DEADLINE, PONG, DEADLINE, DEADLINE, DEADLINE].concat()),
        ("idle", 0, [&ready[..], LATE, LATE, LATE].concat()),
        ("strict", 1, [&playing[..], UNKNOWN].concat()),
        ("unknown", 0, [&playing[..], UNKNOWN, CONNECT].concat()),
        ("small", 0x80, [&playing[..], LOG].concat()),
        ("silence", 0, DEADLINE.to_vec()),
    ]
}

/// What a script of a session that plays says, see `fuzzing/media.rs`.
fn media_scripts() -> Vec<(&'static str, Vec<u8>)> {
    const END: &[u8] = &[6];
    const NEXT: &[u8] = &[8, 120, 0, 84, 0, 80, 0, 0];
    const PLAY: &[u8] = &[0, 8, 0, 11, 0, 0, 0];
    const STRIDE: &[u8] = &[0, 9, 0, 12, 0, 39];
    const STOP: &[u8] = &[0, 10, 0, 11];
    const READ: &[u8] = &[0, 5, 0, 1];
    const SENT: &[u8] = &[13, 0, 100, 0, 14, 1, 100, 50, 3, 15, 2, 90, 100, 3];
    const PUSHED: &[u8] = &[13, 5, 0, 100, 1, 99, 2, 100, 3, 96, 4, 97];
    const DEADLINE: &[u8] = &[3];
    const OVER: &[u8] = &[10];
    let entries = |media: &[u8]| {
        [media, END, NEXT, DEADLINE, media, PLAY, media, END, NEXT, READ, PLAY, media, OVER]
            .concat()
    };
    let script = |options: u8, rest: &[u8]| [&[options, 7], rest].concat();
    vec![
        ("entries", script(0, &entries(SENT))),
        ("entries_paced", script(4, &entries(SENT))),
        ("entries_old", script(0x80, &entries(SENT))),
        ("entries_old_at_once", script(0x82, &entries(SENT))),
        ("live", script(1, &entries(PUSHED))),
        ("live_old", script(0x81, &entries(PUSHED))),
        ("live_slow", script(0x43, &[&PUSHED.repeat(3)[..], END, NEXT, STOP, PLAY].concat())),
        ("held", script(0x8C, &[SENT, OVER, &DEADLINE.repeat(6)[..], PLAY, SENT].concat())),
        ("stride", script(4, &[STRIDE, SENT, STOP, STRIDE, SENT, &[11, 3], PLAY].concat())),
        ("burst", script(0x14, &SENT.repeat(4))),
        ("no_seek", script(0x20, &[SENT, PLAY, STRIDE, SENT, END, OVER].concat())),
    ]
}

/// With the seeds that announce a scheme or refuse everybody.
fn secured_scripts() -> Vec<(&'static str, [u8; 2], Vec<u8>)> {
    use server::*;
    let asked = [CONNECT, TRANSPORT, OPEN].concat();
    let asked_old = [CONNECT_OLD, TRANSPORT, OPEN].concat();
    let tokens = [NTLM, TOKEN, NTLM_AGAIN, TOKEN_AGAIN].concat();
    vec![
        ("basic", [0, 225], [&asked[..], BASIC, PASSWORD, ACCEPT, READ].concat()),
        ("basic_denied", [0x80, 225], [&asked[..], BASIC, PASSWORD, BASIC, OPEN].concat()),
        ("basic_late", [0, 225], [&asked[..], BASIC, DEADLINE, DEADLINE].concat()),
        ("basic_old", [0, 228], [&asked_old[..], BASIC, PASSWORD].concat()),
        ("ntlm", [0, 228], [&asked[..], &tokens, ACCEPT, READ].concat()),
        ("ntlm_old", [0, 228], [&asked_old[..], &tokens, REJECT].concat()),
        ("stale", [0, 225], [&asked[..], BASIC, STALE, PASSWORD, ACCEPT, STALE].concat()),
        ("stale_strict", [1, 225], [&asked[..], BASIC, STALE].concat()),
        ("unreadable", [0, 228], [&asked[..], NTLM, PASSWORD, REJECT, OPEN, BASIC].concat()),
        ("redirected", [0, 7], [&asked[..], REDIRECT].concat()),
        ("redirected_to_proxy", [0, 7], [&asked[..], PROXY].concat()),
        ("redirected_old", [0, 7], [&asked_old[..], REDIRECT, OPEN, ACCEPT].concat()),
        ("full", [0, 231], [CONNECT, TRANSPORT].concat()),
    ]
}

fn both_scripts() -> Vec<(&'static str, Vec<u8>)> {
    let hello = [0; 8];
    let ready = [0, 0, 0, 0, 17, 0x2B, 1, 84, 0, 80, 0, 2, 0, 0];
    let play = [12, 1, 1, 0, 0, 0, 0, 0, 0, 0];
    let seek = [12, 1, 1, 0, 1, 12, 2, 13, 0, 0];
    let packets = [20, 100, 0, 9, 0];
    let seeded = |options: [u8; 3], rest: &[&[u8]]| [&options[..], &rest.concat()[..]].concat();
    let with = |[client, server]: [u8; 2], rest: &[&[u8]]| seeded([client, server, 7], rest);
    let basic = b"\xE1\x00\x05files";
    let ntlm = [225, 1, 0, 0];
    let (token, password) = ([231, 0, 0], [231, 1, 0]);
    vec![
        ("eager", with([0x40, 0x50], &[&hello, &packets, &packets, &[22, 0, 16, 0]])),
        ("play", with([0, 0], &[&ready, &play, &packets, &[22, 0, 0], &play, &packets])),
        ("seek", with([0, 0], &[&ready, &play, &packets, &seek, &packets, &[0], &packets])),
        ("stop", with([0, 0], &[&ready, &play, &packets, &[14], &packets, &[0, 0, 16, 0]])),
        ("crossing", with([0, 0], &[&ready, &play, &packets, &[22, 14, 0, 0], &play])),
        ("pieces", with([0x42, 0x44], &[&[4, 30, 5, 40, 4, 99, 5, 9], &hello, &[8], &packets])),
        ("late", with([0x40, 0x50], &[&hello, &packets, &[7, 8, 0, 8, 0, 6, 30, 0, 7]])),
        ("rejected", with([0, 0], &[&[0, 0, 0, 19, 2, 0, 0]])),
        ("closed", with([0x40, 0x50], &[&hello, &packets, &[9, 10]])),
        ("changed", with([0x40, 0x50], &[&hello, &packets[..4], &[11, 1, 9, 0, 1, 0, 55, 0]])),
        ("lost", with([0x40, 0x50], &[&hello, &packets[..4], &[11, 1, 9, 0, 40, 1, 0]])),
        (
            "basic",
            seeded(
                [8, 0, 225],
                &[&[0, 0, 0], basic, &[0], &password, basic, &[0], &password, &ready[4..]],
            ),
        ),
        (
            "ntlm",
            seeded(
                [0, 0, 228],
                &[&[0, 0, 0], &ntlm, &[0], &token, &ntlm, &[0], &token, &ready[4..]],
            ),
        ),
        ("redirected", with([0, 0], &[&[0, 0, 0], b"\xE3\x00\x06host/x", &[0, 0]])),
        ("full", seeded([0, 0, 231], &[&[0, 0, 0]])),
        ("doubled", with([0x40, 0x50], &[&hello, &packets[..4], &[11, 1, 0, 0, 108, 2, 0]])),
    ]
}

/// Values of a strategy, always the same.
fn samples<T>(strategy: impl Strategy<Value = T>, count: usize) -> Vec<T> {
    let mut runner = TestRunner::deterministic();
    (0..count).map(|_| strategy.new_tree(&mut runner).unwrap().current()).collect()
}

fn write(target: &str, name: &str, bytes: &[u8]) {
    fs::create_dir_all(folder(target)).unwrap();
    fs::write(folder(target).join(name), bytes).unwrap();
}

#[test]
#[ignore = "writes the first inputs of the fuzz targets"]
fn make_the_first_inputs() {
    let clients: Vec<ClientMessage> = samples(testing::client_message_as_read(), 60);
    let servers: Vec<ServerMessage> = samples(testing::server_message_as_read(), 60);
    let mut writer = MessageWriter::new(u16::MAX);
    let (mut from_client, mut from_server) = (vec![1, 5], vec![0, 5]);
    for (index, (client, server)) in clients.iter().zip(&servers).enumerate() {
        for (target, encode) in [
            (
                "client_message",
                &(|out: &mut BytesMut| client.encode(out)) as &dyn Fn(&mut BytesMut),
            ),
            ("server_message", &|out: &mut BytesMut| server.encode(out)),
        ] {
            let mut out = BytesMut::new();
            encode(&mut out);
            // A few large ones are enough.
            if out.len() < 400 || index % 8 == 0 {
                write(target, &format!("message_{index}"), &out);
            }
        }
        if index % 10 == 0 {
            from_client.extend(writer.write(7, |out| client.encode(out)));
            from_server.extend(writer.write(7, |out| {
                server.encode(out);
                server.encode(out);
            }));
            from_server.extend([index as u8, 0, 0, 0, 9, index as u8, 12, 0, 1, 2, 3, 4]);
        }
    }
    // A Data packet that looks like a message for a moment.
    let mut unlucky = vec![0; 45_067 + 2];
    unlucky[2..10].copy_from_slice(&[1, 2, 3, 4, 0xCE, 0xFA, 0x0B, 0xB0]);
    write("frame", "looks_like_a_message", &unlucky[..200]);
    write("frame", "from_client", &from_client);
    write("frame", "from_server", &from_server);
    write("frame", "cut", &from_server[..from_server.len() / 2]);
    for (name, options, script) in client_scripts() {
        write("client_session", name, &[&[options, 7], &script[..]].concat());
    }
    for (name, options, script) in server_scripts() {
        write("server_session", name, &[&[options, 7], &script[..]].concat());
    }
    for (name, script) in media_scripts() {
        write("server_media", name, &script);
    }
    for (name, head, script) in secured_scripts() {
        write("server_session", name, &[&head[..], &script[..]].concat());
    }
    for (name, script) in both_scripts() {
        write("both", name, &script);
    }
}
