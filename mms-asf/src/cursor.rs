//! A position in bytes, with errors that say what was being read and where.

use bytes::Bytes;
use nom::Parser;
use nom::bytes::complete::take;
use uuid::Uuid;

use crate::{Error, Text};

type NomError<'a> = nom::error::Error<&'a [u8]>;

/// Reads little-endian fields one after the other. `what` names the structure for errors.
#[derive(Debug, Clone)]
pub(crate) struct Cursor<'a> {
    rest: &'a [u8],
    offset: usize,
    what: &'static str,
}

impl<'a> Cursor<'a> {
    /// `offset` is where `bytes` start, for [`Cursor::offset`] and for errors.
    #[inline]
    pub(crate) fn new(bytes: &'a [u8], offset: usize, what: &'static str) -> Self {
        Self { rest: bytes, offset, what }
    }

    #[inline]
    pub(crate) fn offset(&self) -> usize {
        self.offset
    }

    #[inline]
    pub(crate) fn rest(&self) -> &'a [u8] {
        self.rest
    }

    #[cold]
    pub(crate) fn malformed(&self, expected: &'static str) -> Error {
        Error::Malformed { what: self.what, offset: self.offset as u64, expected }
    }

    #[inline]
    pub(crate) fn u8(&mut self, expected: &'static str) -> Result<u8, Error> {
        self.array(expected).map(u8::from_le_bytes)
    }

    #[inline]
    pub(crate) fn u16(&mut self, expected: &'static str) -> Result<u16, Error> {
        self.array(expected).map(u16::from_le_bytes)
    }

    #[inline]
    pub(crate) fn u32(&mut self, expected: &'static str) -> Result<u32, Error> {
        self.array(expected).map(u32::from_le_bytes)
    }

    #[inline]
    pub(crate) fn u64(&mut self, expected: &'static str) -> Result<u64, Error> {
        self.array(expected).map(u64::from_le_bytes)
    }

    pub(crate) fn guid(&mut self, expected: &'static str) -> Result<Uuid, Error> {
        let parser = take(16_usize).map(|bytes: &[u8]| Uuid::from_slice_le(bytes));
        self.run(parser, expected)?.map_err(|_| self.malformed(expected))
    }

    #[inline]
    pub(crate) fn take(&mut self, len: usize, expected: &'static str) -> Result<&'a [u8], Error> {
        let (taken, rest) =
            self.rest.split_at_checked(len).ok_or_else(|| self.malformed(expected))?;
        self.offset = self.offset.saturating_add(len);
        self.rest = rest;
        Ok(taken)
    }

    /// The next `len` bytes, as a slice of `source`, which the cursor reads a part of.
    pub(crate) fn bytes(
        &mut self,
        len: usize,
        source: &Bytes,
        expected: &'static str,
    ) -> Result<Bytes, Error> {
        Ok(source.slice_ref(self.take(len, expected)?))
    }

    /// Text of `len` bytes, as a slice of `source`, which the cursor reads a part of.
    pub(crate) fn text(
        &mut self,
        len: usize,
        source: &Bytes,
        expected: &'static str,
    ) -> Result<Text, Error> {
        self.bytes(len, source, expected).map(Text::from_bytes)
    }

    /// 16-bit units up to the first zero, and that zero.
    pub(crate) fn terminated(&mut self, expected: &'static str) -> Result<&'a [u8], Error> {
        let zero = self.rest.chunks_exact(2).position(|unit| unit == [0, 0]);
        let len = zero.map(|at| at.saturating_add(1).saturating_mul(2));
        self.take(len.ok_or_else(|| self.malformed(expected))?, expected)
    }

    /// A field whose width is given by a two-bit code: absent (0), one, two or four bytes.
    #[inline]
    pub(crate) fn coded(&mut self, code: u8, expected: &'static str) -> Result<u32, Error> {
        match code & 3 {
            0 => Ok(0),
            1 => self.u8(expected).map(u32::from),
            2 => self.u16(expected).map(u32::from),
            _ => self.u32(expected),
        }
    }

    /// Not by the parsers of nom, which are not inlined: a packet's fields are read in half the
    /// time.
    #[inline]
    fn array<const N: usize>(&mut self, expected: &'static str) -> Result<[u8; N], Error> {
        let (array, rest) =
            self.rest.split_first_chunk().ok_or_else(|| self.malformed(expected))?;
        self.offset = self.offset.saturating_add(N);
        self.rest = rest;
        Ok(*array)
    }

    #[inline]
    fn run<O>(
        &mut self,
        mut parser: impl Parser<&'a [u8], Output = O, Error = NomError<'a>>,
        expected: &'static str,
    ) -> Result<O, Error> {
        let (rest, value) = parser.parse(self.rest).map_err(|_| self.malformed(expected))?;
        self.offset = self.offset.saturating_add(self.rest.len().saturating_sub(rest.len()));
        self.rest = rest;
        Ok(value)
    }
}
