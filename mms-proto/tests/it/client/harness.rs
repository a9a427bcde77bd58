//! A scripted server that knows only bytes, and a clock that is advanced by hand.

use std::ops::{Deref, DerefMut};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use mms_proto::mmsp::message::{
    BandwidthTest, ClientMessage, FileAttributes, OpenedFile, PacketPair, ReportConnectedEx,
    ReportConnectedFunnel, ReportEndOfStream, ReportFunnelInfo, ReportOpenFile, ReportReadBlock,
    ReportStartedPlaying, ReportStreamChange, ReportStreamSwitch, ServerMessage, StartPlaying,
};
use mms_proto::mmsp::{Client, ClientConfig};
use mms_proto::testing::sim::{End, Wire, data_packet};
use mms_proto::{
    ClientEvent, CloseReason, Content, Error, HResult, Machine as _, Phase, PlayRequest,
    StreamNumber,
};

/// Name of the file; players that write a fixed 1 would be found out.
pub(crate) const FILE: u32 = 0x1234;
/// The labels that a session with the default ranges uses first.
pub(crate) const OPEN: u32 = 9;
pub(crate) const HEADER: u8 = 1;
pub(crate) const PLAY: u8 = 10;
/// The label of a new entry's packets.
pub(crate) const ENTRY: u8 = 0xFF;
/// Nothing looks into the ASF header.
pub(crate) const ASF: &[u8] = b"ASF header and 50 bytes";

pub(crate) fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// When every session begins.
pub(crate) fn epoch() -> Instant {
    static EPOCH: OnceLock<Instant> = OnceLock::new();
    *EPOCH.get_or_init(mms_proto::testing::sim::epoch)
}

pub(crate) fn config() -> ClientConfig {
    ClientConfig::new("example.org", "a/b.wmv")
}

pub(crate) fn stream(number: u8) -> StreamNumber {
    StreamNumber::new(number).unwrap()
}

pub(crate) fn all() -> PlayRequest {
    PlayRequest::all([stream(1), stream(2)])
}

/// What the server says about its file.
pub(crate) fn file() -> OpenedFile {
    OpenedFile {
        open_file_id: FILE,
        attributes: FileAttributes::CAN_SEEK | FileAttributes::CAN_STRIDE,
        duration: seconds(60),
        packet_size: 100,
        packet_count: 20,
        bit_rate: 64_000,
        header_size: 23,
    }
}

pub(crate) fn connected(version: &str) -> ServerMessage {
    ReportConnectedEx {
        hr: HResult::OK,
        packet_pair: PacketPair::No,
        server_version: version.to_owned(),
        upgrade_version: String::new(),
        upgrade_url: String::new(),
        authentication: String::new(),
    }
    .into()
}

pub(crate) fn funnel_info(test: BandwidthTest, tail: &[u8]) -> ServerMessage {
    ReportFunnelInfo {
        hr: HResult::OK,
        test,
        client_id: 0xF142_B9D4,
        packet_pair: Bytes::copy_from_slice(tail),
    }
    .into()
}

pub(crate) fn funnel() -> ServerMessage {
    ReportConnectedFunnel { hr: HResult::OK }.into()
}

pub(crate) fn opened(file: OpenedFile) -> ServerMessage {
    let (incarnation, result) = (OPEN, Ok(file));
    ReportOpenFile { incarnation, result }.into()
}

pub(crate) fn read_block() -> ServerMessage {
    let (hr, incarnation) = (HResult::OK, HEADER.into());
    ReportReadBlock { hr, incarnation }.into()
}

pub(crate) fn switched(hr: HResult) -> ServerMessage {
    ReportStreamSwitch { hr }.into()
}

pub(crate) fn started(label: u8) -> ServerMessage {
    ReportStartedPlaying { hr: HResult::OK, incarnation: label.into(), open_file_id: FILE }.into()
}

pub(crate) fn ended(hr: HResult, label: u8) -> ServerMessage {
    let incarnation = label.into();
    ReportEndOfStream { hr, incarnation }.into()
}

pub(crate) fn change() -> ServerMessage {
    ReportStreamChange { hr: HResult::OK, packet_size: 50, header_size: 3, bit_rate: 1000 }.into()
}

pub(crate) fn encoded(message: &ServerMessage) -> Bytes {
    let mut out = BytesMut::new();
    message.encode(&mut out);
    out.freeze()
}

/// A Data packet as it stands on the wire.
pub(crate) fn data(location: u32, label: u8, flags: u8, payload: &[u8]) -> Bytes {
    data_packet(location, label, flags, Bytes::copy_from_slice(payload))
}

/// One client with its server and its clock.
pub(crate) struct Script(End<Client>);

impl Deref for Script {
    type Target = End<Client>;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl DerefMut for Script {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.0
    }
}

impl Script {
    pub(crate) fn new(config: ClientConfig) -> Self {
        let now = epoch();
        let mut script = Self(End::new(now, Client::new(now, config), ()));
        script.sound = true;
        script.poll();
        script
    }

