//! The steps on one parsed packet do what each of them does to bytes.

use bytes::Bytes;
use proptest::prelude::*;

use super::*;
use crate::packet::PARSED;
use crate::testing::{self, TestPacket, TestPayload, TestStream};
use crate::{Removal, remove_padding};

const SIZE: u32 = 200;

fn header() -> Header {
    Header::parse(&testing::live_header(SIZE, &[TestStream::Audio(1), TestStream::Video(2)]))
        .unwrap()
}

/// The file of these packets, and the header that they lead to: first by the steps on bytes, then
/// by the pipeline, and how many packets the pipeline's file parsed.
fn both(received: &[Bytes], rebase: Rebase) -> [(Vec<u8>, Bytes, u64); 2] {
    let header = header();
    let PacketPipeline { restorer, mut rebaser, continuity, mut finalizer } =
        PacketPipeline::new(&header, rebase).unwrap();
    let mut continuity = continuity.unwrap();
    let mut file = Vec::new();
    for packet in received {
        let mut bytes = BytesMut::new();
        let _ = restorer.restore(packet, &mut bytes);
        let _ = rebaser.apply(&mut bytes);
        if let Ok(Some(_)) = continuity.join(&mut bytes) {
            finalizer.restarted();
        }
        finalizer.packet(&bytes);
        file.extend_from_slice(&bytes);
    }
    let by_bytes = (file, finalizer.final_header(), 0);

    let mut pipeline = PacketPipeline::new(&header, rebase).unwrap();
    let mut file = BytesMut::new();
    let before = PARSED.get();
    for packet in received {
        let start = file.len();
        let parsed = Packet::parse(packet, SIZE).ok();
        let mut staged = pipeline.restore(packet, parsed.as_ref(), &mut file).unwrap();
        pipeline.rebase(&mut staged, &mut file[start..]);
        pipeline.join(&mut staged, &mut file[start..]);
        pipeline.record(&staged, &file[start..]);
        let sent = Packet::parse(&file[start..], SIZE).ok().map(|packet| packet.send_time());
        PARSED.set(PARSED.get() - 1);
        assert_eq!(staged.send_time(&file[start..]), sent);
        if staged.parsed.is_none() {
            PARSED.set(PARSED.get() - 1);
        }
    }
    let parsed = PARSED.get() - before;
    [by_bytes, (file.to_vec(), pipeline.finalizer.final_header(), parsed)]
}

fn sent(packet: &Bytes, how: Option<Removal>) -> Bytes {
    let Some(how) = how else { return packet.clone() };
    let mut sent = BytesMut::new();
    remove_padding(packet, how, &mut sent).unwrap();
    sent.freeze()
}

fn packet(time: u32, payloads: Vec<TestPayload>, padding_width: usize) -> Bytes {
    TestPacket { send_time: time, duration: 900, padding_width, ..TestPacket::multiple(payloads) }
        .build(SIZE)
}

/// A stream that is joined 70 seconds after its beginning, and starts anew after ten packets.
fn stream(how: Option<Removal>) -> Vec<Bytes> {
    let times = (70..80).chain(3..13).map(|second: u32| second * 1_000);
    times
        .map(|time| {
            let payloads = vec![
                TestPayload::whole(1, 0, time + 3_000, b"sound"),
                TestPayload::whole(0x82, 0, time + 3_040, b"picture"),
            ];
            sent(&packet(time, payloads, 1), how)
        })
        .collect()
}

#[test]
fn a_packet_is_parsed_once() {
    for how in [None, Some(Removal::ExplicitLength), Some(Removal::FieldCleared)] {
        for rebase in [Rebase::None, Rebase::WhenLate] {
            let received = stream(how);
            let [(file, header, _), (same, as_well, parsed)] = both(&received, rebase);
            assert!(file == same && header == as_well, "{how:?} {rebase:?}");
            assert_eq!(parsed, 20, "{how:?} {rebase:?}");
        }
    }
}

fn payload() -> impl Strategy<Value = TestPayload> {
    let stream = prop_oneof![Just(1), Just(0x82), Just(5)];
    let time = prop_oneof![0_u32..200_000, Just(u32::MAX)];
    let data = prop::collection::vec(any::<u8>(), 0..30);
    let delta = prop::option::weighted(0.3, any::<u8>());
    (stream, any::<u8>(), time, data, delta).prop_map(|(stream, number, time, data, delta)| {
        match delta {
            Some(delta) => {
                TestPayload::compressed(stream, number.into(), time, delta, &[&data, b"x"])
            }
            None => TestPayload::whole(stream, number.into(), time, &data),
        }
    })
}

fn removal() -> impl Strategy<Value = Option<Removal>> {
    prop_oneof![
        Just(None),
        Just(Some(Removal::ExplicitLength)),
        Just(Some(Removal::FieldCleared)),
        Just(Some(Removal::FieldKept)),
        Just(Some(Removal::FieldRemoved)),
    ]
}

/// A packet as it comes, at times cut or changed.
fn received() -> impl Strategy<Value = Bytes> {
    let time = prop_oneof![0_u32..200_000, any::<u32>()];
    let payloads = prop::collection::vec(payload(), 1..4);
    let width = prop::sample::select(vec![0_usize, 1, 2, 4]);
    let damage = prop::option::weighted(0.3, (any::<prop::sample::Index>(), any::<u8>()));
    let cut = prop::option::weighted(0.2, any::<prop::sample::Index>());
    (time, payloads, any::<bool>(), width, removal(), damage, cut).prop_map(
        |(time, mut payloads, single, padding_width, how, damage, cut)| {
            let packet = if single {
                let payload = payloads.remove(0);
                let packet = TestPacket::single(payload);
                TestPacket { send_time: time, padding_width, ..packet }.build(SIZE)
            } else {
                packet(time, payloads, padding_width)
            };
            let mut bytes = sent(&packet, how).to_vec();
            if let Some((at, value)) = damage {
                let at = at.index(bytes.len());
                bytes[at] = value;
            }
            if let Some(cut) = cut {
                bytes.truncate(cut.index(bytes.len()));
            }
            bytes.into()
        },
    )
}

proptest! {
    #[test]
    fn the_file_is_that_of_the_steps_on_bytes(
        received in prop::collection::vec(received(), 0..30),
        always in any::<bool>(),
    ) {
        let rebase = if always { Rebase::Always } else { Rebase::WhenLate };
        let [(file, header, _), (same, as_well, _)] = both(&received, rebase);
        prop_assert_eq!(file, same);
        prop_assert_eq!(header, as_well);
    }
}
