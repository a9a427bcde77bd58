//! A server that answers each message as a test says.

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::thread;

use bytes::Bytes;
use mms_proto::mmsp::frame::{DataPacket, Frame, FrameDecoder, MessageWriter};
use mms_proto::mmsp::message::{
    BandwidthTest, ClientMessage, OpenedFile, PacketPair, ReportConnectedEx, ReportConnectedFunnel,
    ReportEndOfStream, ReportFunnelInfo, ReportOpenFile, ReportReadBlock, ReportStartedPlaying,
    ReportStreamSwitch, ServerMessage,
};
use mms_proto::{HResult, Limits};

use super::Clip;

/// What a scripted server does next.
pub(crate) enum Do {
    Say(ServerMessage),
    Send(DataPacket),
    Pause(std::time::Duration),
    Close,
}

/// Begins a server that answers each message of each connection with what `answer` says. It is
/// given the number of the connection.
pub(crate) fn serve<F>(mut answer: F) -> SocketAddr
where
    F: FnMut(usize, ClientMessage) -> Vec<Do> + Send + 'static,
{
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for (number, socket) in listener.incoming().enumerate() {
            talk(socket.unwrap(), |message| answer(number, message));
        }
    });
    address
}

/// One connection: answers each message with what `answer` says, until either end has enough.
pub(crate) fn talk(
    mut tcp: TcpStream,
    mut answer: impl FnMut(ClientMessage) -> Vec<Do>,
) -> Option<()> {
    let mut decoder = FrameDecoder::from_client(&Limits::default());
    let mut writer = MessageWriter::default();
    loop {
        while let Some(frame) = decoder.next_frame().ok()? {
            let Frame::Messages(mut messages) = frame else { continue };
            while let Some((_, message)) = messages.split_next().ok()? {
                let message = ClientMessage::decode(&message, &mut Vec::new()).ok()?;
                for step in answer(message) {
                    match step {
                        Do::Say(message) => {
                            tcp.write_all(&writer.write(0, |out| message.encode(out))).ok()?;
                        }
                        Do::Send(packet) => {
                            tcp.write_all(&packet.head().unwrap()).ok()?;
                            tcp.write_all(&packet.payload).ok()?;
                        }
                        Do::Pause(time) => thread::sleep(time),
                        Do::Close => return None,
                    }
                }
            }
        }
        let mut buffer = [0; 4096];
        match tcp.read(&mut buffer) {
            Ok(0) | Err(_) => return None,
            Ok(count) => decoder.push(&buffer[..count]),
        }
    }
}

pub(crate) fn say(message: impl Into<ServerMessage>) -> Do {
    Do::Say(message.into())
}

/// What an honest server of this version answers before and at the start of playing.
pub(crate) fn honest(message: &ClientMessage, clip: &Clip, version: &str) -> Vec<Do> {
    let hr = HResult::OK;
    match message {
        ClientMessage::Connect(_) => vec![say(ReportConnectedEx {
            hr,
            packet_pair: PacketPair::No,
            server_version: version.to_owned(),
            upgrade_version: String::new(),
            upgrade_url: String::new(),
            authentication: String::new(),
        })],
        ClientMessage::FunnelInfo(_) => vec![say(ReportFunnelInfo {
            hr,
            test: BandwidthTest::None,
            client_id: 7,
            packet_pair: Bytes::new(),
        })],
        ClientMessage::ConnectFunnel(_) => vec![say(ReportConnectedFunnel { hr })],
        ClientMessage::OpenFile(open) => vec![opened(open.incarnation, clip)],
        ClientMessage::ReadBlock(read) => {
            let incarnation = read.incarnation;
            let label = u8::try_from(incarnation).unwrap();
            vec![say(ReportReadBlock { hr, incarnation }), header(clip, label)]
        }
        ClientMessage::StreamSwitch(_) => vec![say(ReportStreamSwitch { hr })],
        ClientMessage::StartPlaying(start) => {
            vec![say(ReportStartedPlaying { hr, incarnation: start.incarnation, open_file_id: 1 })]
        }
        ClientMessage::StopPlaying(stop) => {
            vec![say(ReportEndOfStream { hr, incarnation: stop.incarnation })]
        }
        _ => Vec::new(),
    }
}

pub(crate) fn opened(incarnation: u32, clip: &Clip) -> Do {
    let content = clip.content();
    say(ReportOpenFile {
        incarnation,
        result: Ok(OpenedFile {
            open_file_id: 1,
            attributes: content.features().into(),
            duration: std::time::Duration::ZERO,
            packet_size: content.packet_size().unwrap(),
            packet_count: content.packet_count().unwrap_or(0),
            bit_rate: 0,
            header_size: u32::try_from(clip.header.len()).unwrap(),
        }),
    })
}

/// The header as one fragment.
pub(crate) fn header(clip: &Clip, label: u8) -> Do {
    Do::Send(DataPacket::new(0, label, 0x0C, clip.header.clone()))
}

/// Packets with this label.
pub(crate) fn media(clip: &Clip, label: u8, numbers: std::ops::Range<usize>) -> Vec<Do> {
    let packet = |n: usize| DataPacket::new(u32::try_from(n).unwrap(), label, 0, clip.sent(n));
    numbers.map(|n| Do::Send(packet(n))).collect()
}
