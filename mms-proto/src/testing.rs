//! What tests and fuzz targets share.

pub mod sim;
pub mod toy;

use bytes::{Bytes, BytesMut};
use proptest::collection::vec;
use proptest::prelude::*;

use crate::fuzzing::Script;
use crate::mmsp::message::{ClientMessage, ServerMessage};

/// Bytes without a meaning.
pub fn blob(most: usize) -> impl Strategy<Value = Bytes> {
    vec(any::<u8>(), 0..=most).prop_map(Bytes::from)
}

/// Any of the client's messages, or an unknown one: every value that the public API can build,
/// awkward ones included. Writing such a value normalises it.
pub fn client_message() -> impl Strategy<Value = ClientMessage> {
    blob(1000).prop_map(|bytes| Script::wide(&bytes).client_message())
}

/// Any of the server's messages, or an unknown one.
pub fn server_message() -> impl Strategy<Value = ServerMessage> {
    blob(1000).prop_map(|bytes| Script::wide(&bytes).server_message())
}

/// A client's message as its reader sees it: encoding and decoding give the same value again.
pub fn client_message_as_read() -> impl Strategy<Value = ClientMessage> {
    client_message().prop_filter_map("written messages are readable", |message| {
        let mut out = BytesMut::new();
        message.encode(&mut out);
        ClientMessage::decode(&out.freeze(), &mut Vec::new()).ok()
    })
}

/// A server's message as its reader sees it: encoding and decoding give the same value again.
pub fn server_message_as_read() -> impl Strategy<Value = ServerMessage> {
    server_message().prop_filter_map("written messages are readable", |message| {
        let mut out = BytesMut::new();
        message.encode(&mut out);
        ServerMessage::decode(&out.freeze(), &mut Vec::new()).ok()
    })
}
