//! Damage of many kinds, the same for the same seed.

/// Numbers that look random.
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        let mut random = Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15));
        random.next();
        random.next();
        random
    }

    fn next(&mut self) -> u64 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        self.0 >> 33
    }

    /// A number below `limit`, or 0.
    pub(crate) fn below(&mut self, limit: usize) -> usize {
        usize::try_from(self.next()).unwrap() % limit.max(1)
    }

    fn byte(&mut self) -> u8 {
        self.next().to_le_bytes()[1]
    }

    fn bytes(&mut self, count: usize) -> Vec<u8> {
        (0..count).map(|_| self.byte()).collect()
    }
}

/// Damages a file whose packets, of `size` bytes, start at `start`. Returns how.
pub(crate) fn damage(
    bytes: &mut Vec<u8>,
    start: usize,
    size: usize,
    random: &mut Random,
) -> String {
    let times = 1 + random.below(3);
    let done = (0..times).map(|_| damage_once(bytes, start, size, random)).collect::<Vec<_>>();
    done.join(", ")
}

fn damage_once(bytes: &mut Vec<u8>, start: usize, size: usize, random: &mut Random) -> String {
    let packets = bytes.len().saturating_sub(start) / size;
    let boundary = |random: &mut Random| start + random.below(packets + 1) * size;
    let kind = random.below(12);
    let at = if kind < 7 { random.below(bytes.len()) } else { 0 };
    let end = (at + 1 + random.below(2 * size)).min(bytes.len());
    match kind {
        0 => {
            let value = random.byte();
            if let Some(byte) = bytes.get_mut(at) {
                *byte = value;
            }
            format!("byte {at} is {value}")
        }
        1 => {
            drop(bytes.drain(at.min(end)..end));
            format!("{at} to {end} taken out")
        }
        2 => {
            let junk = random.bytes(end - at.min(end));
            drop(bytes.splice(at..at, junk));
            format!("{} bytes put in at {at}", end - at)
        }
        3 => {
            let fill = [0, 0xFF][random.below(2)];
            bytes[at.min(end)..end].fill(fill);
            format!("{at} to {end} filled with {fill}")
        }
        4 => {
            let junk = random.bytes(end - at.min(end));
            bytes[at.min(end)..end].copy_from_slice(&junk);
            format!("{at} to {end} overwritten")
        }
        5 => {
            let copy = bytes[at.min(end)..end].to_vec();
            drop(bytes.splice(at..at, copy));
            format!("{at} to {end} twice")
        }
        6 => {
            bytes.truncate(at.max(start));
            format!("cut at {}", at.max(start))
        }
        7 => {
            // A field of the header.
            let at = random.below(start.min(bytes.len()));
            let value = random.byte();
            if let Some(byte) = bytes.get_mut(at) {
                *byte = value;
            }
            format!("byte {at} of the header is {value}")
        }
        8 => {
            // Bytes between packets.
            let (every, len) = (1 + random.below(5), 1 + random.below(40));
            let fill = [0, 0xC5][random.below(2)];
            for number in (1..=packets).rev().filter(|number| number % every == 0) {
                let at = (start + number * size).min(bytes.len());
                drop(bytes.splice(at..at, vec![fill; len]));
            }
            format!("{len} bytes after every packet that {every} divides")
        }
        9 => {
            // Packets in another order.
            let (one, other) = (boundary(random), boundary(random));
            if one.max(other) + size <= bytes.len() {
                let copy = bytes[one..one + size].to_vec();
                bytes.copy_within(other..other + size, one);
                bytes[other..other + size].copy_from_slice(&copy);
            }
            format!("the packets at {one} and {other} change places")
        }
        10 => {
            // The start of the stream was not heard.
            let to = boundary(random).min(bytes.len());
            drop(bytes.drain(start.min(to)..to));
            format!("packets up to {to} taken out")
        }
        _ => {
            let len = 1 + random.below(3 * size);
            let junk = random.bytes(len);
            bytes.extend_from_slice(&junk);
            format!("{len} bytes at the end")
        }
    }
}
