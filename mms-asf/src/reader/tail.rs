//! The objects behind the data, found even where the Data Object says something else.

use std::io::{Read, Seek, SeekFrom};

use bytes::Bytes;
use uuid::Uuid;

use super::read_up_to;
use crate::index::is_index;
use crate::object::{self, HEAD};
use crate::{Deviation, Header, IndexObject, Limits, guid};

/// How many bytes in front of the end of the file are searched for an index: a Simple Index of 16
/// days has room there.
const SCAN: u64 = 8 << 20;

/// What lies behind the packets.
#[derive(Debug)]
pub(super) struct Tail {
    pub(super) objects: Vec<IndexObject>,
    pub(super) deviations: Vec<Deviation>,
}

impl Tail {
    /// `packets` is the number of whole packets and the length of a cut one behind them.
    pub(super) fn read(
        input: &mut (impl Read + Seek),
        header: &Header,
        packets: (u64, u64),
        limits: &Limits,
    ) -> std::io::Result<Self> {
        let end = input.seek(SeekFrom::End(0))?;
        let mut tail = Self { objects: Vec::new(), deviations: Vec::new() };
        let declared = declared_end(header);
        let Some(found) = start(input, header, packets, end)? else {
            if let Some(offset) = declared.filter(|&declared| declared < end) {
                let len = end.saturating_sub(offset);
                tail.deviations.push(Deviation::UnknownBytes { offset, len });
            }
            return Ok(tail);
        };
        if let Some(declared) = declared.filter(|&declared| declared != found) {
            tail.deviations.push(Deviation::DataEnd { declared, found });
        }
        tail.objects(input, found, end, limits)?;
        Ok(tail)
    }

    fn objects(
        &mut self,
        input: &mut (impl Read + Seek),
        mut at: u64,
        end: u64,
        limits: &Limits,
    ) -> std::io::Result<()> {
        let mut room = limits.index_bytes;
        for _ in 0..limits.objects {
            let left = end.saturating_sub(at);
            if left == 0 {
                return Ok(());
            }
            let Some((id, size)) = head(input, at, end)?.filter(|(id, _)| !is_data(*id)) else {
                break;
            };
            let what = guid::name(id).unwrap_or("object behind the data");
            let object = match room.checked_sub(size) {
                Some(left) => {
                    room = left;
                    input.seek(SeekFrom::Start(at))?;
                    let mut bytes = Vec::new();
                    read_up_to(input, usize::try_from(size).unwrap_or(usize::MAX), &mut bytes)?;
                    IndexObject::parse(&Bytes::from(bytes)).ok()
                }
                None => None,
            };
            match object {
                Some(object) => self.objects.push(object),
                None => self.deviations.push(Deviation::Unreadable { what, offset: at }),
            }
            at = at.saturating_add(size);
        }
        let len = end.saturating_sub(at);
        if len > 0 {
            self.deviations.push(Deviation::UnknownBytes { offset: at, len });
        }
        Ok(())
    }
}

/// Where the Data Object says it ends; `None` where it does not know.
fn declared_end(header: &Header) -> Option<u64> {
    Some(header.declared_packet_bytes()?.saturating_add(header.len() as u64))
}

/// Where the objects start, if there are any.
fn start(
    input: &mut (impl Read + Seek),
    header: &Header,
    (packets, leftover): (u64, u64),
    end: u64,
) -> std::io::Result<Option<u64>> {
    let declared = declared_end(header);
    if let Some(declared) = declared.filter(|&declared| declared < end) {
        // Here an unknown object is an object; elsewhere it may be anything.
        if head(input, declared, end)?.is_some_and(|(id, _)| !is_data(id)) {
            return Ok(Some(declared));
        }
    }
    let first = header.len() as u64;
    let size = u64::from(header.file().packet_size);
    let behind = |packets: u64| first.saturating_add(packets.saturating_mul(size));
    let counted = [behind(packets), behind(header.file().packet_count)];
    for start in counted {
        if head(input, start, end)?.is_some_and(|(id, _)| is_index(id)) {
            return Ok(Some(start));
        }
    }
    let complete = declared == Some(end) && counted == [end, end] && leftover == 0;
    if complete { Ok(None) } else { scan(input, first, size, end) }
}

/// Identifier and size of the object at `at`, if its size is within the file.
fn head(input: &mut (impl Read + Seek), at: u64, end: u64) -> std::io::Result<Option<(Uuid, u64)>> {
    let left = end.saturating_sub(at);
    if left < HEAD as u64 {
        return Ok(None);
    }
    input.seek(SeekFrom::Start(at))?;
    let mut bytes = Vec::new();
    read_up_to(input, HEAD, &mut bytes)?;
    Ok(object::head(&bytes, 0).ok().filter(|(_, size)| *size <= left))
}

/// The first index at a packet boundary near the end of the file.
fn scan(
    input: &mut (impl Read + Seek),
    first: u64,
    size: u64,
    end: u64,
) -> std::io::Result<Option<u64>> {
    let skipped = end.saturating_sub(first).saturating_sub(SCAN).checked_div(size).unwrap_or(0);
    let start = first.saturating_add(skipped.saturating_mul(size));
    input.seek(SeekFrom::Start(start))?;
    let mut bytes = Vec::new();
    let window = end.saturating_sub(start).min(SCAN.saturating_add(size));
    read_up_to(input, usize::try_from(window).unwrap_or(usize::MAX), &mut bytes)?;
    let step = usize::try_from(size).unwrap_or(usize::MAX);
    let found = (0..bytes.len()).step_by(step.max(1)).find(|&at| {
        let rest = bytes.get(at..).unwrap_or_default();
        object::head(rest, 0).is_ok_and(|(id, size)| is_index(id) && size <= rest.len() as u64)
    });
    Ok(found.map(|at| start.saturating_add(at as u64)))
}

/// Another file may follow.
fn is_data(id: Uuid) -> bool {
    id == guid::HEADER || id == guid::DATA
}
