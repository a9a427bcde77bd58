//! How ASF comes through a pipe: as it is, or in the chunks that FFmpeg's muxer `asf_stream` makes.
//!
//! `-f asf` writes a broadcast header, packets, an index and twelve bytes more. `-f asf_stream`
//! writes the same header and packets, each in front of it twelve bytes, little-endian:
//!
//! | bytes | what |
//! |---|---|
//! | 0 | `$` |
//! | 1 | `H` header, `D` data packet, `E` end |
//! | 2, 3 | length of what follows these four bytes |
//! | 4 to 7 | running number |
//! | 8, 9 | flags, 00 0C for a header |
//! | 10, 11 | the length again |
//!
//! It is how Windows Media Services pack a stream in HTTP, where packets may lack their padding.

use std::io::{ErrorKind, Read};

use bytes::{Buf as _, Bytes, BytesMut};
use mms_asf::{Restorer, StreamParser};

/// Bytes in front of the payload of a chunk.
const HEAD: usize = 12;
/// The part of these that the length counts.
const COUNTED: usize = 8;
/// Bytes of one read.
const READ: usize = 64 << 10;

/// Reads a pipe of either form.
#[derive(Debug, Default)]
pub(super) struct Chunks {
    form: Form,
    /// Bytes of chunks that are not complete: less than one chunk and one read.
    buffer: BytesMut,
    /// For packets without padding.
    restorer: Option<Restorer>,
    lost: u64,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Form {
    /// The first byte tells.
    #[default]
    Unknown,
    Plain,
    Chunked,
}

impl Chunks {
    /// Packets are of this size from now on.
    pub(super) fn packet_size(&mut self, size: u32) {
        self.restorer = Restorer::new(size).ok();
    }

    /// Bytes that lay between chunks, so far.
    pub(super) fn lost(&self) -> u64 {
        self.lost
    }

    /// Gives the parser what comes next, at most one chunk; false at the end of the input.
    ///
    /// # Errors
    /// When the input cannot be read.
    pub(super) fn supply(
        &mut self,
        input: &mut impl Read,
        parser: &mut StreamParser,
    ) -> std::io::Result<bool> {
        loop {
            match self.form {
                Form::Plain => {
                    let count = read(input, parser.room())?;
                    parser.received(count);
                    return Ok(count > 0);
                }
                Form::Chunked => {
                    if let Some(payload) = self.chunk() {
                        parser.push(&payload);
                        return Ok(true);
                    }
                }
                Form::Unknown => {}
            }
            let full = self.buffer.len();
            self.buffer.resize(full.saturating_add(READ), 0);
            let count = read(input, self.buffer.get_mut(full..).unwrap_or_default());
            self.buffer.truncate(full.saturating_add(*count.as_ref().unwrap_or(&0)));
            if count? == 0 {
                return Ok(false);
            }
            if self.form == Form::Unknown {
                self.form = if self.buffer.starts_with(b"$") { Form::Chunked } else { Form::Plain };
            }
            if self.form == Form::Plain {
                parser.push(&self.buffer.split());
                return Ok(true);
            }
        }
    }

