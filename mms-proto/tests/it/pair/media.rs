//! What is streamed in tests, and the one look at a clock.

use std::time::{Duration, Instant};

use bytes::Bytes;
use mms_proto::{Content, Features};

/// Size of a packet of the content.
pub(crate) const PACKET: u32 = 100;
/// Bit rate of the content: ten packets a second.
pub(crate) const RATE: u32 = 8000;

/// Some moment to begin with.
#[expect(clippy::disallowed_methods, reason = "tests need one moment from which they count")]
pub(crate) fn start() -> Instant {
    Instant::now()
}

pub(crate) fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}

/// Content of so many packets with a header of two and a half packet sizes.
pub(crate) fn content(packets: u64) -> Content {
    Content::new(header(250))
        .unwrap()
        .with_packet_size(PACKET)
        .unwrap()
        .with_packet_count(packets)
        .with_duration(Duration::from_millis(packets * 100))
        .with_bit_rate(RATE)
        .with_features(Features::SEEKABLE)
}

/// Bytes in the place of an ASF header: nobody here looks inside.
pub(crate) fn header(length: u32) -> Bytes {
    (0..length).map(|n| n.to_le_bytes()[0]).collect()
}

/// The packet with this number.
pub(crate) fn packet(number: u32) -> Bytes {
    let word = number.to_le_bytes();
    word.iter().copied().cycle().take(PACKET as usize).collect()
}
