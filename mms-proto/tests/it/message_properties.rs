//! Properties of all message codecs: what is written can be read, and nothing that can be read
//! does harm.

use mms_proto::MessageKind;
use std::collections::BTreeSet;
use std::fmt::Debug;
use std::net::Ipv4Addr;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use mms_proto::mmsp::message::{
    ClientLog, ClientMessage, MessageId, ReportConnectedEx, ServerMessage,
};
use mms_proto::{
    DecodeError, Deviation, HResult, Layer, Redirect, Start, Stop, StreamSelection, testing,
};
use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::TestRunner;

/// What both directions have in common.
trait Message: Sized + Debug + PartialEq {
    fn read(message: &Bytes, deviations: &mut Vec<Deviation>) -> Result<Self, DecodeError>;
    fn write(&self, out: &mut BytesMut);
    fn known_as(&self) -> MessageId;
    /// The message as its reader sees it: everything that writing changes, and nothing else.
    fn normal(self) -> Self;
}

macro_rules! message {
    ($name:ident, $normal:path) => {
        impl Message for $name {
            fn read(message: &Bytes, deviations: &mut Vec<Deviation>) -> Result<Self, DecodeError> {
                Self::decode(message, deviations)
            }
            fn write(&self, out: &mut BytesMut) {
                self.encode(out);
            }
            fn known_as(&self) -> MessageId {
                self.id()
            }
            fn normal(self) -> Self {
                $normal(self)
            }
        }
    };
}

message!(ClientMessage, normal_client);
message!(ServerMessage, normal_server);

fn normal_client(message: ClientMessage) -> ClientMessage {
    use ClientMessage as M;
    match message {
        M::Connect(mut m) => {
            m.subscriber = text(&m.subscriber);
            m.host = m.host.as_deref().map(text);
            m.into()
        }
        M::OpenFile(mut m) => {
            m.path = text(&m.path);
            m.into()
        }
        M::StreamSwitch(mut m) => {
            m.selections = m.selections.into_iter().map(selection).collect();
            m.into()
        }
        M::StartPlaying(mut m) => {
            m.start = start(m.start);
            m.stop = m.stop.map(stop);
            m.into()
        }
        M::StartStriding(mut m) => {
            m.start = start(m.start);
            m.into()
        }
        M::Logging(mut m) => {
            *m.log = log(*m.log);
            m.into()
        }
        M::Unknown { id, body } => M::Unknown { id, body: whole_chunks(&body) },
        as_it_is => as_it_is,
    }
}

fn normal_server(message: ServerMessage) -> ServerMessage {
    use ServerMessage as M;
    match message {
        M::ReportConnectedEx(ReportConnectedEx {
            hr,
            packet_pair,
            server_version,
            upgrade_version,
            upgrade_url,
            authentication,
        }) => ReportConnectedEx {
            hr,
            packet_pair,
            server_version: text(&server_version),
            upgrade_version: text(&upgrade_version),
            upgrade_url: text(&upgrade_url),
            authentication: text(&authentication),
        }
        .into(),
        M::ReportFunnelInfo(mut m) => {
            // Nothing says where random bytes end and padding begins.
            m.packet_pair =
                if m.test.is_tcp() { whole_chunks(&m.packet_pair) } else { Bytes::new() };
            m.into()
        }
        M::ReportOpenFile(mut m) => {
            m.result = match m.result {
                Ok(mut file) => {
                    file.duration = double(file.duration);
                    Ok(file)
                }
                refused => refused,
            };
            m.into()
        }
        M::ReportRedirect(mut m) => {
            let (location, may_be_empty) = match &m.target {
                Redirect::Url(url) => (text(url), false),
                Redirect::Proxy(proxy) => (text(proxy.as_deref().unwrap_or_default()), true),
                _ => unreachable!("no other kind is made"),
            };
            let units = location.encode_utf16().count();
            let said = units <= 32_766 && (units > 0 || may_be_empty);
            if !said {
                m.hr = if m.hr.is_failure() { m.hr } else { HResult(0xC00D_001C) };
            }
            m.target = match m.target {
                _ if !said => Redirect::Proxy(None),
                Redirect::Url(_) => Redirect::Url(location),
                _ => Redirect::Proxy((!location.is_empty()).then_some(location)),
            };
            m.into()
        }
        M::Unknown { id, body } => M::Unknown { id, body: whole_chunks(&body) },
        as_it_is => as_it_is,
    }
}

/// Text ends at its first NUL.
fn text(text: &str) -> String {
    text.split('\0').next().unwrap_or_default().to_owned()
}

/// Log text is cut to its field and has single-byte characters; a hyphen means empty.
fn log_text(value: &str, size: usize) -> String {
    let value = text(value);
    let cut = value.chars().take(size - 1);
    let value: String = cut.map(|c| if u32::from(c) < 256 { c } else { '?' }).collect();
    if value == "-" { String::new() } else { value }
}

