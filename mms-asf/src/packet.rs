//! Data packets: a head of variable layout, one or more payloads, padding.

mod head;
mod list;
pub(crate) mod padding;
mod payload;

pub use self::head::Field;
pub(crate) use self::head::{Head, code, explicit_length, send_time, width};
pub(crate) use self::list::WholeList;
pub use self::payload::{Payload, Payloads, Piece, Pieces};

use self::payload::{Bare, Single};
use crate::Error;
use crate::cursor::Cursor;

const WHAT: &str = "data packet";

#[cfg(test)]
thread_local! {
    /// Number of packets parsed on this thread.
    pub(crate) static PARSED: std::cell::Cell<u64> = const { std::cell::Cell::new(0) };
}

/// A view of one data packet, whole or with its padding removed in transit (section 5.2 of the ASF
/// specification).
///
/// ```
/// use mms_asf::Packet;
/// # use mms_asf::testing::{TestPacket, TestPayload};
/// # let payloads = vec![TestPayload::whole(1, 7, 3_000, b"sound"), TestPayload::whole(0x82, 0, 3_000, b"picture")];
/// # let bytes = TestPacket::multiple(payloads).build(256);
///
/// let packet = Packet::parse(&bytes, 256)?;
/// for payload in packet.payloads() {
///     let payload = payload?;
///     println!("stream {}, object {}", payload.stream, payload.object_number);
///     for piece in payload.pieces() {
///         println!("  {} bytes at {} ms", piece?.data.len(), payload.presentation_time);
///     }
/// }
/// # assert_eq!(packet.payloads().count(), 2);
/// # Ok::<(), mms_asf::Error>(())
/// ```
#[doc(alias = "ASF Data Packet")]
#[derive(Debug, Clone)]
pub struct Packet<'a> {
    bytes: &'a [u8],
    packet_size: u32,
    head: Head,
    form: Form<'a>,
}

/// How the payloads lie behind the head.
#[derive(Debug, Clone, Copy)]
enum Form<'a> {
    Single(Single<'a>),
    Multiple { count: u8, length_code: u8, first: usize },
}

impl<'a> Packet<'a> {
    /// Reads the head of a packet. `packet_size` is the file's, in bytes; a shorter slice is a
    /// packet whose padding was removed in transit.
    ///
    /// Fails when the slice is longer than `packet_size`, when the head contradicts itself or the
    /// slice, and on opaque error correction data, which means that the packet holds no media.
    /// Payloads are checked when they are read.
    #[inline]
    pub fn parse(packet: &'a [u8], packet_size: u32) -> Result<Self, Error> {
        Self::parse_inlined(packet, packet_size)
    }

    /// [`parse`](Self::parse) for loops over all packets of a file. A function of its own copies the
    /// packet's fields: `packets, StreamParser` of the benchmark takes a fifth more instructions.
    #[inline(always)]
    pub(crate) fn parse_inlined(packet: &'a [u8], packet_size: u32) -> Result<Self, Error> {
        #[cfg(test)]
        PARSED.with(|parsed| parsed.set(parsed.get() + 1));
        let (value, limit) = (packet.len() as u64, u64::from(packet_size));
        if value > limit {
            return Err(Error::Limit { what: "data packet length", value, limit });
        }
        let head = Head::parse(packet, packet_size)?;
        let form = if head.is_multiple() {
            let mut cursor =
                Cursor::new(packet.get(head.end..).unwrap_or_default(), head.end, WHAT);
            let at_flags = cursor.clone();
            let flags = cursor.u8("a number of payloads")?;
            let (count, length_code) = (flags & 0x3F, flags >> 6);
            if count == 0 || length_code == 0 {
                return Err(at_flags.malformed("at least one payload, with a length"));
            }
            Form::Multiple { count, length_code, first: cursor.offset() }
        } else {
            Form::Single(single(packet, packet_size, &head)?)
        };
        Ok(Self { bytes: packet, packet_size, head, form })
    }

    /// When the packet should leave the server, in milliseconds. Wraps after 49.7 days.
    pub fn send_time(&self) -> u32 {
        self.head.send_time
    }

