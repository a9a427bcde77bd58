//! One message of either direction.

use std::fmt::Debug;

use bytes::{Bytes, BytesMut};

use crate::deviation::Deviation;
use crate::error::{DecodeError, Layer};
use crate::mmsp::message::{ClientMessage, ServerMessage};

/// Any bytes as a client's message.
pub fn client_message(data: &[u8]) {
    let decode =
        |bytes: &Bytes, deviations: &mut Vec<Deviation>| ClientMessage::decode(bytes, deviations);
    // A peer may fill a log field to its last byte, or claim a quality above 100.
    let keeps = |message: &ClientMessage| !matches!(message, ClientMessage::Logging(_));
    check(data, decode, |message, out| message.encode(out), keeps);
}

/// Any bytes as a server's message.
pub fn server_message(data: &[u8]) {
    let decode =
        |bytes: &Bytes, deviations: &mut Vec<Deviation>| ServerMessage::decode(bytes, deviations);
    check(data, decode, |message, out| message.encode(out), |_| true);
}

/// What was read is written and read again without a change, and the second writing gives the same
/// bytes; what is not read names a place inside.
fn check<M: PartialEq + Debug>(
    data: &[u8],
    decode: impl Fn(&Bytes, &mut Vec<Deviation>) -> Result<M, DecodeError>,
    encode: impl Fn(&M, &mut BytesMut),
    keeps: impl Fn(&M) -> bool,
) {
    let bytes = Bytes::copy_from_slice(data);
    let mut deviations = Vec::new();
    let read = decode(&bytes, &mut deviations);
    assert!(deviations.len() <= data.len());
    let read = match read {
        Ok(read) => read,
        Err(error) => {
            assert!(error.offset <= data.len() as u64, "{error}");
            assert!(!error.field.is_empty(), "{error}");
            assert!(error.layer != Layer::Frame, "{error}");
            return;
        }
    };
    let written = |message: &M| {
        let mut out = BytesMut::new();
        encode(message, &mut out);
        assert_eq!(out.len() % 8, 0);
        out.freeze()
    };
    let first = written(&read);
    // Constants and padding are all that is added, whatever the numbers inside say.
    assert!(first.len() <= data.len().max(2_000).saturating_mul(2));
    let mut none = Vec::new();
    let again = decode(&first, &mut none);
    assert!(none.is_empty(), "{none:?} in what this crate wrote");
    let again = match again {
        Ok(again) => again,
        Err(error) => unreachable!("{error} in what this crate wrote: {read:?}"),
    };
    // Where a sender left out the padding, it is put back, and may become part of a value.
    if keeps(&read) && data.len() % 8 == 0 {
        assert_eq!(again, read);
    }
    let second = written(&again);
    assert_eq!(second, first, "{again:?}");
}
