//! Bytes cut anywhere, and bytes that are no packets.

use proptest::prelude::*;

use super::*;

/// A stream of every kind of packet, short enough to try every cut.
fn short_stream() -> Vec<u8> {
    [
        packet(16, &[]),
        packet(48, &[ping(), end_of_stream()].concat()),
        data(0, 2, 0x0C, b"header"),
        packet(30, &end_of_stream()[..14]),
        data(1, 4, 0, &[]),
        packet(32, &ping()),
    ]
    .concat()
}

#[test]
fn every_single_cut_gives_the_same() {
    // MMSP-W-022
    let bytes = short_stream();
    let whole = from_server(&bytes);
    assert_eq!((whole.0.len(), whole.1), (6, None));
    let decoder = || FrameDecoder::from_server(&Limits::default());
    for at in 0..=bytes.len() {
        let (left, right) = bytes.split_at(at);
        assert_eq!(decode_with(decoder(), [left, right]), whole, "cut at {at}");
    }
    assert_eq!(decode_with(decoder(), bytes.chunks(1)), whole);
}

fn any_frame() -> impl Strategy<Value = Vec<u8>> {
    let payload = proptest::collection::vec(any::<u8>(), 0..3000);
    prop_oneof![
        (any::<u32>(), any::<u8>(), any::<u8>(), payload.clone())
            .prop_map(|(location, label, flags, payload)| data(location, label, flags, &payload)),
        payload.prop_map(|bytes| packet(16 + u32::try_from(bytes.len()).unwrap(), &bytes)),
    ]
}

proptest! {
    #[test]
    fn any_cut_gives_the_same(
        frames in proptest::collection::vec(any_frame(), 1..40),
        sizes in proptest::collection::vec(1..5000usize, 1..50),
        broken in any::<bool>(),
    ) {
        // MMSP-W-022; with and without an error at the end
        let mut bytes = frames.concat();
        if broken {
            bytes.extend([0; 8]);
        }
        let whole = from_server(&bytes);
        prop_assert_eq!(whole.0.len(), frames.len());
        prop_assert_eq!(whole.1.map(|error| error.offset), broken.then(|| bytes.len() as u64 - 2));
        let mut rest = &bytes[..];
        let mut sizes = sizes.iter().cycle();
        let pieces = std::iter::from_fn(|| {
            let size = (*sizes.next()?).min(rest.len());
            let (piece, later) = rest.split_at(size);
            rest = later;
            (!piece.is_empty()).then_some(piece)
        });
        let cut = decode_with(FrameDecoder::from_server(&Limits::default()), pieces);
        prop_assert_eq!(cut, whole);
    }

    #[test]
    fn garbage_never_panics(
        bytes in proptest::collection::vec(any::<u8>(), 0..300),
        start in prop_oneof![Just(packet(40, &[])), Just(vec![])],
    ) {
        // MMSP-W-018, MMSP-W-020
        let bytes = [start, bytes].concat();
        for (frames, _) in [from_server(&bytes), from_client(&bytes)] {
            for frame in frames {
                if let Frame::Messages(mut messages) = frame {
                    while let Ok(Some((_, message))) = messages.split_next() {
                        prop_assert!(!message.is_empty());
                    }
                }
            }
        }
    }
}
