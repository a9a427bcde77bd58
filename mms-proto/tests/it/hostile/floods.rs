//! Floods: much of the same, and claims of more than there is. Memory stays bounded.

use std::time::Duration;

use crate::hostile::victim::{client_victim, honest_client, honest_server, server_victim};
use crate::hostile::{Frame, Outcome, data, message, run, whole};
use crate::pair::media;
use bytes::{BufMut, Bytes};
use mms_proto::mmsp::ClientConfig;
use mms_proto::mmsp::message::{ClientMessage, FunnelInfo, MessageId, Ping, Pong, ServerMessage};
use mms_proto::{CloseReason, Error, Limits, Machine as _, Problem, Rate};

/// What a session may take whatever is sent: a read buffer, and the events and answers of one
/// packet of 64 KiB, which can hold 8,000 messages or 10,000 odd entries of a list.
const MEMORY: u64 = 4 << 20;

/// Runs a client against these frames.
fn client(frames: &[Frame]) -> Outcome {
    let victim = client_victim(media::start(), Rate::NORMAL);
    measured(|| run(victim, frames, whole))
}

/// Runs a server against these frames.
fn server(frames: &[Frame]) -> Outcome {
    let victim = server_victim(media::start());
    measured(|| run(victim, frames, whole))
}

fn measured(session: impl FnOnce() -> Outcome) -> Outcome {
    let mut outcome = None;
    let memory = allocation_counter::measure(|| outcome = Some(session()));
    assert!(memory.bytes_max < MEMORY, "{} bytes: {outcome:?}", memory.bytes_max);
    outcome.unwrap()
}

/// The honest frames up to `index`, then so many copies of these bytes, then the rest.
fn flooded(honest: &[Frame], index: usize, count: usize, bytes: &Bytes) -> Vec<Frame> {
    let mut frames = honest[..index].to_vec();
    let after = honest.get(index).map_or(0, |frame| frame.after);
    frames.extend((0..count).map(|_| Frame { after, bytes: bytes.clone() }));
    frames.extend_from_slice(&honest[index..]);
    frames
}

fn server_says(message: impl Into<ServerMessage>) -> Bytes {
    let message = message.into();
    crate::hostile::message(0, |out| message.encode(out)).bytes
}

fn client_says(message: impl Into<ClientMessage>) -> Bytes {
    let message = message.into();
    crate::hostile::message(0, |out| message.encode(out)).bytes
}

/// A packet of 64 KiB full of copies of one message.
fn full(message_bytes: &[u8]) -> Bytes {
    let count = (65_536 - 16) / message_bytes.len();
    message(0, |out| (0..count).for_each(|_| out.put_slice(message_bytes))).bytes
}

#[test]
fn packets_before_during_and_after() {
    // Media where none belongs, of another label, from past the end, without content, too large.
    let honest = honest_server();
    for bytes in [
        data(0, 0, 10, 0, Bytes::from_static(&[1; 100])).bytes,
        data(0, 0, 99, 0, Bytes::from_static(&[1; 100])).bytes,
        data(0, 1 << 30, 10, 0, Bytes::from_static(&[1; 100])).bytes,
        data(0, 0, 10, 0, Bytes::new()).bytes,
        data(0, 0, 10, 0, Bytes::from_static(&[1; 60_000])).bytes,
    ] {
        for index in 0..honest.len() {
            let outcome = client(&flooded(&honest, index, 200, &bytes));
            // What is no media is dropped; where a header is expected it is taken for one.
            let failed = matches!(outcome.reason, CloseReason::Failed(Error::Limit { .. }));
            let timed = matches!(outcome.reason, CloseReason::Failed(Error::TimedOut { .. }));
            let fine = outcome.reason == CloseReason::Local;
            assert!(fine || failed || timed, "{index}: {outcome:?}");
        }
    }
}

#[test]
fn pings() {
    let honest = honest_server();
    let one = server_says(Ping);
    let many = full(&one[32..]);
    for index in 0..honest.len() {
        // The answers release the honest frames too early: any end will do.
        client(&flooded(&honest, index, 300, &one));
        client(&flooded(&honest, index, 3, &many));
    }
    // Twenty answers and one complaint, however many there are in the same second.
    let mut frames = honest[..10].to_vec();
    frames.push(Frame { after: 8, bytes: many });
    let outcome = client(&frames);
    assert!(outcome.outputs <= 33, "{outcome:?}");
}

#[test]
fn unknown_and_misplaced_messages() {
    let honest = honest_server();
    let unknown = ServerMessage::Unknown { id: MessageId(0x0004_0018), body: Bytes::new() };
    for bytes in [
        full(&server_says(unknown)[32..]),
        full(
            &server_says(mms_proto::mmsp::message::ReportStreamSwitch {
                hr: mms_proto::HResult::OK,
            })[32..],
        ),
    ] {
        for index in [0, 1, 6, 9, 12, 14, 17] {
            client(&flooded(&honest, index, 2, &bytes));
        }
    }
}

