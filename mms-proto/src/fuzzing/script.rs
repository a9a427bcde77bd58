//! Bytes read as decisions. There is always a next one: behind the end everything is zero.

mod messages;

use crate::mmsp::message::FileAttributes;
use crate::request::Position;
use std::time::Duration;

use bytes::Bytes;

use crate::auth::ServerChallenge;
use crate::content::Content;
use crate::event::Redirect;
use crate::hresult::HResult;
use crate::request::{Accel, PlayRequest, Rate, Start, Stop};
use crate::stream::{Delivery, StreamNumber, StreamSelection};

/// What is left of the input.
pub(crate) struct Script<'a> {
    rest: &'a [u8],
    /// Values of the whole range of their fields, as the public API can build them, awkward ones
    /// included; else those that lead a session on, which saves a fuzzer from finding them.
    wide: bool,
}

impl<'a> Script<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes, wide: false }
    }

    pub(crate) fn wide(bytes: &'a [u8]) -> Self {
        Self { rest: bytes, wide: true }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    pub(super) fn rest(&mut self) -> &'a [u8] {
        std::mem::take(&mut self.rest)
    }

    fn array<const N: usize>(&mut self) -> [u8; N] {
        match self.rest.split_first_chunk() {
            Some((array, rest)) => {
                self.rest = rest;
                *array
            }
            None => {
                self.rest = &[];
                [0; N]
            }
        }
    }

    pub(super) fn byte(&mut self) -> u8 {
        let [byte] = self.array();
        byte
    }

    pub(super) fn u16(&mut self) -> u16 {
        u16::from_le_bytes(self.array())
    }

    pub(super) fn u32(&mut self) -> u32 {
        u32::from_le_bytes(self.array())
    }

    fn u64(&mut self) -> u64 {
        u64::from_le_bytes(self.array())
    }

    /// Mostly a small number, sometimes any.
    pub(super) fn number(&mut self) -> u32 {
        match self.byte() {
            _ if self.wide => self.u32(),
            u8::MAX => self.u32(),
            small => small.into(),
        }
    }

    fn flag(&mut self) -> bool {
        self.byte() & 1 != 0
    }

    /// As many bytes as the next two say.
    pub(super) fn bytes(&mut self) -> &'a [u8] {
        let length = usize::from(self.u16()).min(self.rest.len());
        let (bytes, rest) = self.rest.split_at(length);
        self.rest = rest;
        bytes
    }

    fn blob(&mut self) -> Bytes {
        Bytes::copy_from_slice(self.bytes())
    }

    fn text(&mut self) -> String {
        if self.wide {
            // Also outside the BMP, and with NULs in it.
            let characters = (0..self.byte() % 40).map(|_| match self.byte() {
                0..=15 => char::from_u32(self.u32() % 0x11_0000).unwrap_or_default(),
                16..=31 => char::default(),
                printable => char::from(printable.clamp(b'!', b'~')),
            });
            return characters.collect();
        }
        let length = usize::from(self.byte()).min(self.rest.len());
        let (bytes, rest) = self.rest.split_at(length);
        self.rest = rest;
        String::from_utf8_lossy(bytes).into_owned()
    }

    /// From nothing to centuries.
    pub(super) fn time(&mut self) -> Duration {
        match self.byte() % 48 {
            1 if self.wide => Duration::MAX,
            2..=15 if self.wide => Duration::new(self.u64(), self.u32() % 1_000_000_000),
            16..=31 if self.wide => Duration::from_millis(self.u32().into()),
            0 => Duration::ZERO,
            power => Duration::from_millis(1 << power),
        }
    }

    pub(super) fn hresult(&mut self) -> HResult {
        match self.byte() {
            0 => HResult::OK,
            1 => HResult::FALSE,
            2 => HResult::FILE_NOT_FOUND,
            3 => HResult::FAIL,
            _ => HResult(self.u32()),
        }
    }

    fn stream(&mut self) -> Option<StreamNumber> {
        StreamNumber::new(self.byte() & 0x7F)
    }

    pub(super) fn selections(&mut self) -> Vec<StreamSelection> {
        let count = self.byte() % 8;
        (0..count)
            .filter_map(|_| {
                let stream = self.stream()?;
                let delivery = match self.byte() % 4 {
                    0 => Delivery::Full,
                    1 => Delivery::KeyFramesOnly,
                    2 => Delivery::Off,
                    _ => return Some(StreamSelection::replace(self.stream()?, stream)),
                };
                Some(StreamSelection::new(stream, delivery))
            })
            .collect()
    }

    fn start(&mut self) -> Start {
        match self.byte() % 4 {
            0 => Start::Beginning,
            1 => Start::Time(self.time()),
            2 => Start::packet(self.number()).unwrap_or_default(),
            _ => Position::new(self.number())
                .map_or_else(Start::default, |offset| Start::ByteOffset(offset.get().into())),
        }
    }

    fn stop(&mut self) -> Option<Stop> {
        match self.byte() % 3 {
            0 => None,
            kind if self.wide => {
                // Two of them mean "no limit" in a field.
                let time = match self.byte() {
                    0 => 0x00FF_FFFF,
                    1 => 0x7FFF_FFFF,
                    _ => self.u32() & 0x7FFF_FFFF,
                };
                let time = Duration::from_millis(time.into());
                if kind == 1 { Stop::at(time) } else { Stop::after(time) }
            }
            1 => Stop::at(self.time()),
            _ => Stop::after(self.time()),
        }
    }

    fn accel(&mut self) -> Option<Accel> {
        self.flag().then(|| {
            Accel::new(self.number(), self.number())
                .with_link_bandwidth(self.flag().then(|| self.number()))
        })
    }

    fn rate(&mut self) -> Rate {
        if self.wide {
            return Rate::new(f64::from(self.u16()) / 6553.5 - 5.0).unwrap_or(Rate::NORMAL);
        }
        // 0 is normal speed; the others are fast, slow and backwards.
        let quarters = f64::from(self.byte() % 40) - 20.0;
        if quarters == -20.0 {
            Rate::NORMAL
        } else {
            Rate::new(quarters / 4.0).unwrap_or(Rate::NORMAL)
        }
    }

    pub(super) fn play_request(&mut self) -> PlayRequest {
        let mut request = PlayRequest::select(self.selections());
        (request.start, request.stop) = (self.start(), self.stop());
        (request.rate, request.accel) = (self.rate(), self.accel());
        request
    }

    /// Content with a header of up to 4 KiB in pieces of at least 16 bytes.
    pub(super) fn content(&mut self) -> Content {
        let length = usize::from(self.u16() % 4096).saturating_add(1);
        let packet_size = u32::from(self.u16() % 2048).saturating_add(16);
        let (bit_rate, count, attributes) = (self.number(), self.number(), self.byte());
        content(length, packet_size)
            .with_bit_rate(bit_rate.saturating_mul(1000))
            .with_packet_count(count.into())
            .with_features(FileAttributes(u32::from(attributes) << 23).into())
    }

    pub(super) fn redirect(&mut self) -> Redirect {
        match self.byte() % 3 {
            // A place too long to say, or nearly.
            kind if self.wide && self.byte() < 26 => {
                let long = "x".repeat(usize::from(self.byte() % 16).saturating_add(32_760));
                if kind == 0 { Redirect::Url(long) } else { Redirect::Proxy(Some(long)) }
            }
            0 if self.wide => Redirect::Url(self.text()),
            0 => Redirect::Url(format!("mms://{}", self.text())),
            1 => Redirect::Proxy(None),
            _ => Redirect::Proxy(Some(self.text())),
        }
    }

    pub(super) fn challenge(&mut self) -> ServerChallenge {
        if self.flag() {
            ServerChallenge::Ntlm { token: self.blob() }
        } else {
            ServerChallenge::Basic { realm: self.text() }
        }
    }
}

/// Content with a header of so many bytes.
pub(super) fn content(length: usize, packet_size: u32) -> Content {
    let mut header: Vec<u8> = (0..=u8::MAX).collect::<Vec<u8>>().repeat(length.div_ceil(256));
    header.truncate(length);
    match Content::new(header.into()).and_then(|content| content.with_packet_size(packet_size)) {
        Ok(content) => content,
        Err(error) => unreachable!("{error}"),
    }
}
