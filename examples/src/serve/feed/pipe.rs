//! ASF from standard input or another reader, at the pace at which it comes.

use std::io::Read;

use bytes::Bytes;
use mms_asf::{Event, StreamParser};

use super::chunks::Chunks;
use super::header::as_broadcast;
use super::outlet::{Outlet, Stopped};
use super::{FeedItem, limits};

/// Brings what the input holds to its end.
pub(super) fn run(mut input: impl Read, outlet: &Outlet) -> Result<FeedItem, Stopped> {
    let mut parser = StreamParser::with_limits(limits());
    let mut chunks = Chunks::default();
    let mut damage = Damage::default();
    loop {
        match parser.poll() {
            Ok(Some(Event::Header { header, .. })) => {
                chunks.packet_size(header.file().packet_size);
                outlet.send(FeedItem::Header(as_broadcast(&header)))?;
            }
            // A copy: the slowest player keeps it, and the slice would keep all that was read at
            // once.
            Ok(Some(Event::Packet { bytes, .. })) => {
                outlet.send(FeedItem::Packet(Bytes::copy_from_slice(&bytes)))?;
            }
            Ok(Some(Event::Damage { bytes, cause, .. })) => {
                damage.add(bytes.len() as u64, &cause, outlet)?;
            }
            Ok(Some(Event::End { leftover, .. })) => {
                let lost = damage.bytes.saturating_add(chunks.lost());
                let lost = lost.saturating_add(leftover.len() as u64);
                if lost > 0 {
                    outlet.send(FeedItem::Note(format!(
                        "{lost} bytes of the input could not be used"
                    )))?;
                }
                return Ok(FeedItem::End);
            }
            // Indexes, and sizes that are not true of a stream.
            Ok(Some(_)) => {}
            Ok(None) => {
                match chunks.supply(&mut input, &mut parser) {
                    Ok(true) => {}
                    Ok(false) => parser.finish(),
                    Err(error) => {
                        return Ok(FeedItem::Failed(format!("cannot read the input: {error}")));
                    }
                }
                outlet.check()?;
            }
            Err(error) => return Ok(FeedItem::Failed(format!("the input is no ASF: {error}"))),
        }
    }
}

/// What could not be understood.
#[derive(Debug, Default)]
struct Damage {
    bytes: u64,
}

impl Damage {
    /// Tells of the first time only: a bad cable would fill the log.
    fn add(&mut self, bytes: u64, cause: &mms_asf::Cause, outlet: &Outlet) -> Result<(), Stopped> {
        let first = self.bytes == 0;
        self.bytes = self.bytes.saturating_add(bytes);
        if first {
            outlet.send(FeedItem::Note(format!("the input is damaged: {cause}; going on")))?;
        }
        Ok(())
    }
}
