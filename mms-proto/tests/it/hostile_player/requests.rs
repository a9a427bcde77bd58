//! What a player can say: every message, well-formed, and what the server owes it for it.

use bytes::{BufMut, Bytes, BytesMut};
use mms_proto::mmsp::frame::MessageWriter;
use mms_proto::mmsp::message::{
    BandwidthTest, CancelReadBlock, ClientMessage, CloseFile, FunnelInfo, Logging, MessageId, Pong,
    ReadBlock, SecurityResponse, ServerMessage, StartPlaying, StartStriding, StopPlaying,
};
use mms_proto::{Accel, Rate, Start};

use super::watch::Said;
use crate::pair::script::{connect, funnel, open, play, select};

/// Bytes of a packet before its messages.
pub(crate) const PREFIX: usize = 32;
/// The name that the application refuses.
pub(crate) const MISSING: &str = "missing.wma";
/// The cookie of the first challenge of a server whose seed is 0.
pub(crate) const COOKIE: u32 = 0xE220_A839;
/// An id that is no message's: MPlayer sends it.
const UNKNOWN: MessageId = MessageId(0x0003_0030);

/// Every message of a client in the order of a session, and one that nobody knows. The numbers
/// fit a session that plays.
pub(crate) fn one_of_each() -> Vec<ClientMessage> {
    let rate = Rate::new(2.0).unwrap();
    let accel = Some(Accel::new(80_000, 1000).with_link_bandwidth(80_000));
    let mut file = open(9, "file.wma");
    file.token = Bytes::from_static(b"dXNlcjo=\0");
    vec![
        // A client that waits for the server to close (T45).
        connect("NSPlayer/8.0.0.4477; {x}").into(),
        FunnelInfo { test: BandwidthTest::TcpHighEntropy }.into(),
        funnel("\\\\10.0.0.1\\TCP\\1755"),
        file.into(),
        SecurityResponse { incarnation: 9, cookie: COOKIE, token: Bytes::from_static(b"Og==\0") }
            .into(),
        ReadBlock { open_file_id: 1, incarnation: 2 }.into(),
        CancelReadBlock { incarnation: 2 }.into(),
        select(&[1, 2]).into(),
        StartPlaying { accel, ..play(12, Start::packet(3).unwrap()) }.into(),
        StartStriding { open_file_id: 1, start: Start::Beginning, incarnation: 13, rate }.into(),
        StopPlaying { open_file_id: 1, incarnation: 12 }.into(),
        Pong.into(),
        Logging { open_file_id: 0, log: Box::default() }.into(),
        CloseFile { open_file_id: 1 }.into(),
        ClientMessage::Unknown { id: UNKNOWN, body: Bytes::from_static(&[0; 8]) },
    ]
}

/// The messages of [`one_of_each`] with this id.
pub(crate) fn request(id: MessageId) -> ClientMessage {
    one_of_each().into_iter().find(|message| message.id() == id).unwrap()
}

/// A packet with one message.
pub(crate) fn packet(message: impl Into<ClientMessage>) -> Bytes {
    packet_of(&[message.into()])
}

/// A packet with all these messages.
pub(crate) fn packet_of(messages: &[ClientMessage]) -> Bytes {
    MessageWriter::default().write(0, |out| messages.iter().for_each(|m| m.encode(out)))
}

/// A packet with these bytes in the place of its messages.
pub(crate) fn packet_of_bytes(bytes: &[u8]) -> Bytes {
    MessageWriter::default().write(0, |out| out.put_slice(bytes))
}

/// The largest packet there is, full of copies of one message.
pub(crate) fn full_of(message: &ClientMessage) -> Bytes {
    let mut one = BytesMut::new();
    message.encode(&mut one);
    packet_of_bytes(&one.repeat((65_536 - 16) / one.len()))
}

/// True when this is what the server owes for a request: its answer, an event for the
/// application, or a report that it means nothing now.
fn settles(request: &ClientMessage, said: &Said) -> bool {
    use ServerMessage as S;
    let id = request.id();
    match (said, id) {
        (Said::Message(message), _) => match message {
            S::ReportConnectedEx(_) => id == MessageId::CONNECT,
            S::ReportFunnelInfo(_) => id == MessageId::FUNNEL_INFO,
            S::ReportConnectedFunnel(_) | S::ReportDisconnectedFunnel(_) => {
                id == MessageId::CONNECT_FUNNEL
            }
            S::ReportOpenFile(_) | S::ReportRedirect(_) | S::SecurityChallenge(_) => {
                id == MessageId::OPEN_FILE || id == MessageId::SECURITY_RESPONSE
            }
            S::ReportReadBlock(_) => id == MessageId::READ_BLOCK,
            S::ReportStreamSwitch(_) => id == MessageId::STREAM_SWITCH,
            S::ReportStartedPlaying(_) => id == MessageId::START_PLAYING,
            S::ReportStartStriding(_) => id == MessageId::START_STRIDING,
            S::ReportEndOfStream(_) => id == MessageId::STOP_PLAYING,
            _ => false,
        },
        (Said::Event(event), MessageId::LOGGING) => event.starts_with("Log("),
        (Said::Event(event), UNKNOWN) => event.starts_with("Unknown {"),
        (Said::Event(event), MessageId::SECURITY_RESPONSE)
            if event.starts_with("Deviation(Mmsp(StaleResponse") =>
        {
            true
        }
        (Said::Event(event), _) => *event == format!("Deviation(OutOfPlace({id:?}))"),
        (Said::Data(..), _) => false,
    }
}

/// The first of these requests that was passed over in silence: what the server said has to hold
/// something for each, in their order, up to the end of the session.
pub(crate) fn passed_over<'a>(
    requests: &'a [ClientMessage],
    said: &[Said],
) -> Option<&'a ClientMessage> {
    let mut rest = said.iter();
    let silent = [MessageId::PONG, MessageId::CANCEL_READ_BLOCK];
    let owed = requests.iter().filter(|request| !silent.contains(&request.id()));
    let is_end = |said: &Said| matches!(said, Said::Event(event) if event.starts_with("Closed("));
    let ended = said.iter().any(is_end);
    for request in owed {
        if !rest.any(|said| settles(request, said)) {
            return (!ended).then_some(request);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use mms_proto::HResult;
    use mms_proto::mmsp::message::ReportFunnelInfo;

    #[test]
    fn every_message_of_a_client_is_there() {
        for (id, name) in ClientMessage::IDS {
            assert_eq!(request(*id).id(), *id, "{name}");
        }
    }

    #[test]
    fn what_is_passed_over_is_noticed() {
        let test = FunnelInfo { test: BandwidthTest::None };
        let asked = [connect("x").into(), ClientMessage::from(test), Pong.into()];
        let answer = ReportFunnelInfo {
            hr: HResult::OK,
            test: BandwidthTest::None,
            client_id: 0,
            packet_pair: Bytes::new(),
        };
        let answer = Said::Message(answer.into());
        assert_eq!(passed_over(&asked[1..], std::slice::from_ref(&answer)), None);
        assert_eq!(passed_over(&asked, std::slice::from_ref(&answer)), Some(&asked[0]));
        let ended = Said::Event("Closed(Peer)".to_owned());
        assert_eq!(passed_over(&asked, &[answer, ended]), None, "nothing is owed after the end");
    }
}
