//! Bytes cut anywhere lead to the same session.
//!
//! A player that knows only events answers what the machine reports; the log of everything that
//! the machine sent and reported must not depend on how the network cut what it received.

use bytes::Bytes;
use mms_proto::mmsp::frame::{DataPacket, Frame, FrameDecoder, MessageWriter};
use mms_proto::mmsp::message::{Ping, SecurityChallenge, ServerMessage};
use mms_proto::mmsp::{Client, ClientConfig};
use mms_proto::{
    ClientEvent, ConnectionId, Credentials, HResult, Input, Machine as _, Output, StreamSelection,
};
use proptest::prelude::*;

use super::harness::*;

/// Everything that a machine gave out.
#[derive(Debug, PartialEq)]
enum Step {
    Sent(Bytes),
    Event(ClientEvent),
}

/// Plays a whole session: `answer` is called with every event, before the machine goes on.
fn session<'a>(
    config: &ClientConfig,
    pieces: impl IntoIterator<Item = &'a [u8]>,
    mut answer: impl FnMut(&mut Client, &ClientEvent),
) -> Vec<Step> {
    let now = epoch();
    let mut client = Client::new(now, config.clone());
    let mut log = Vec::new();
    let mut poll = |client: &mut Client| {
        loop {
            match client.poll_output() {
                Output::Transmit { data: transmit, .. } => {
                    log.push(Step::Sent(transmit.to_bytes()))
                }
                Output::Connect { .. } | Output::Close { .. } | Output::Datagram(_) => {
                    unreachable!("a session over one connection")
                }
                Output::Wait(_) => break,
                Output::Event(event) => {
                    answer(client, &event);
                    log.push(Step::Event(event));
                }
            }
        }
    };
    poll(&mut client);
    for (index, piece) in pieces.into_iter().enumerate() {
        // Both ways to hand over bytes.
        if index % 2 == 0 || client.recv_buffer(ConnectionId::MAIN).len() < piece.len() {
            let _ = client.handle_input(now, Input::tcp(piece));
        } else {
            client.recv_buffer(ConnectionId::MAIN)[..piece.len()].copy_from_slice(piece);
            let _ = client.received(now, ConnectionId::MAIN, piece.len());
        }
        poll(&mut client);
    }
    let _ = client.handle_input(now, Input::tcp_closed());
    poll(&mut client);
    log
}

fn player(client: &mut Client, event: &ClientEvent) {
    let now = epoch();
    match event {
        ClientEvent::Challenge(challenge) => {
            let credentials = Credentials::Token(Bytes::from_static(b"NTLMSSP\0"));
            client.authenticate(now, challenge, &credentials).unwrap();
        }
        ClientEvent::Ready(_) | ClientEvent::NextEntry(_) => client.play(now, all()).unwrap(),
        ClientEvent::Packet(packet) if packet.location_id == 1 => {
            let selections = [StreamSelection::off(stream(2))];
            client.select_streams(now, &selections).unwrap();
        }
        ClientEvent::Packet(packet) if packet.location_id == 7 => client.play(now, all()).unwrap(),
        ClientEvent::EndOfStream { more: false, .. } => client.close(now),
        _ => {}
    }
}

/// What a server sends in a session with everything: a challenge, pings, a selection while
/// playing, a seek, a second entry, several messages in one packet.
fn server_bytes() -> Vec<u8> {
    let mut writer = MessageWriter::default();
    let mut out = Vec::new();
    let mut say = |messages: &[ServerMessage]| {
        let bytes = writer.write(0, |out| {
            for message in messages {
                message.encode(out);
            }
        });
        bytes.to_vec()
    };
    let challenge =
        SecurityChallenge { incarnation: OPEN, cookie: 5, token: Bytes::from_static(&[0, 0]) };
    let ping = ServerMessage::from(Ping);
    out.extend(say(&[connected("9.1"), ping.clone()]));
    out.extend(say(&[funnel_info(Default::default(), &[]), funnel()]));
    out.extend(say(&[challenge.into(), opened(file()), read_block()]));
    out.extend(data(0, HEADER, 4, &ASF[..10]));
    out.extend(say(std::slice::from_ref(&ping)));
    out.extend(data(1, HEADER, 0x0C, &ASF[10..]));
    out.extend(say(&[]));
    out.extend(say(&[switched(HResult::OK), started(PLAY)]));
    for number in 0..4 {
        out.extend(data(number, PLAY, 0, &[3; 20]));
    }
    out.extend(say(&[switched(HResult::OK), ping.clone()]));
    out.extend(data(7, PLAY, 0, &[7; 20]));
    // The seek: what was on its way, then its answers.
    out.extend(data(8, PLAY, 0, &[8; 20]));
    out.extend(say(&[ended(HResult::OK, PLAY)]));
    out.extend(say(&[switched(HResult::OK), started(PLAY + 1)]));
    out.extend(data(9, PLAY + 1, 0, &[9; 20]));
    out.extend(say(&[ended(HResult::FALSE, PLAY + 1), change()]));
    out.extend(data(0, ENTRY, 0x0C, b"new"));
    out.extend(data(50, ENTRY, 0, &[1; 20]));
    out.extend(say(&[switched(HResult::OK), started(PLAY + 2)]));
    out.extend(data(51, PLAY + 2, 0, &[2; 20]));
    out.extend(say(&[ended(HResult::OK, PLAY + 2), ping]));
    out
}