fn whole_chunks(bytes: &Bytes) -> Bytes {
    let mut padded = bytes.to_vec();
    padded.resize(bytes.len().next_multiple_of(8), 0);
    padded.into()
}

/// A time that went through a double; the last ones round down to what a `Duration` can hold.
fn double(time: Duration) -> Duration {
    Duration::from_secs_f64(time.as_secs_f64().min(18_446_744_073_709_549_568.0))
}

/// A time in whole milliseconds that fits 32 bits.
fn milliseconds(time: Duration) -> Duration {
    Duration::from_millis(u32::try_from(time.as_millis()).unwrap_or(u32::MAX).into())
}

/// Zero in any field is the beginning.
fn start(start: Start) -> Start {
    match start {
        Start::Time(time) if double(time).is_zero() => Start::Beginning,
        Start::Time(time) => Start::Time(double(time)),
        Start::Packet(zero) if zero.get() == 0 => Start::Beginning,
        Start::ByteOffset(0) => Start::Beginning,
        as_it_is => as_it_is,
    }
}

/// Two values mean "no limit": one millisecond earlier is said instead.
fn stop(stop: Stop) -> Stop {
    let millisecond = Duration::from_millis(1);
    match (stop.time().as_millis(), stop.is_relative()) {
        (0x00FF_FFFF, false) => Stop::at(stop.time() - millisecond).unwrap(),
        (0x7FFF_FFFF, true) => Stop::after(stop.time() - millisecond).unwrap(),
        _ => stop,
    }
}

/// A stream that replaces itself replaces nothing.
fn selection(mut selection: StreamSelection) -> StreamSelection {
    selection.replaces = selection.replaces.filter(|&old| old != selection.stream);
    selection
}

fn log(mut log: ClientLog) -> ClientLog {
    let (client, playback) = (&mut log.client, &mut log.playback);
    for (text, size) in [
        (&mut playback.url, 260),
        (&mut playback.channel_url, 260),
        (&mut client.user_agent, 64),
        (&mut client.web_page, 260),
        (&mut client.language, 16),
        (&mut client.guid, 40),
        (&mut client.program, 32),
        (&mut playback.audio_codec, 64),
        (&mut playback.video_codec, 64),
        (&mut client.computer_name, 260),
        (&mut client.os, 16),
        (&mut client.cpu, 16),
    ] {
        *text = log_text(text, size);
    }
    for time in [
        &mut playback.file_duration,
        &mut playback.start_time,
        &mut playback.played,
        &mut playback.buffering_time,
    ] {
        *time = milliseconds(*time);
    }
    log.reception.quality = log.reception.quality.min(100);
    // The broadcast address is the mark of an address that is kept private.
    client.address = client.address.filter(|&address| address != Ipv4Addr::BROADCAST);
    log
}

fn written(message: &impl Message) -> Bytes {
    let mut out = BytesMut::new();
    message.write(&mut out);
    out.freeze()
}

fn survives<M: Message + Clone>(message: M) -> Result<(), TestCaseError> {
    let bytes = written(&message);
    prop_assert_eq!(bytes.len() % 8, 0);
    let chunks = u32::from_le_bytes(bytes[..4].try_into().unwrap());
    prop_assert_eq!(chunks as usize * 8, bytes.len());
    prop_assert_eq!(u32::from_le_bytes(bytes[4..8].try_into().unwrap()), message.known_as().0);
    let mut deviations = Vec::new();
    let read = M::read(&bytes, &mut deviations);
    prop_assert_eq!(&read, &Ok(message.normal()));
    prop_assert!(deviations.is_empty(), "{:?}", deviations);
    // What was read is written as the same bytes, after whatever is there already, and what
    // follows a message is not looked at.
    let mut out = BytesMut::from(&b"before"[..]);
    let read = read.unwrap();
    read.write(&mut out);
    out.extend_from_slice(b"after");
    let again = out.freeze().slice(6..);
    prop_assert_eq!(M::read(&again, &mut deviations), Ok(read));
    Ok(())
}

/// Bytes of a message of this direction: sound prefix, arbitrary fields.
fn arbitrary_fields(direction: u32) -> impl Strategy<Value = Bytes> {
    let command = prop_oneof![1..=0x0C_u32, 0x0D..=0x34_u32];
    let body = proptest::collection::vec(any::<u8>(), 0..200);
    let zeros = proptest::collection::vec(Just(0_u8), 0..1600);
    (command, prop_oneof![body, zeros]).prop_map(move |(command, body)| {
        let chunks = (body.len() + 8).div_ceil(8);
        let mut bytes = u32::try_from(chunks).unwrap().to_le_bytes().to_vec();
        bytes.extend_from_slice(&(direction << 16 | command).to_le_bytes());
        bytes.extend_from_slice(&body);
        bytes.resize(chunks * 8, 0xCD);
        bytes.into()
    })
}

