//! A header at the start of the input or between two packets.

use bytes::{BufMut, BytesMut};

use super::packets::Data;
use super::search::Search;
use super::{Cause, Event, Next, State, StreamParser};
use crate::header::{DATA_HEAD, Located, Wait, locate};
use crate::{Deviation, Error, Header};

impl StreamParser {
    /// Reads the header that starts here. The first one has to be good; of a later one that is not,
    /// the bytes are handed out as damage.
    pub(super) fn header(&mut self, scan: usize) -> Result<Next, Error> {
        // Files are edited, not streams: in the middle the next packet is of more use.
        let window = if self.data.is_none() { self.limits.search_bytes } else { 0 };
        let view = |at: usize, count: usize| self.view(at, count);
        let read = match locate(view, scan, window, &self.limits) {
            Ok(located) => located.and_then(|located| self.install(&located)),
            Err(Wait { wait, scan }) => {
                self.state = State::Header { scan };
                return Ok(wait);
            }
        };
        let error = match read {
            Ok(None) => {
                self.state = State::Boundary;
                return Ok(Next::Again);
            }
            Ok(Some(wait)) => return Ok(wait),
            Err(error) => error,
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

    /// Reads the header and makes it the one that counts, unless more bytes are needed to know the
    /// size of its packets.
    fn install(&mut self, located: &Located) -> Result<Option<Next>, Error> {
        let Located { declared, data_at, .. } = *located;
        let whole = data_at.saturating_add(DATA_HEAD);
        let offset = self.buffer.offset();
        let input = self.buffer.peek(whole);
        let gap = located.gap(&input).map(|start| (start, input.slice(start..data_at)));
        let bytes = match &gap {
            Some((start, _)) => {
                let mut joined = BytesMut::from(input.get(..*start).unwrap_or_default());
                joined.put_slice(input.get(data_at..).unwrap_or_default());
                joined.freeze()
            }
            None => located.resized(&input, None),
        };
        let header = match self.sized(Header::parse_with(&bytes, &self.limits)?, whole) {
            Ok(header) => header,
            Err(wait) => return Ok(Some(wait)),
        };
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
        if declared != data_at as u64 {
            let declared = offset.saturating_add(declared);
            let deviation = Deviation::DataObjectElsewhere { declared, found: data_offset };
            self.queue.push_back(Event::Deviation(deviation));
        }
        if let Some((start, bytes)) = gap {
            let offset = offset.saturating_add(start as u64);
            self.queue.push_back(Event::Damage { offset, bytes, cause: Cause::Gap });
        }
        Ok(None)
    }
}