/// Where two logs part, and what each says there: whole logs are too long to print.
fn first_difference<'a>(
    left: &'a [Step],
    right: &'a [Step],
) -> Option<(usize, Option<&'a Step>, Option<&'a Step>)> {
    (0..left.len().max(right.len()))
        .map(|at| (at, left.get(at), right.get(at)))
        .find(|(_, left, right)| left != right)
}

fn events(log: &[Step]) -> Vec<ClientEvent> {
    let event = |step: &Step| match step {
        Step::Event(event) => Some(event.clone()),
        Step::Sent(_) => None,
    };
    log.iter().filter_map(event).collect()
}

#[test]
fn a_session_with_everything() {
    // MMSP-W-022: the run that the others are compared with is the right one
    let bytes = server_bytes();
    let log = session(&config(), [&bytes[..]], player);
    let events = events(&log);
    assert_eq!(packets(&events), [0, 1, 2, 3, 7, 9, 50, 51]);
    let odd = |event: &&ClientEvent| matches!(event, ClientEvent::Deviation(_));
    assert_eq!(events.iter().filter(odd).count(), 0, "{events:?}");
    let closed = ClientEvent::Closed(mms_proto::CloseReason::Local);
    assert_eq!(events.last(), Some(&closed));
    let sent = log.iter().filter(|step| matches!(step, Step::Sent(_)));
    // Connect, FunnelInfo, ConnectFunnel, OpenFile, SecurityResponse, ReadBlock; three Pongs;
    // three play commands of two messages; a selection; three reports and one StopPlaying;
    // CloseFile.
    assert_eq!(sent.count(), 6 + 3 + 6 + 1 + 4 + 1);
}

#[test]
fn one_message_a_packet() {
    // MMSP-C-104, MMSP-W-008; the harness looks at every other session in the same way
    let bytes = server_bytes();
    let log = session(&config(), [&bytes[..]], player);
    let sent = log.iter().filter_map(|step| match step {
        Step::Sent(bytes) => Some(bytes),
        Step::Event(_) => None,
    });
    for (number, bytes) in sent.enumerate() {
        assert_eq!(usize::from(bytes[20]), number, "seq");
        let chunks = u32::from_le_bytes([bytes[32], bytes[33], bytes[34], bytes[35]]);
        assert_eq!(bytes.len(), 32 + chunks as usize * 8, "all of one message");
    }
}

#[test]
fn every_single_cut_and_byte_by_byte() {
    // MMSP-W-022
    let bytes = server_bytes();
    let whole = session(&config(), [&bytes[..]], player);
    let single = session(&config(), bytes.chunks(1), player);
    assert_eq!(first_difference(&single, &whole), None);
    for at in 1..bytes.len() {
        let (left, right) = bytes.split_at(at);
        let cut = session(&config(), [left, right], player);
        assert_eq!(first_difference(&cut, &whole), None, "cut at {at}");
    }
}

/// Cuts bytes into pieces of these sizes, again and again.
fn cut<'a>(bytes: &'a [u8], sizes: &'a [usize]) -> impl Iterator<Item = &'a [u8]> {
    let mut rest = bytes;
    let mut sizes = sizes.iter().cycle();
    std::iter::from_fn(move || {
        let size = (*sizes.next()?).min(rest.len());
        let (piece, later) = rest.split_at(size);
        rest = later;
        (!piece.is_empty()).then_some(piece)
    })
}

proptest! {
    #[test]
    fn any_cut(
        sizes in proptest::collection::vec(1..200usize, 1..20),
        broken in proptest::option::of((0..2000usize, any::<u8>())),
    ) {
        // MMSP-W-022; also when a byte is wrong, so that the session ends or stumbles somewhere
        let mut bytes = server_bytes();
        if let Some((at, value)) = broken {
            let at = at % bytes.len();
            bytes[at] = value;
        }
        // A session that went wrong asks for commands at odd moments.
        let player = |client: &mut Client, event: &ClientEvent| {
            if broken.is_none() || matches!(event, ClientEvent::EndOfStream { more: false, .. }) {
                player(client, event);
            } else if matches!(event, ClientEvent::Ready(_) | ClientEvent::NextEntry(_)) {
                let now = epoch();
                let _ = client.play(now, all());
            }
        };
        let whole = session(&config(), [&bytes[..]], player);
        let cut = session(&config(), cut(&bytes, &sizes), player);
        prop_assert_eq!(first_difference(&cut, &whole), None);
    }
}