    /// The next header or packet that is complete.
    fn chunk(&mut self) -> Option<Bytes> {
        loop {
            let head = self.buffer.first_chunk::<HEAD>()?;
            let Some((kind, length)) = read_head(head) else {
                // Not where a chunk begins: the next place that looks like one.
                let rest = self.buffer.get(1..).unwrap_or_default();
                let skip = rest.iter().position(|&byte| byte == b'$').unwrap_or(rest.len());
                let skip = skip.saturating_add(1);
                self.buffer.advance(skip);
                self.lost = self.lost.saturating_add(skip as u64);
                continue;
            };
            if self.buffer.len() < HEAD.saturating_add(length) {
                return None;
            }
            self.buffer.advance(HEAD);
            let payload = self.buffer.split_to(length).freeze();
            match kind {
                b'H' => return Some(payload),
                b'D' => {
                    let restored = self.restorer.as_ref().and_then(|r| r.restored(&payload));
                    return Some(restored.unwrap_or(payload));
                }
                _ => {}
            }
        }
    }
}

/// What a chunk holds and how long that is, if one begins here.
fn read_head(head: &[u8; HEAD]) -> Option<(u8, usize)> {
    let [dollar, kind, a, b, _, _, _, _, _, _, again @ ..] = head;
    let length = u16::from_le_bytes([*a, *b]);
    let is_chunk = *dollar == b'$' && b"HDECMPT".contains(kind) && [*a, *b] == *again;
    usize::from(length).checked_sub(COUNTED).filter(|_| is_chunk).map(|length| (*kind, length))
}

fn read(input: &mut impl Read, room: &mut [u8]) -> std::io::Result<usize> {
    loop {
        match input.read(room) {
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            done => return done,
        }
    }
}

#[cfg(test)]
mod tests {
    use mms_asf::testing::{self, TestStream};
    use mms_asf::{Event, Removal, remove_padding};

    use super::*;

    fn chunk(kind: u8, payload: &[u8]) -> Vec<u8> {
        let length = u16::try_from(payload.len() + COUNTED).unwrap().to_le_bytes();
        let head = [b'$', kind, length[0], length[1], 0, 0, 0, 0, 0, 0, length[0], length[1]];
        [&head[..], payload].concat()
    }

    fn packets(mut input: &[u8]) -> (Vec<Bytes>, u64) {
        let (mut chunks, mut parser) = (Chunks::default(), StreamParser::new());
        let mut packets = Vec::new();
        loop {
            match parser.poll().unwrap() {
                Some(Event::Header { header, .. }) => {
                    chunks.packet_size(header.file().packet_size);
                }
                Some(Event::Packet { bytes, .. }) => packets.push(bytes),
                Some(Event::End { .. }) => return (packets, chunks.lost()),
                Some(_) => {}
                None => {
                    if !chunks.supply(&mut input, &mut parser).unwrap() {
                        parser.finish();
                    }
                }
            }
        }
    }

    #[test]
    fn chunks_are_taken_apart_and_padding_is_put_back() {
        let header = testing::live_header(200, &[TestStream::Audio(1)]);
        let wanted: Vec<_> = (0..5).map(|n| testing::packet(n, 200, b"media")).collect();
        let mut input = chunk(b'H', &header);
        for packet in &wanted {
            let mut sent = BytesMut::new();
            remove_padding(packet, Removal::FieldKept, &mut sent).unwrap();
            input.extend(chunk(b'D', &sent));
            input.extend(chunk(b'M', b"said in between"));
        }
        input.extend(chunk(b'E', b""));
        assert_eq!(packets(&input), (wanted, 0));
    }

    #[test]
    fn what_lies_between_chunks_is_passed_over() {
        let header = testing::live_header(200, &[TestStream::Audio(1)]);
        let wanted: Vec<_> = (0..3).map(|n| testing::packet(n, 200, b"media")).collect();
        let mut input = chunk(b'H', &header);
        for packet in &wanted {
            input.extend(b"$$D not a chunk $H");
            input.extend(chunk(b'D', packet));
        }
        assert_eq!(packets(&input), (wanted, 3 * 18));
    }

    #[test]
    fn heads_that_lie() {
        let head = |bytes: &[u8]| read_head(bytes.first_chunk().unwrap());
        assert_eq!(head(&chunk(b'D', b"abc")), Some((b'D', 3)));
        let mut short = chunk(b'D', b"");
        assert_eq!(head(&short), Some((b'D', 0)));
        (short[2], short[10]) = (7, 7);
        assert_eq!(head(&short), None, "shorter than its own fields");
        let mut other = chunk(b'D', b"abc");
        other[10] += 1;
        assert_eq!(head(&other), None, "two lengths");
        assert_eq!(head(&chunk(b'X', b"abc")), None);
    }
}