    /// A session that has come this far. What was sent and reported on the way is forgotten.
    pub(crate) fn at(phase: Phase, config: ClientConfig) -> Self {
        let mut script = Self::new(config);
        let wanted = |script: &Self| script.machine.phase() == phase;
        for message in
            [connected("9.1"), funnel_info(BandwidthTest::None, &[]), funnel(), opened(file())]
        {
            if !wanted(&script) {
                script.say(message);
            }
        }
        if !wanted(&script) {
            script.say(read_block());
            script.feed(&data(0, HEADER, 0x0C, ASF));
        }
        if !wanted(&script) {
            script.play(all());
        }
        if !wanted(&script) {
            script.say(switched(HResult::OK));
            script.say(started(PLAY));
        }
        match phase {
            Phase::Stopping => script.stop(),
            Phase::Closing => script.close(),
            Phase::ChangingEntry => script.say(ended(HResult::FALSE, PLAY)),
            _ => {}
        }
        assert!(wanted(&script), "{phase:?}: {:?}", script.machine);
        script.said.clear();
        script
    }

    /// A ready session with a server of this version and this file.
    pub(crate) fn ready_with(version: &str, file: OpenedFile) -> Self {
        let mut script = Self::new(config());
        script.say(connected(version));
        script.say(funnel_info(Default::default(), &[]));
        script.say(funnel());
        script.say(opened(file));
        script.say(read_block());
        script.feed(&data(0, HEADER, 0x0C, ASF));
        assert_eq!(script.machine.phase(), Phase::Ready);
        script.said.clear();
        script
    }

    pub(crate) fn streaming() -> Self {
        Self::at(Phase::Streaming, config())
    }

    /// A session at a new entry of a playlist.
    pub(crate) fn new_entry() -> Self {
        let mut script = Self::at(Phase::ChangingEntry, config());
        script.say(change());
        script.feed(&data(0, ENTRY, 0x0C, b"new"));
        script.said.clear();
        script
    }

    /// The server sends a media packet.
    pub(crate) fn media(&mut self, location: u32, label: u8) {
        self.feed(&data(location, label, 0, &[7; 10]));
    }

    pub(crate) fn play(&mut self, request: PlayRequest) {
        self.command(|client, now| client.play(now, request)).unwrap();
    }

    pub(crate) fn stop(&mut self) {
        self.command(Client::stop).unwrap();
    }

    pub(crate) fn close(&mut self) {
        self.command(Client::close);
    }

    /// What the client sent since the last call.
    pub(crate) fn sent(&mut self) -> Vec<ClientMessage> {
        let message = |wire| match wire {
            Wire::Message(message) => message,
            Wire::Data(packet) => panic!("{packet:?}"),
        };
        self.take_sent().into_iter().map(message).collect()
    }

    /// The only thing that the client sent since the last call.
    pub(crate) fn sent_one(&mut self) -> ClientMessage {
        let [message] = <[ClientMessage; 1]>::try_from(self.sent()).unwrap();
        message
    }

    /// What happened since the last call.
    pub(crate) fn events(&mut self) -> Vec<ClientEvent> {
        self.take_events()
    }

    /// The play command among what was sent, behind a stream selection.
    pub(crate) fn sent_play(&mut self) -> StartPlaying {
        match &self.sent()[..] {
            [ClientMessage::StreamSwitch(_), ClientMessage::StartPlaying(start)] => *start,
            other => panic!("{other:?}"),
        }
    }

    /// The session has failed with this error, for good.
    pub(crate) fn assert_failed(&mut self, error: &Error) {
        self.assert_closed(CloseReason::Failed(error.clone()));
    }

    /// MMSP-C-105: the session is over, for this reason; nothing moves any more, whatever comes.
    pub(crate) fn assert_closed(&mut self, reason: CloseReason) {
        assert_eq!(self.events().last(), Some(&ClientEvent::Closed(reason)));
        self.said.clear();
        self.sound = false;
        self.stays_closed();
        self.say(mms_proto::mmsp::message::Ping);
        for result in [
            self.command(|client, now| client.play(now, all())),
            self.command(Client::stop),
            self.command(|client, now| client.select_streams(now, &[])),
        ] {
            assert!(result.is_err());
        }
        self.close();
        assert!(self.said.is_empty(), "{:?}", self.said);
    }
}

/// The header of a `Ready` or `NextEntry` event.
pub(crate) fn content(events: Vec<ClientEvent>) -> Content {
    match <[ClientEvent; 1]>::try_from(events) {
        Ok([ClientEvent::Ready(content) | ClientEvent::NextEntry(content)]) => content,
        other => panic!("{other:?}"),
    }
}

/// Numbers of the packets among these events.
pub(crate) fn packets(events: &[ClientEvent]) -> Vec<u32> {
    let number = |event: &ClientEvent| match event {
        ClientEvent::Packet(packet) => Some(packet.location_id),
        _ => None,
    };
    events.iter().filter_map(number).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_phase_is_reached() {
        use Phase::{
            BandwidthTest, ChangingEntry, ChoosingTransport, Closing, Connecting, Opening,
            ReadingHeader, Ready, Starting, Stopping, Streaming,
        };
        for phase in [
            Connecting,
            BandwidthTest,
            ChoosingTransport,
            Opening,
            ReadingHeader,
            Ready,
            Starting,
            Streaming,
            Stopping,
            Closing,
            ChangingEntry,
        ] {
            let mut script = Script::at(phase, config());
            assert!(script.said.is_empty());
            script.hang_up();
            script.stays_closed();
        }
    }
}