/// The sessions recorded over TCP, and whether their client asked for a client id.
const RECORDED: [(&str, bool); 6] = [
    ("ffmpeg_mmst", true),
    ("ffmpeg_mmst_ping", true),
    ("libmms_mmst", false),
    ("libmms_mmst_seek", false),
    ("mplayer_mmst", false),
    ("vlc_mmst", false),
];

/// Where to cut a recorded session in two: anywhere in its beginning and its end, and around each
/// border of its packets.
fn places(bytes: &[u8]) -> std::collections::BTreeSet<usize> {
    let last = bytes.len() - 1;
    let mut places: std::collections::BTreeSet<_> = (1..2000).chain(last - 200..=last).collect();
    let mut decoder = FrameDecoder::from_server(&mms_proto::Limits::default());
    decoder.push(bytes);
    while let Some(frame) = decoder.next_frame().unwrap() {
        // A packet of messages ends behind its last one.
        if let Frame::Messages(mut messages) = frame {
            while messages.split_next().unwrap().is_some() {}
        }
        let border = bytes.len() - decoder.buffered();
        places.extend(border.saturating_sub(9).max(1)..=(border + 9).min(last));
    }
    assert_eq!(decoder.buffered(), 0);
    places
}

#[test]
fn recorded_sessions() {
    // MMSP-W-022; the answers of a whole session at once, and cut
    let Some(samples) = mms_tests::samples() else { return };
    let folder = samples.join("transcripts");
    let read = |name: &str| std::fs::read(folder.join(name)).unwrap();
    let tiny = read("tiny.wma");
    for (name, funnel_info) in RECORDED {
        let bytes = read(&format!("{name}/s2c.bin"));
        let mut config = config();
        config.incarnations = mms_proto::mmsp::Incarnations::of_old_players();
        config.funnel_info = funnel_info;
        config.session.log = None;
        let player = |client: &mut Client, event: &ClientEvent| {
            let now = epoch();
            match event {
                ClientEvent::Ready(_) => {
                    let all = mms_proto::PlayRequest::all([stream(1)]);
                    client.play(now, all).unwrap();
                }
                ClientEvent::EndOfStream { .. } => client.close(now),
                _ => {}
            }
        };
        let whole = session(&config, [&bytes[..]], player);
        let events = events(&whole);
        let header = events.iter().find_map(|event| match event {
            ClientEvent::Ready(content) => Some(content.header().clone()),
            _ => None,
        });
        let header = header.unwrap();
        assert_eq!(tiny[..header.len()], header, "{name}");
        let payloads: Vec<&[u8]> = events
            .iter()
            .filter_map(|event| match event {
                ClientEvent::Packet(packet) => Some(&packet.payload[..]),
                _ => None,
            })
            .collect();
        assert_eq!(payloads.len(), 14, "{name}");
        let media = payloads.concat();
        assert_eq!(tiny[header.len()..][..media.len()], media, "{name}");
        assert_eq!(
            events.last(),
            Some(&ClientEvent::Closed(mms_proto::CloseReason::Local)),
            "{name}"
        );
        // libmms asked for a second place without stopping, which this client never does: only
        // there it meets an answer to a question that it did not ask.
        let odd = |event: &&ClientEvent| matches!(event, ClientEvent::Deviation(_));
        let expected = if name.ends_with("_seek") { 2 } else { 0 };
        // MPlayer's OpenFile carried another label than ours; nobody looks at it.
        assert_eq!(events.iter().filter(odd).count(), expected, "{name}");
        let single = session(&config, bytes.chunks(1), player);
        assert_eq!(first_difference(&single, &whole), None, "{name}");
        for at in places(&bytes) {
            let (left, right) = bytes.split_at(at);
            let cut = session(&config, [left, right], player);
            assert_eq!(first_difference(&cut, &whole), None, "{name}, one cut at {at}");
        }
        for seed in 1..30usize {
            let sizes: Vec<usize> = (1..50).map(|n| 1 + n * seed * 7919 % 4001).collect();
            let cut = session(&config, cut(&bytes, &sizes), player);
            assert_eq!(first_difference(&cut, &whole), None, "{name} {seed}");
        }
    }
}

#[test]
fn data_packets_survive_a_round_trip() {
    // MMSP-W-025
    let payload = Bytes::from_static(b"abc");
    let packet = DataPacket::new(0x0102_0304, 5, 6, payload);
    assert_eq!(packet.head(), Some([4, 3, 2, 1, 5, 6, 11, 0]));
    assert_eq!(data(0x0102_0304, 5, 6, b"abc")[..], [4, 3, 2, 1, 5, 6, 11, 0, b'a', b'b', b'c']);
}
