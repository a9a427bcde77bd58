//! A header at the start of the input or between two packets.

use bytes::{BufMut, Bytes, BytesMut};

use super::packets::Data;
use super::search::Search;
use super::{Cause, Event, Next, State, StreamParser};
use crate::header::DATA_HEAD;
use crate::object::{HEAD, head};
use crate::{Deviation, Error, Header, guid};

impl StreamParser {
    /// Reads the header that starts here. The first one has to be good; of a later one that is not,
    /// the bytes are handed out as damage.
    pub(super) fn header(&mut self, scan: usize) -> Result<Next, Error> {
        let read = match self.locate(scan) {
            Ok(found) => found.and_then(|found| self.install(&found)),
            Err(wait) => return Ok(wait),
        };
        let Err(error) = read else {
            self.state = State::Boundary;
            return Ok(Next::Again);
        };
        // A limit on headers is there to stop, wherever they are.
        if self.data.is_none() || self.headers > self.limits.headers {
            self.state = State::Failed(error.clone());
            return Err(error);
        }
        let len = Header::declared_len(self.buffer.unread(), &self.limits).unwrap_or(0);
        self.looked_in_vain(len);
        self.state = State::Search(Search::new(Cause::Header(error)));
        Ok(Next::Again)
    }

    /// Where the Data Object is. By the size of the Header Object in front of it, as a rule; but
    /// programs that edit metadata write wrong sizes.
    fn locate(&mut self, scan: usize) -> Result<Result<Found, Error>, Next> {
        let limits = self.limits;
        let len = match Header::declared_len(self.view(0, HEAD)?, &limits) {
            Ok(len) => len,
            Err(error) => return Ok(Err(error)),
        };
        let declared = len.saturating_sub(DATA_HEAD);
        let bytes = self.view(0, len)?;
        let at_end = bytes.get(declared..).unwrap_or_default();
        // Nothing behind the Header Object, or a part of a Data Object: what is missing is missed
        // by whoever reads the header.
        let cut = bytes.len() >= declared && is_data(at_end) != Some(false);
        let inside = if cut { None } else { data_child(bytes) };
        if cut || inside.is_some() {
            return Ok(Ok(Found { declared, data_at: inside.unwrap_or(declared) }));
        }
        // Files are edited, not streams: in the middle the next packet is of more use.
        let window = if self.data.is_none() { limits.search_bytes } else { 0 };
        let window = usize::try_from(window).unwrap_or(usize::MAX);
        let mut at = scan.max(declared);
        while at.saturating_sub(declared) < window {
            let head = match self.view(at, DATA_HEAD) {
                Ok(head) if head.len() == DATA_HEAD => head,
                Ok(_) => break,
                Err(wait) => {
                    self.state = State::Header { scan: at };
                    return Err(wait);
                }
            };
            if is_data(head) == Some(true) && head.ends_with(&[1, 1]) {
                return Ok(Ok(Found { declared, data_at: at }));
            }
            at = at.saturating_add(1);
        }
        let refused = Header::parse_with(&self.buffer.peek(len), &limits).err();
        Ok(Err(refused.unwrap_or(Error::Malformed {
            what: "Data Object",
            offset: declared as u64,
            expected: "its identifier near the end of the Header Object",
        })))
    }

    /// Reads the header and makes it the one that counts.
    fn install(&mut self, found: &Found) -> Result<(), Error> {
        let Found { declared, data_at } = *found;
        let whole = data_at.saturating_add(DATA_HEAD);
        let offset = self.buffer.offset();
        let input = self.buffer.peek(whole);
        let mut gap = Bytes::new();
        let bytes = if declared == data_at {
            input
        } else if data_child(&input) == Some(data_at) {
            // Only the size is wrong: the children lead to the Data Object.
            with_size(&input, data_at)
        } else {
            gap = input.slice(declared..data_at);
            let mut joined = BytesMut::from(input.get(..declared).unwrap_or_default());
            joined.put_slice(input.get(data_at..).unwrap_or_default());
            joined.freeze()
        };
        let header = Header::parse_with(&bytes, &self.limits)?;
        self.headers = self.headers.saturating_add(1);
        if self.headers > self.limits.headers {
            let (value, limit) = (u64::from(self.headers), u64::from(self.limits.headers));
            return Err(Error::Limit { what: "number of headers without packets", value, limit });
        }
        self.close();
        self.buffer.skip(whole);
        let data_offset = offset.saturating_add(data_at as u64);
        self.data = Data::new(&header, data_offset, self.buffer.offset());
        self.queue.push_back(Event::Header { offset, header: Box::new(header) });
        if declared != data_at {
            let declared = offset.saturating_add(declared as u64);
            let deviation = Deviation::DataObjectElsewhere { declared, found: data_offset };
            self.queue.push_back(Event::Deviation(deviation));
        }
        if !gap.is_empty() {
            let offset = offset.saturating_add(declared as u64);
            self.queue.push_back(Event::Damage { offset, bytes: gap, cause: Cause::Gap });
        }
        Ok(())
    }
}

/// Where a header's parts are, counted from its first byte.
struct Found {
    /// The end of the Header Object by its size.
    declared: usize,
    data_at: usize,
}

/// Whether a Data Object starts here; `None` when there are too few bytes to tell.
fn is_data(bytes: &[u8]) -> Option<bool> {
    let id = guid::DATA.to_bytes_le();
    match bytes.get(..id.len()) {
        Some(start) => Some(start == id),
        None if id.starts_with(bytes) => None,
        None => Some(false),
    }
}

/// The Data Object that the children of a Header Object lead to.
fn data_child(bytes: &[u8]) -> Option<usize> {
    let mut at = 30_usize;
    loop {
        let (id, size) = head(bytes.get(at..)?, at).ok()?;
        if id == guid::DATA {
            return Some(at).filter(|&at| bytes.len() >= at.saturating_add(DATA_HEAD));
        }
        at = at.checked_add(usize::try_from(size).ok()?)?;
    }
}

fn with_size(bytes: &[u8], size: usize) -> Bytes {
    let mut bytes = BytesMut::from(bytes);
    if let Some(field) = bytes.get_mut(16..24) {
        field.copy_from_slice(&(size as u64).to_le_bytes());
    }
    bytes.freeze()
}
