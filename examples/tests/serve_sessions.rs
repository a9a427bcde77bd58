//! What two sessions of one server do not share.

#![cfg(test)]

#[expect(dead_code, reason = "every test program uses another part of it")]
mod support {
    pub(crate) mod served;
}

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use mms_examples::serve::Options;
use mms_proto::Limits;
use mms_proto::mmsp::frame::{Frame, FrameDecoder, MessageWriter};
use mms_proto::mmsp::message::{
    BandwidthTest, ClientMessage, Connect, FunnelInfo, PacketPair, ServerMessage,
};
use support::served::Served;

const CLIP: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/clips/test-pattern.wmv");

/// The client id that a new session is given.
fn client_id(server: SocketAddr) -> u32 {
    let mut socket = TcpStream::connect(server).unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    let mut writer = MessageWriter::default();
    let subscriber = "NSPlayer/9.0.0.2980".to_owned();
    let requests: [ClientMessage; 2] = [
        Connect { packet_pair: PacketPair::No, subscriber }.into(),
        FunnelInfo { test: BandwidthTest::None }.into(),
    ];
    for request in requests {
        let packet = writer.write(0, |out| request.encode(out));
        socket.write_all(&packet).unwrap();
    }
    let mut decoder = FrameDecoder::from_server(&Limits::default());
    loop {
        while let Some(frame) = decoder.next_frame().unwrap() {
            let Frame::Messages(mut messages) = frame else { panic!("{frame:?}") };
            while let Some((_, message)) = messages.split_next().unwrap() {
                let message = ServerMessage::decode(&message, &mut Vec::new()).unwrap();
                if let ServerMessage::ReportFunnelInfo(report) = message {
                    return report.client_id;
                }
            }
        }
        let count = socket.read(decoder.recv_buffer()).unwrap();
        assert_ne!(count, 0, "the server went away");
        decoder.received(count);
    }
}

#[test]
fn each_session_has_its_own_client_id() {
    // MMSP-S-007
    let server = Served::start(Options::new(CLIP));
    let ids = [(); 3].map(|()| client_id(server.address));
    assert!(ids[0] != ids[1] && ids[1] != ids[2] && ids[2] != ids[0], "{ids:08X?}");
}
