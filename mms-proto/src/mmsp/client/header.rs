//! Collects the ASF header from its fragments, MS-MMSP 3.1.5.12.

use bytes::{Bytes, BytesMut};

use crate::deviation::Deviation;
use crate::error::Error;
use crate::mmsp::MmspDeviation;
use crate::mmsp::frame::{DataPacket, HeaderFlags};

/// A header in the making. Over TCP its fragments come in order.
#[derive(Debug)]
pub(super) struct HeaderAssembler {
    /// Bytes that were announced.
    announced: u32,
    next: u32,
    bytes: BytesMut,
    limit: u32,
}

impl HeaderAssembler {
    /// A header of the announced size, which must not be above `limit`.
    pub(super) fn new(announced: u32, limit: u32) -> Result<Self, Error> {
        let assembler = Self { announced, next: 0, bytes: BytesMut::new(), limit };
        assembler.check(announced.into())?;
        Ok(assembler)
    }

    /// Adds a fragment. Returns the whole header with the last one, and what is odd about it.
    pub(super) fn add(
        &mut self,
        fragment: &DataPacket,
    ) -> Result<(Option<Bytes>, Option<Deviation>), Error> {
        if fragment.location_id != self.next {
            // A fragment twice, or one that is missing: what is there stays right, and the time
            // limit for the header ends the wait for what is not.
            let (expected, found) = (self.next, fragment.location_id);
            return Ok((
                None,
                Some(Deviation::Mmsp(MmspDeviation::HeaderFragment { expected, found })),
            ));
        }
        let length = self.bytes.len().saturating_add(fragment.payload.len());
        self.check(length as u64)?;
        // The memory follows what really arrives, not what was announced.
        self.bytes.extend_from_slice(&fragment.payload);
        self.next = self.next.saturating_add(1);
        if !HeaderFlags(fragment.flags).is_last() {
            return Ok((None, None));
        }
        let received = u32::try_from(length).unwrap_or(u32::MAX);
        let announced = self.announced;
        let deviation =
            (received != announced).then_some(Deviation::HeaderSize { announced, received });
        Ok((Some(std::mem::take(&mut self.bytes).freeze()), deviation))
    }

    fn check(&self, value: u64) -> Result<(), Error> {
        let limit = self.limit.into();
        if value > limit {
            return Err(Error::Limit { what: "bytes of the ASF header", value, limit });
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fragment(number: u32, flags: u8, payload: &'static [u8]) -> DataPacket {
        DataPacket::new(number, 1, flags, Bytes::from_static(payload))
    }

    fn collect(fragments: &[DataPacket], announced: u32) -> (Option<Bytes>, Vec<Deviation>) {
        let mut assembler = HeaderAssembler::new(announced, 100).unwrap();
        let mut deviations = Vec::new();
        let mut header = None;
        for fragment in fragments {
            let (done, deviation) = assembler.add(fragment).unwrap();
            header = header.or(done);
            deviations.extend(deviation);
        }
        (header, deviations)
    }

    #[test]
    fn every_style_of_flags() {
        // MMSP-C-050, MMSP-W-029
        for flags in [[4, 4, 0x0C], [4, 0, 8], [0, 0, 8], [4, 4, 8]] {
            let parts = [
                fragment(0, flags[0], b"ab"),
                fragment(1, flags[1], b"cd"),
                fragment(2, flags[2], b"e"),
            ];
            assert_eq!(collect(&parts, 5), (Some(Bytes::from_static(b"abcde")), vec![]));
        }
        let single = [fragment(0, 0x0C, b"abc")];
        assert_eq!(collect(&single, 3).0, Some(Bytes::from_static(b"abc")));
    }

    #[test]
    fn a_fragment_twice_and_a_wrong_size() {
        let parts = [fragment(0, 4, b"ab"), fragment(0, 4, b"ab"), fragment(1, 0x0C, b"c")];
        let (header, deviations) = collect(&parts, 4);
        assert_eq!(header, Some(Bytes::from_static(b"abc")));
        assert_eq!(
            deviations,
            [
                Deviation::Mmsp(MmspDeviation::HeaderFragment { expected: 1, found: 0 }),
                Deviation::HeaderSize { announced: 4, received: 3 },
            ]
        );
    }

    #[test]
    fn a_missing_fragment_is_waited_for() {
        // MMSP-C-051, as far as TCP goes
        let parts = [fragment(0, 4, b"ab"), fragment(2, 0x0C, b"e")];
        assert_eq!(collect(&parts, 5).0, None);
    }

    #[test]
    fn the_limit_holds_for_what_is_announced_and_for_what_comes() {
        let limit = |value| Error::Limit { what: "bytes of the ASF header", value, limit: 100 };
        assert_eq!(HeaderAssembler::new(101, 100).unwrap_err(), limit(101));
        let mut assembler = HeaderAssembler::new(0, 100).unwrap();
        let big = DataPacket::new(0, 1, 4, Bytes::from(vec![0; 60]));
        assert!(assembler.add(&big).is_ok());
        let big = DataPacket::new(1, 1, 4, Bytes::from(vec![0; 60]));
        assert_eq!(assembler.add(&big).unwrap_err(), limit(120));
    }
}