/// Reads `bytes`; if it is a message, writes and reads it again.
fn reads_again<M: Message + Clone>(bytes: &Bytes) -> Result<(), TestCaseError> {
    let mut deviations = Vec::new();
    match M::read(bytes, &mut deviations) {
        Ok(read) => {
            let again = written(&read);
            // Whatever the numbers inside say, a message is not much larger than what it came
            // from: constants are all that is added.
            prop_assert!(again.len() <= bytes.len().max(120) * 2);
            // A peer may fill a log field to its last byte or claim a quality above 100.
            prop_assert_eq!(M::read(&again, &mut Vec::new()), Ok(read.normal()));
        }
        Err(error) => {
            prop_assert!(error.offset <= bytes.len() as u64);
            prop_assert!(!error.field.is_empty());
            let id = bytes.get(4..8).map(|id| u32::from_le_bytes(id.try_into().unwrap()));
            match error.layer {
                Layer::Prefix => {}
                Layer::Message(MessageKind::Mmsp(message)) => prop_assert_eq!(Some(message.0), id),
                _ => prop_assert!(false, "framing error from a message"),
            }
        }
    }
    prop_assert!(deviations.len() <= bytes.len());
    Ok(())
}

#[test]
fn every_kind_of_message_is_made() {
    let mut runner = TestRunner::deterministic();
    let (mut made, mut nul, mut astral, mut ages) = (BTreeSet::new(), false, false, false);
    for _ in 0..1_000 {
        let client = testing::client_message().new_tree(&mut runner).unwrap().current();
        let server = testing::server_message().new_tree(&mut runner).unwrap().current();
        made.extend([client.id(), server.id()]);
        if let ClientMessage::OpenFile(open) = &client {
            nul |= open.path.contains('\0');
            astral |= open.path.chars().any(|c| u32::from(c) > 0xFFFF);
        }
        if let ClientMessage::StartPlaying(play) = &client {
            ages |= play.start == Start::Time(Duration::MAX);
        }
    }
    let ids = ClientMessage::IDS.iter().chain(ServerMessage::IDS);
    let missing: Vec<_> = ids.filter(|(id, _)| !made.contains(id)).collect();
    assert!(missing.is_empty(), "{missing:?}");
    assert!(nul && astral && ages, "{nul} {astral} {ages}");
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn client_messages_survive(message in testing::client_message()) {
        // MMSP-W-015, MMSP-W-016, MMSP-W-030, MMSP-W-074
        survives(message)?;
    }

    #[test]
    fn server_messages_survive(message in testing::server_message()) {
        // MMSP-W-015, MMSP-W-016, MMSP-W-030, MMSP-W-074
        survives(message)?;
    }

    #[test]
    fn what_was_read_survives_unchanged(
        client in testing::client_message_as_read(),
        server in testing::server_message_as_read(),
    ) {
        let read = ClientMessage::decode(&written(&client), &mut Vec::new());
        prop_assert_eq!(read, Ok(client));
        let read = ServerMessage::decode(&written(&server), &mut Vec::new());
        prop_assert_eq!(read, Ok(server));
    }

    #[test]
    fn arbitrary_bytes_do_no_harm(bytes in testing::blob(300)) {
        // MMSP-W-018, MMSP-W-074
        reads_again::<ClientMessage>(&bytes)?;
        reads_again::<ServerMessage>(&bytes)?;
    }

    #[test]
    fn arbitrary_fields_do_no_harm(client in arbitrary_fields(3), server in arbitrary_fields(4)) {
        // MMSP-W-074
        reads_again::<ClientMessage>(&client)?;
        reads_again::<ServerMessage>(&server)?;
        // Each side takes the other's messages for unknown ones.
        reads_again::<ClientMessage>(&server)?;
        reads_again::<ServerMessage>(&client)?;
    }

    #[test]
    fn changed_bytes_do_no_harm(
        client in testing::client_message(),
        server in testing::server_message(),
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
    ) {
        // MMSP-W-018, MMSP-W-074
        let (mut client, mut server) = (written(&client).to_vec(), written(&server).to_vec());
        for (place, value) in changes {
            *place.get_mut(&mut client) = value;
            *place.get_mut(&mut server) = value;
        }
        reads_again::<ClientMessage>(&client.into())?;
        reads_again::<ServerMessage>(&server.into())?;
    }

    #[test]
    fn unknown_ids_are_carried_through(command in any::<u32>(), body in testing::blob(64)) {
        let id = MessageId(command);
        prop_assume!(id.name().is_none());
        let client = ClientMessage::Unknown { id, body: body.clone() };
        let bytes = written(&client);
        prop_assert_eq!(&bytes[8..8 + body.len()], &body[..]);
        let read = ClientMessage::decode(&bytes, &mut Vec::new());
        prop_assert_eq!(&read, &Ok(client.normal()));
        prop_assert_eq!(&written(&read.unwrap()), &bytes);
        let server = ServerMessage::Unknown { id, body };
        prop_assert_eq!(&written(&server), &bytes);
        let read = ServerMessage::decode(&bytes, &mut Vec::new());
        prop_assert_eq!(read, Ok(server.normal()));
    }
}
