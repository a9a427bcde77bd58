//! What a media packet costs in the steady state: no allocation of its own.

use crate::hostile::victim::honest_server;
use crate::pair::media;
use bytes::Bytes;
use mms_proto::mmsp::message::{ClientMessage, ServerMessage};
use mms_proto::mmsp::{Client, ClientConfig, Server, ServerConfig};
use mms_proto::{
    ClientEvent, ConnectionId, Content, Input, Machine as _, Output, ServerEvent, Start,
};

/// Size of a read.
const READ: usize = 64 << 10;

/// Everything until the machine waits; the number of packets among it.
fn packets(client: &mut Client) -> usize {
    let mut count = 0;
    loop {
        match client.poll_output() {
            Output::Wait(_) => return count,
            Output::Event(ClientEvent::Packet(_)) => count += 1,
            _ => {}
        }
    }
}

#[test]
fn a_client_allocates_nothing_for_a_packet() {
    let now = media::start();
    let mut config = ClientConfig::new("host", "file.wma");
    config.funnel_info = false;
    let mut client = Client::new(now, config);
    let honest = honest_server();
    for index in [0, 4, 6, 7, 8, 9, 10, 11] {
        client.handle_input(now, Input::tcp(&honest[index].bytes)).unwrap();
        packets(&mut client);
        if client.phase() == mms_proto::Phase::Ready {
            client.play(now, crate::pair::everything()).unwrap();
            packets(&mut client);
        }
    }
    assert_eq!(client.phase(), mms_proto::Phase::Streaming);
    let one = crate::hostile::data(0, 1, 10, 0, Bytes::from_static(&[3; 92])).bytes;
    let stream = one.repeat(READ * 16 / one.len());
    let mut reads = 0;
    let mut count = 0;
    // The first round makes the buffers.
    for round in 0..2 {
        let memory = allocation_counter::measure(|| {
            let mut rest = &stream[..];
            (reads, count) = (0, 0);
            while !rest.is_empty() {
                let room = client.recv_buffer(ConnectionId::MAIN);
                let size = room.len().min(rest.len());
                room[..size].copy_from_slice(&rest[..size]);
                rest = &rest[size..];
                client.received(now, ConnectionId::MAIN, size).unwrap();
                count += packets(&mut client);
                reads += 1;
            }
        });
        assert_eq!(count, stream.len() / one.len());
        if round == 1 {
            // One a read is what sharing the buffer between its packets takes.
            assert!(memory.count_total <= reads, "{memory:?} in {reads} reads, {count} packets");
            assert!(memory.bytes_max < 1024, "{memory:?}");
        }
    }
    assert_eq!(client.stats().deviations, 0);
}

#[test]
fn a_server_allocates_nothing_for_a_packet() {
    let content = Content::new(media::header(100))
        .unwrap()
        .with_packet_size(1400)
        .unwrap()
        .with_packet_count(100_000);
    let mut script = crate::pair::script::Script::ready(ServerConfig::default(), content);
    script.send(crate::pair::script::play(4, Start::Beginning));
    let now = script.now;
    let packet = Bytes::from_static(&[3; 1400]);
    let server: &mut Server = &mut script.machine;
    server.send_packet(now, 0, packet.clone()).unwrap();
    let mut sent = 0;
    let mut run = |server: &mut Server| {
        for _ in 0..10 {
            server.handle_input(now, Input::Timeout).unwrap();
            loop {
                match server.poll_output() {
                    Output::Event(ServerEvent::PacketWanted { .. }) => {
                        sent += 1;
                        server.send_packet(now, sent, packet.clone()).unwrap();
                    }
                    Output::Wait(_) => break,
                    _ => {}
                }
            }
        }
    };
    run(server);
    let memory = allocation_counter::measure(|| run(server));
    assert_eq!((memory.count_total, memory.bytes_total), (0, 0));
    assert!(sent > 3000, "{sent}");
}

#[test]
fn claims_reserve_no_memory() {
    // MMSP-W-074: every field of every message says as much as it can, and a few bytes are there.
    let measure = |id: u32, fill: u8, length: usize, of_client: bool| {
        let mut bytes = u32::try_from(length.div_ceil(8)).unwrap().to_le_bytes().to_vec();
        bytes.extend(id.to_le_bytes());
        bytes.resize(length, fill);
        let bytes = Bytes::from(bytes);
        let memory = allocation_counter::measure(|| {
            let mut deviations = Vec::new();
            if of_client {
                let _ = ClientMessage::decode(&bytes, &mut deviations);
            } else {
                let _ = ServerMessage::decode(&bytes, &mut deviations);
            }
        });
        // Text of UTF-16 needs at most three bytes for two; a report is a structure of its own.
        let most = 8 * length as u64 + 2_048;
        assert!(memory.bytes_total <= most, "{id:#x} of {length} bytes: {memory:?}");
    };
    for length in [8, 16, 24, 72, 1_504] {
        for fill in [0x7F, 0xFF] {
            for (id, _) in ClientMessage::IDS {
                measure(id.0, fill, length, true);
            }
            for (id, _) in ServerMessage::IDS {
                measure(id.0, fill, length, false);
            }
        }
    }
}