#[test]
fn a_client_that_floods() {
    let honest = honest_client();
    let unknown = ClientMessage::Unknown { id: MessageId(0x0003_0030), body: Bytes::new() };
    let test = FunnelInfo { test: mms_proto::mmsp::message::BandwidthTest::TcpHighEntropy };
    let mut odd = vec![0xFF; 4];
    odd.extend(vec![0; 65_000]);
    let odd = ClientMessage::Unknown { id: MessageId::STREAM_SWITCH, body: odd.into() };
    for (bytes, count) in [
        (full(&client_says(Pong)[32..]), 3),
        (full(&client_says(unknown)[32..]), 3),
        (full(&client_says(test)[32..])[..].to_vec().into(), 1),
        (client_says(odd), 3),
        (client_says(Pong), 1000),
        (message(0, |_| {}).bytes, 1000),
    ] {
        for index in 1..honest.len() {
            server(&flooded(&honest, index, count, &bytes));
        }
    }
}

#[test]
fn claims_of_four_gigabytes() {
    // Refused before any memory is reserved: not one byte more than the message itself.
    let small = |memory: u64| assert!(memory < 300 << 10, "{memory} bytes");
    for claim in [65_537_u32, 1 << 20, 0x7FFF_FFFF, u32::MAX] {
        let mut huge = server_says(Ping).to_vec();
        huge[8..12].copy_from_slice(&claim.to_le_bytes());
        let frames = [Frame { after: 1, bytes: huge.into() }];
        let memory = allocation_counter::measure(|| {
            let outcome = client(&frames);
            let CloseReason::Failed(Error::Decode(error)) = outcome.reason else { panic!() };
            assert_eq!(error.field, "messageLength");
            let problem = Problem::AboveLimit { found: claim.into(), limit: 65_536 };
            assert_eq!(error.problem, problem);
            assert_eq!(outcome.after, Duration::ZERO);
        });
        small(memory.bytes_max);
    }
    let honest = honest_server();
    // A header, announced; the four texts of the first answer; the tokens of a challenge.
    for (index, at, field) in [
        (6, 32 + 76, None),
        (0, 32 + 48, Some("ServerVersionInfo")),
        (0, 32 + 52, Some("VersionInfo")),
        (0, 32 + 56, Some("VersionUrl")),
        (0, 32 + 60, Some("AuthenPackage")),
        (5, 32 + 16, Some("pToken")),
    ] {
        let mut frames = honest[..=index].to_vec();
        let mut bytes = frames[index].bytes.to_vec();
        bytes[at..at + 4].copy_from_slice(&u32::MAX.to_le_bytes());
        frames[index].bytes = bytes.into();
        let memory = allocation_counter::measure(|| match client(&frames).reason {
            CloseReason::Failed(Error::Decode(error)) => {
                assert_eq!(field, Some(error.field), "{error}");
            }
            CloseReason::Failed(Error::Limit { what, value, .. }) => {
                assert_eq!((what, value), ("bytes of the ASF header", u32::MAX.into()));
                assert_eq!(field, None);
            }
            other => panic!("{index} {at}: {other:?}"),
        });
        small(memory.bytes_max);
    }
}

#[test]
fn a_header_that_never_ends() {
    let honest = honest_server();
    let mut frames = honest[..8].to_vec();
    let part = Bytes::from_static(&[5; 60_000]);
    frames.extend((0..100).map(|number| data(6, number, 1, 4, part.clone())));
    let outcome = client(&frames);
    let CloseReason::Failed(Error::Limit { what, value, limit }) = outcome.reason else { panic!() };
    assert_eq!((what, limit), ("bytes of the ASF header", 256 << 10));
    assert_eq!(value, 300_000);
}

#[test]
fn what_waits_for_the_application_is_bounded() {
    // A challenge that waits for a person, and a server that goes on sending.
    let mut config = ClientConfig::new("host", "file.wma");
    config.session.limits = Limits::default();
    let begin = media::start();
    let mut client = mms_proto::mmsp::Client::new(begin, config);
    let feed = |client: &mut mms_proto::mmsp::Client, bytes: &[u8]| {
        let result = client.handle_input(begin, mms_proto::Input::tcp(bytes));
        while !matches!(client.poll_output(), mms_proto::Output::Wait(_)) {}
        result
    };
    let honest = honest_server();
    let mut connected = honest[0].bytes.to_vec();
    connected[32 + 12] = 0xEF; // no bandwidth test
    feed(&mut client, &connected).unwrap();
    let mut plain = honest[1].bytes.to_vec();
    plain[32 + 12] = 0xEF;
    feed(&mut client, &plain).unwrap();
    for frame in &honest[4..6] {
        feed(&mut client, &frame.bytes).unwrap();
    }
    assert_eq!(client.phase(), mms_proto::Phase::Authenticating);
    let junk = data(6, 0, 1, 4, Bytes::from(vec![0; 16 << 10])).bytes;
    let memory = allocation_counter::measure(|| {
        // Two megabytes, if it took them.
        (0..128).for_each(|_| drop(feed(&mut client, &junk)));
    });
    assert!(memory.bytes_max < MEMORY, "{} bytes", memory.bytes_max);
    assert_eq!(client.phase(), mms_proto::Phase::Closed);
    let error = feed(&mut client, &[]).unwrap_err();
    assert!(matches!(error, Error::Limit { what: "bytes that wait to be decoded", .. }));
}
