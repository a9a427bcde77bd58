//! The padding of packets: taken out on the way, put back on arrival.

mod restore;
mod strip;

pub use self::restore::{Restored, Restorer};
pub use self::strip::{Removal, remove_padding, remove_restorable_padding};

use super::{Head, Packet};

/// Bits of the length type flags that tell the widths of packet length and padding.
const LENGTH_AND_PADDING: u8 = 0x78;

/// The padding field of a packet of `size` bytes with `used` bytes in front of the padding, the
/// field itself not counted: its width, the narrowest one from `narrowest` on that holds the value,
/// and the value. `None` when there is no room for it.
pub(crate) fn field(used: usize, size: usize, narrowest: usize) -> Option<(usize, u32)> {
    let widths = [(1, u32::from(u8::MAX)), (2, u32::from(u16::MAX)), (4, u32::MAX)];
    widths.into_iter().filter(|(width, _)| *width >= narrowest).find_map(|(width, most)| {
        let padding = u32::try_from(size.checked_sub(used)?.checked_sub(width)?).ok()?;
        (padding <= most).then_some((width, padding))
    })
}

/// Length type flags without a packet length and with a padding field of this width.
pub(crate) fn flags_with_padding(flags: u8, width: usize) -> u8 {
    (flags & !LENGTH_AND_PADDING) | (super::code(width) << 3)
}

/// Length type flags with a packet length of this width and without a padding field.
fn flags_with_length(flags: u8, width: usize) -> u8 {
    (flags & !LENGTH_AND_PADDING) | (super::code(width) << 5)
}

/// Whether a [`Restorer`] makes the same head again of a packet of the full size, whose payloads end
/// at `end`, once its length stands in place of its padding: it has no packet length field, and the
/// padding field is the one that the [`Restorer`] writes.
fn head_comes_back(head: &Head, end: usize, size: usize) -> bool {
    let (length, padding) = (head.length, head.padding);
    let written = end.checked_sub(padding.width).and_then(|used| field(used, size, 1));
    length.width == 0 && written == Some((padding.width, padding.value))
}

/// Whether the padding of a packet can be taken out so that a [`Restorer`] puts the same packet
/// together again. Only the head is compared, and the padding must be zeros.
fn comes_back(packet: &Packet<'_>, end: usize) -> bool {
    let (bytes, size) = (packet.as_bytes(), packet.packet_size() as usize);
    bytes.len() == size
        && head_comes_back(packet.head(), end, size)
        && is_zero(bytes.get(end..).unwrap_or_default())
}

/// Whether all bytes are zero. Blocks without an exit inside are compared many bytes at a time.
fn is_zero(bytes: &[u8]) -> bool {
    let blocks = bytes.chunks_exact(32);
    let rest = blocks.remainder();
    let is_zero = |block: &[u8]| block.iter().fold(0, |all, &byte| all | byte) == 0;
    is_zero(rest) && blocks.into_iter().all(is_zero)
}