    /// How long the packet's media lasts, in milliseconds; 0 in many files.
    pub fn duration(&self) -> u16 {
        self.head.duration
    }

    /// The bytes the packet was read from.
    pub fn as_bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// The packet size of the file, in bytes.
    pub fn packet_size(&self) -> u32 {
        self.packet_size
    }

    /// Whether the packet has the form with a payload count and payload lengths.
    #[doc(alias = "Multiple Payloads Present")]
    pub fn is_multiple(&self) -> bool {
        self.head.is_multiple()
    }

    /// The packet length field; rare in files, customary in packets that lost their padding.
    #[doc(alias = "Packet Length")]
    pub fn length_field(&self) -> Field {
        self.head.length
    }

    /// The padding length field.
    #[doc(alias = "Padding Length")]
    pub fn padding_field(&self) -> Field {
        self.head.padding
    }

    /// Where the 32-bit send time lies in the packet, in bytes; the 16-bit duration follows.
    pub fn send_time_offset(&self) -> usize {
        self.head.send_time_at
    }

    /// Where the last payload ends and padding starts, in bytes; `None` when a payload could not be
    /// read. Reads all payloads, as only their lengths tell.
    pub fn payload_end(&self) -> Option<usize> {
        match self.form {
            Form::Single(single) => Some(single.end),
            Form::Multiple { .. } => {
                self.payloads().try_fold(0, |_, payload| payload.ok().map(|payload| payload.end()))
            }
        }
    }

    /// The payloads in order. After an error nothing more is yielded.
    #[inline]
    pub fn payloads(&self) -> Payloads<'a> {
        match self.form {
            Form::Single(single) => Payloads::single(self.bytes, &self.head, single),
            Form::Multiple { count, length_code, first } => {
                Payloads::multiple(self.bytes, &self.head, first, count, length_code)
            }
        }
    }

    /// The packet as it is once another send time was written. Its payloads are those of before.
    pub(crate) fn with_send_time(&self, send_time: u32) -> Self {
        Self { head: Head { send_time, ..self.head }, ..self.clone() }
    }

    pub(crate) fn head(&self) -> &Head {
        &self.head
    }

    /// Where the first payload starts; each of the others starts where the one before ends.
    pub(crate) fn first_payload(&self) -> usize {
        match self.form {
            Form::Single(_) => self.head.end,
            Form::Multiple { first, .. } => first,
        }
    }
}

/// A single payload has no length of its own: it ends where padding starts. In a packet that was
/// cut, the padding field may be left as in the file, hold what is left of the padding, or be
/// cleared; the media object's size tells which, as far as it can.
///
/// Always inlined, as [`Packet::parse_inlined`] is.
#[inline(always)]
fn single<'a>(packet: &'a [u8], packet_size: u32, head: &Head) -> Result<Single<'a>, Error> {
    let (cursor, bare) = Bare::parse(packet, head.end, head.properties)?;
    let start = cursor.offset();
    let received = packet.len();
    let size = packet_size as usize;
    let padding = head.padding.value as usize;
    let here = |end: &usize| *end <= received;
    let fits = |end: &usize| *end >= start;
    let end = if received == size && head.length.value == 0 {
        size.checked_sub(padding).filter(fits)
    } else {
        let candidates = match head.length.value as usize {
            0 => [
                size.checked_sub(padding).filter(here),
                received.checked_sub(padding),
                Some(received),
                None,
            ],
            length => {
                let declared = length.checked_sub(padding).filter(here);
                let length = length.min(received);
                let in_file = size.checked_sub(padding).map(|end| end.min(received));
                [declared, length.checked_sub(padding), in_file, Some(length)]
            }
        };
        let unlikely = |&end: &usize| bare.plausibility(packet.get(start..end).unwrap_or_default());
        candidates.into_iter().flatten().filter(fits).min_by_key(unlikely)
    };
    let end = end.ok_or_else(|| cursor.malformed("padding that leaves room for the payload"))?;
    Ok(Single { bare, start, end })
}
