//! Ping and Pong, MS-MMSP 2.2.4.1 and 2.2.4.22.

use crate::message_kind::MessageKind;
use bytes::{BufMut, Bytes, BytesMut};

use super::{Body, Deviation, MessageId, Wire};

/// The server asks whether the client is still there. Its two parameters mean nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Ping;

/// The client's answer. FFmpeg puts its own numbers into the parameters; they mean nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Pong;

macro_rules! two_unused_words {
    ($name:ident, $id:expr) => {
        impl Body for $name {
            const ID: MessageId = $id;

            fn parse<'a>(
                body: &'a [u8],
                _: &Bytes,
                deviations: &mut Vec<Deviation>,
            ) -> Wire<'a, Self> {
                if body.len() < 8 {
                    deviations.push(Deviation::ShortMessage(MessageKind::Mmsp(Self::ID)));
                }
                Ok((&[], Self))
            }

            fn put(&self, out: &mut BytesMut) {
                out.put_bytes(0, 8); // dwParam1, dwParam2
            }
        }
    };
}

two_unused_words!(Ping, MessageId::PING);
two_unused_words!(Pong, MessageId::PONG);
