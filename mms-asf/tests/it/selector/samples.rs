//! Real files, played as a server would send them.

use std::collections::BTreeMap;

use mms_asf::{Packet, Payload, Rewind, Selected, Selector, StreamKind};

use crate::support::each_file;

fn payloads<'a>(name: &str, packet: &Packet<'a>) -> Vec<Payload<'a>> {
    packet.payloads().collect::<Result<_, _>>().unwrap_or_else(|e| panic!("{name}: {e}"))
}

#[test]
fn a_player_of_everything_gets_the_file() {
    each_file(|name, mut reader| {
        let mut selector = Selector::new(reader.header());
        for number in 0..reader.packet_count() {
            let packet = reader.packet(number).unwrap();
            let selected = selector.packet(&packet).unwrap();
            assert_eq!(selected, Selected::Unchanged(packet), "{name}, packet {number}");
        }
    });
}

#[test]
fn rewinding_sends_each_key_frame() {
    let mut frames = 0;
    each_file(|name, mut reader| {
        let header = reader.header().clone();
        let size = header.file().packet_size;
        let videos = header.streams().iter().filter(|stream| stream.kind == StreamKind::Video);
        for stream in videos.map(|stream| stream.number) {
            // By packet, the last key frame that begins there: its number and bytes.
            let mut keys = BTreeMap::<u64, (u32, Vec<u8>)>::new();
            let mut open = None;
            for number in 0..reader.packet_count() {
                let bytes = reader.packet(number).unwrap();
                for p in payloads(name, &Packet::parse(&bytes, size).unwrap()) {
                    if p.stream == stream && p.offset == 0 {
                        open = p.key_frame.then_some(number);
                        if p.key_frame {
                            keys.insert(number, (p.object_number, p.data.to_vec()));
                        }
                    } else if p.stream == stream {
                        if let Some((_, data)) = open.and_then(|at| keys.get_mut(&at)) {
                            data.extend_from_slice(p.data);
                        }
                    }
                }
            }
            let mut sent = Vec::<(u32, Vec<u8>)>::new();
            let mut rewind = Rewind::new(&header, stream, u64::MAX).unwrap();
            let before = |at| keys.range(..at).next_back().map(|(key, _)| *key);
            while let Some(number) = rewind.next_packet(before) {
                let Ok(packet) = reader.packet(number) else {
                    rewind.skip();
                    continue;
                };
                let selected = rewind.packet(&packet).unwrap().into_bytes();
                let Some(packet) = selected else { continue };
                for p in payloads(name, &Packet::parse(&packet, size).unwrap()) {
                    match sent.last_mut().filter(|_| p.offset != 0) {
                        Some((number, data)) if *number == p.object_number => {
                            data.extend_from_slice(p.data);
                        }
                        _ => sent.push((p.object_number, p.data.to_vec())),
                    }
                }
            }
            let wanted: Vec<_> = keys.into_values().rev().collect();
            assert!(sent == wanted, "{name}, stream {stream}");
            frames += sent.len();
        }
    });
    println!("{frames} key frames");
}
