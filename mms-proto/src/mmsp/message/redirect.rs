//! The content is elsewhere, MS-MMSP 2.2.4.9.

use bytes::{BufMut, Bytes, BytesMut};
use nom::Parser as _;

use super::wire::{Fault, bytes, put_utf16_z, u16_le, u32_le, utf16, utf16_z_units};
use super::{Body, Deviation, MessageId, Wire};
use crate::event::Redirect;
use crate::hresult::HResult;

/// The server sends the client elsewhere instead of opening the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReportRedirect {
    /// Success; a failure code refuses the file as `ReportOpenFile` does.
    pub hr: HResult,
    /// Where to; it means nothing beside a failure code.
    ///
    /// A location must fit 32,766 UTF-16 units, and a URL cannot be empty. What cannot be said is
    /// sent as a refusal, [`HResult::INVALID_NAME`]: a shortened location would be another one.
    pub target: Redirect,
}

impl Redirect {
    /// A location as it should be: a proxy by its URL.
    pub(crate) fn with_scheme(self) -> Self {
        match self {
            Self::Proxy(Some(proxy)) if !proxy.is_empty() && !proxy.contains("://") => {
                Self::Proxy(Some(format!("mmst://{proxy}")))
            }
            other => other,
        }
    }

    /// Whether it can be said as it is: a URL, neither too long nor with a NUL in it.
    pub(crate) fn can_be_sent(&self) -> bool {
        let location = match self {
            Self::Proxy(None) => return true,
            Self::Url(location) | Self::Proxy(Some(location)) => location,
        };
        !location.contains('\0') && (2..=MOST_UNITS).contains(&utf16_z_units(location))
    }
}

/// UTF-16 units that the 16-bit byte count of the location allows, terminator included.
const MOST_UNITS: usize = 32_767;

impl Body for ReportRedirect {
    const ID: MessageId = MessageId::REPORT_REDIRECT;

    fn parse<'a>(body: &'a [u8], _: &Bytes, _: &mut Vec<Deviation>) -> Wire<'a, Self> {
        let (rest, hr) = u32_le("hr").parse(body)?;
        let hr = HResult(hr);
        match parse_target(rest) {
            Ok((rest, target)) => Ok((rest, Self { hr, target })),
            // The rest of a refusal may be zero or missing.
            Err(_) if hr.is_failure() => Ok((&[], Self { hr, target: Redirect::Proxy(None) })),
            Err(error) => Err(error),
        }
    }

    fn put(&self, out: &mut BytesMut) {
        let (kind, location) = match &self.target {
            Redirect::Url(url) => (1, url.as_str()),
            Redirect::Proxy(proxy) => (2, proxy.as_deref().unwrap_or_default()),
        };
        let units = utf16_z_units(location);
        let (hr, location) = match (&self.target, units) {
            (Redirect::Proxy(_), 1) | (_, 2..=MOST_UNITS) => (self.hr, location),
            _ if self.hr.is_failure() => (self.hr, ""),
            _ => (HResult::INVALID_NAME, ""),
        };
        let bytes = utf16_z_units(location).saturating_mul(2);
        out.put_u32_le(hr.0);
        out.put_u16_le(kind);
        out.put_u16_le(u16::try_from(bytes).unwrap_or(u16::MAX));
        put_utf16_z(out, location);
    }
}

fn parse_target(at_type: &[u8]) -> Wire<'_, Redirect> {
    let (rest, (kind, length)) = (u16_le("RedirectType"), u16_le("cbLocation")).parse(at_type)?;
    let (_, location) = bytes("wszLocation", usize::from(length)).parse(rest)?;
    let location = utf16(location);
    let target = match kind {
        1 if location.is_empty() => return Fault::value(rest, "wszLocation", 0u32, "a URL"),
        1 => Redirect::Url(location),
        2 => Redirect::Proxy((!location.is_empty()).then_some(location)),
        _ => return Fault::value(at_type, "RedirectType", kind, "1 or 2"),
    };
    Ok((&[], target))
}
