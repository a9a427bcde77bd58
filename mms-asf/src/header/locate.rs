//! Where the Data Object starts, even when the Header Object's size is wrong.

use bytes::{Bytes, BytesMut};

use super::{DATA_HEAD, HEADER_HEAD, Header};
use crate::cursor::Cursor;
use crate::object::{HEAD, id_and_size};
use crate::offsets::put_at;
use crate::walk::{Walk, is_known};
use crate::{Error, Limits, guid};

/// Where a header's parts are, counted from its first byte.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Located {
    /// The end of the Header Object by its size.
    pub(crate) declared: u64,
    /// The start of the Data Object.
    pub(crate) data_at: usize,
    /// The children lead to the Data Object.
    led: bool,
}

/// More bytes are needed to locate the Data Object.
pub(crate) struct Wait<W> {
    /// What the view said.
    pub(crate) wait: W,
    /// The Data Object does not start in front of this place.
    pub(crate) scan: usize,
}

/// Finds the Data Object of the header at the start of what `view` shows: exactly so many bytes
/// from a place on, or those up to the end of the input. `scan` is how far an earlier attempt came.
///
/// It is where the Header Object ends as a rule; but programs that edit metadata write wrong sizes.
/// It is looked for up to `window` bytes after that end then, and within the limit for headers when
/// the size is impossible.
pub(crate) fn locate<'a, W>(
    view: impl Fn(usize, usize) -> Result<&'a [u8], W>,
    scan: usize,
    window: u64,
    limits: &Limits,
) -> Result<Result<Located, Error>, Wait<W>> {
    let view = |at: usize, count: usize| view(at, count).map_err(|wait| Wait { wait, scan });
    let head = view(0, HEAD)?;
    let len = Header::declared_len(head, limits);
    let Some((_, declared)) = id_and_size(head).filter(|(id, _)| *id == guid::HEADER) else {
        let other = || Cursor::new(head, 0, "Header Object").malformed("its identifier");
        return Ok(Err(len.err().unwrap_or_else(other)));
    };
    let found = |data_at: usize, led: bool| Ok(Ok(Located { declared, data_at, led }));
    let most = usize::try_from(limits.header_bytes).unwrap_or(usize::MAX);
    let (mut end, mut cut) = (most, None);
    if let Ok(len) = len {
        let declared = len.saturating_sub(DATA_HEAD);
        let bytes = view(0, len)?;
        let at_end = bytes.get(declared..).unwrap_or_default();
        if is_data(at_end) == Some(true) {
            return found(declared, true);
        }
        // Nothing follows the Header Object, or a part of a Data Object: whoever reads the header
        // misses what is missing.
        cut = (bytes.len() >= declared && is_data(at_end).is_none()).then_some(declared);
        end = declared.saturating_add(usize::try_from(window).unwrap_or(usize::MAX)).min(most);
    }
    let fits = |at: usize| at.saturating_add(DATA_HEAD) <= most;
    let led = data_child(view, end, limits.objects)?;
    if let Some(data_at) = led.filter(|at| fits(*at)) {
        return found(data_at, true);
    }
    let mut at = scan.max(HEADER_HEAD);
    while at <= end {
        let head = match view(at, DATA_HEAD) {
            Ok(head) if head.len() == DATA_HEAD => head,
            Ok(_) => break,
            Err(wait) => return Err(Wait { scan: at, ..wait }),
        };
        if is_data(head) == Some(true) && head.ends_with(&[1, 1]) && fits(at) {
            return found(at, false);
        }
        at = at.saturating_add(1);
    }
    match (cut, len) {
        (Some(declared), _) => found(declared, true),
        (None, Err(error)) => Ok(Err(error)),
        (None, Ok(len)) => Ok(Err(missing(view(0, len)?, len))),
    }
}

/// What is wrong with a header of `len` bytes without a Data Object.
fn missing(bytes: &[u8], len: usize) -> Error {
    if bytes.len() < len {
        return Error::Malformed {
            what: "header",
            offset: bytes.len() as u64,
            expected: "the bytes the Header Object declares and 50 of the Data Object",
        };
    }
    Error::Malformed {
        what: "Data Object",
        offset: len.saturating_sub(DATA_HEAD) as u64,
        expected: "its identifier near the end of the Header Object",
    }
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

/// The Data Object in front of `end` that the children of a Header Object, so many at most, lead to.
fn data_child<'a, W>(
    view: impl Fn(usize, usize) -> Result<&'a [u8], W>,
    end: usize,
    most: u32,
) -> Result<Option<usize>, W> {
    let mut at = HEADER_HEAD;
    for _ in 0..=most {
        if at > end {
            break;
        }
        let Some((id, size)) = id_and_size(view(at, HEAD)?) else { break };
        if id == guid::DATA {
            let whole = view(at, DATA_HEAD)?.len() == DATA_HEAD;
            return Ok(Some(at).filter(|_| whole));
        }
        let size = usize::try_from(size).ok().filter(|size| *size >= HEAD);
        let Some(next) = size.and_then(|size| at.checked_add(size)) else { break };
        at = next;
    }
    Ok(None)
}

impl Located {
    /// Where the bytes start that lie between the header and the Data Object and belong to neither,
    /// as where a program that made the header shorter left old ones. `bytes` are those up to the
    /// first packet.
    pub(crate) fn gap(&self, bytes: &Bytes) -> Option<usize> {
        let declared = usize::try_from(self.declared).ok()?;
        let gap = bytes.get(declared..self.data_at).filter(|gap| !gap.is_empty())?;
        let children =
            bytes.get(HEADER_HEAD..declared).map(|children| bytes.slice_ref(children))?;
        let mut walk = Walk::new(u32::MAX);
        let whole = walk.children(&children, HEADER_HEAD).is_ok() && walk.deviations.is_empty();
        (!self.led && whole && !is_known(gap)).then_some(declared)
    }

    /// `bytes` with the size that lets the Header Object end where the Data Object starts, and with
    /// padding in the place of the bytes between them from `gap` on.
    pub(crate) fn resized(&self, bytes: &Bytes, gap: Option<usize>) -> Bytes {
        if self.declared == self.data_at as u64 {
            return bytes.clone();
        }
        let mut resized = BytesMut::from(bytes.as_ref());
        put_at(&mut resized, 16, &(self.data_at as u64).to_le_bytes());
        let Some((gap, len)) = gap.map(|gap| (gap, self.data_at.saturating_sub(gap))) else {
            return resized.freeze();
        };
        if let Some(old) = resized.get_mut(gap..self.data_at) {
            old.fill(0);
        }
        if len >= HEAD {
            put_at(&mut resized, gap, &guid::PADDING.to_bytes_le());
            put_at(&mut resized, gap.saturating_add(16), &(len as u64).to_le_bytes());
            let count = resized.get(HEAD..).and_then(|count| count.first_chunk());
            let count = count.map_or(0, |count| u32::from_le_bytes(*count));
            put_at(&mut resized, HEAD, &count.saturating_add(1).to_le_bytes());
        }
        resized.freeze()
    }
}
