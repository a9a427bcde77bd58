//! The layout that three index objects share: columns, and blocks of rows of offsets.

use bytes::{BufMut, Bytes, BytesMut};
use uuid::Uuid;

use super::{body, limit, put_head};
use crate::Error;
use crate::cursor::Cursor;
use crate::objects::IndexSpecifier;

/// The offset of a row without a target.
const NONE: u32 = u32::MAX;

/// How a table differs from the others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Shape {
    pub(super) id: Uuid,
    pub(super) what: &'static str,
    /// Blocks have a timecode range, and rows have a timecode.
    pub(super) timecodes: bool,
}

impl Shape {
    /// The bytes of a row in front of its offsets.
    fn prefix(self) -> usize {
        if self.timecodes { 4 } else { 0 }
    }
}

/// An index in the bytes it was read from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Table {
    shape: Shape,
    /// The interval, or a reserved field in a table with timecodes.
    pub(super) first: u32,
    specifiers: Bytes,
    block_count: u32,
    blocks: Bytes,
    trailing: Bytes,
}

/// Rows whose offsets count from the same positions.
#[derive(Debug, Clone, Copy)]
pub(super) struct Block<'a> {
    shape: Shape,
    pub(super) range: u16,
    pub(super) rows: u32,
    columns: usize,
    positions: &'a [u8],
    bytes: &'a [u8],
}

impl Table {
    pub(super) fn parse(object: &Bytes, shape: Shape) -> Result<Self, Error> {
        let mut cursor = body(object, shape.what);
        let first = cursor.u32("an interval or reserved field")?;
        let columns = usize::from(cursor.u16("a number of specifiers")?);
        let block_count = cursor.u32("a number of blocks")?;
        let len = columns.saturating_mul(IndexSpecifier::LEN);
        let specifiers = object.slice_ref(cursor.take(len, "index specifiers")?);
        let start = cursor.clone();
        for _ in 0..block_count {
            Block::parse(&mut cursor, shape, columns)?;
        }
        let len = start.rest().len().saturating_sub(cursor.rest().len());
        let blocks = object.slice_ref(start.rest().get(..len).unwrap_or_default());
        let trailing = object.slice_ref(cursor.rest());
        Ok(Self { shape, first, specifiers, block_count, blocks, trailing })
    }

    pub(super) fn write(&self, out: &mut BytesMut) {
        let parts = [&self.specifiers, &self.blocks, &self.trailing];
        let len = parts.iter().fold(10_usize, |len, part| len.saturating_add(part.len()));
        put_head(out, self.shape.id, len);
        out.put_u32_le(self.first);
        out.put_u16_le(u16::try_from(self.columns()).unwrap_or(u16::MAX));
        out.put_u32_le(self.block_count);
        for part in parts {
            out.put_slice(part);
        }
    }

    fn columns(&self) -> usize {
        self.specifiers.len() / IndexSpecifier::LEN
    }

    pub(super) fn specifiers(&self) -> impl Iterator<Item = IndexSpecifier> + '_ {
        self.specifiers
            .chunks_exact(IndexSpecifier::LEN)
            .filter_map(|chunk| chunk.first_chunk().map(|bytes| IndexSpecifier::read(*bytes)))
    }

    pub(super) fn blocks(&self) -> impl Iterator<Item = Block<'_>> {
        let mut cursor = Cursor::new(&self.blocks, 0, self.shape.what);
        (0..self.block_count)
            .map_while(move |_| Block::parse(&mut cursor, self.shape, self.columns()).ok())
    }

    /// The number of rows in all blocks.
    pub(super) fn rows(&self) -> u64 {
        self.blocks().fold(0, |sum, block| sum.saturating_add(block.rows.into()))
    }

    /// All targets of all columns, in time proportional to the size of the index: to ask for one
    /// after the other would walk over all blocks in front of each.
    pub(super) fn targets(&self) -> impl Iterator<Item = u64> + '_ {
        self.blocks().flat_map(|block| {
            let rows = 0..u64::from(block.rows);
            rows.flat_map(move |row| (0..block.columns).filter_map(move |c| block.target(c, row)))
        })
    }

    /// The targets of one column in the order of rows, in time proportional to the size of the index.
    pub(super) fn column(&self, column: usize) -> impl Iterator<Item = Option<u64>> + '_ {
        self.blocks().flat_map(move |block| {
            (0..u64::from(block.rows)).map(move |row| block.target(column, row))
        })
    }

    /// The target of one column in row `row` of all rows.
    pub(super) fn target(&self, column: usize, row: u64) -> Option<u64> {
        let mut left = row;
        for block in self.blocks() {
            match left.checked_sub(block.rows.into()) {
                Some(behind) => left = behind,
                None => return block.target(column, left),
            }
        }
        None
    }
}

impl<'a> Block<'a> {
    fn parse(cursor: &mut Cursor<'a>, shape: Shape, columns: usize) -> Result<Self, Error> {
        let at_rows = cursor.clone();
        let rows = cursor.u32("a number of entries")?;
        let range = if shape.timecodes { cursor.u16("a timecode range")? } else { 0 };
        let positions = cursor.take(columns.saturating_mul(8), "block positions")?;
        if rows > 0 && row_len(shape, columns) == 0 {
            return Err(at_rows.malformed("no entries without index specifiers"));
        }
        let len = u64::from(rows).saturating_mul(row_len(shape, columns) as u64);
        let len = usize::try_from(len).ok().filter(|&len| len <= cursor.rest().len());
        let Some(len) = len else {
            return Err(at_rows.malformed("no more entries than there are bytes for"));
        };
        let bytes = cursor.take(len, "entries")?;
        Ok(Self { shape, range, rows, columns, positions, bytes })
    }

    /// The timecode of a row of this block.
    pub(super) fn timecode(&self, row: u64) -> Option<u32> {
        let (timecode, _) = self.row(row)?.split_at_checked(self.shape.prefix())?;
        timecode.first_chunk().map(|bytes| u32::from_le_bytes(*bytes))
    }

    /// The target of one column in a row of this block.
    pub(super) fn target(&self, column: usize, row: u64) -> Option<u64> {
        let at = column.checked_mul(4)?.checked_add(self.shape.prefix())?;
        let offset = u32::from_le_bytes(*self.row(row)?.get(at..)?.first_chunk()?);
        let position = self.positions.get(column.checked_mul(8)?..)?.first_chunk()?;
        if offset == NONE {
            return None;
        }
        u64::from_le_bytes(*position).checked_add(offset.into())
    }

    fn row(&self, row: u64) -> Option<&'a [u8]> {
        let len = row_len(self.shape, self.columns);
        let start = usize::try_from(row).ok()?.checked_mul(len)?;
        self.bytes.get(start..start.checked_add(len)?)
    }
}

/// Puts a table together row by row and starts a block whenever 32 bits do not suffice.
#[derive(Debug)]
pub(super) struct TableWriter {
    shape: Shape,
    first: u32,
    specifiers: BytesMut,
    columns: usize,
    block_count: u32,
    blocks: BytesMut,
    positions: Vec<u64>,
    /// Range and number of rows of the open block, and where it starts.
    open: Option<(u16, u32, usize)>,
}

impl TableWriter {
    pub(super) fn new(
        shape: Shape,
        first: u32,
        specifiers: &[IndexSpecifier],
    ) -> Result<Self, Error> {
        let columns = specifiers.len();
        if columns > usize::from(u16::MAX) {
            let most = u64::from(u16::MAX);
            return Err(limit("number of index specifiers", columns as u64, most));
        }
        let mut bytes = BytesMut::new();
        for specifier in specifiers {
            bytes.put_slice(&specifier.bytes());
        }
        Ok(Self {
            shape,
            first,
            specifiers: bytes,
            columns,
            block_count: 0,
            blocks: BytesMut::new(),
            positions: vec![0; columns],
            open: None,
        })
    }

    /// Appends a row with as many targets as there are columns.
    pub(super) fn push(
        &mut self,
        range: u16,
        timecode: u32,
        targets: &[Option<u64>],
    ) -> Result<(), Error> {
        let malformed = |expected| Error::Malformed { what: self.shape.what, offset: 0, expected };
        if row_len(self.shape, self.columns) == 0 {
            return Err(malformed("no entries without index specifiers"));
        }
        if targets.len() != self.columns {
            return Err(malformed("one target for each specifier"));
        }
        let fits = targets.iter().zip(&self.positions).all(|(target, position)| {
            target.is_none_or(|target| offset(target, *position).is_some())
        });
        let full = self.open.is_none_or(|(open, rows, _)| open != range || rows == u32::MAX);
        if full || !fits {
            self.close();
            if !fits {
                for (position, target) in self.positions.iter_mut().zip(targets) {
                    *position = target.unwrap_or(*position);
                }
            }
            let start = self.blocks.len();
            self.block_count = self
                .block_count
                .checked_add(1)
                .ok_or_else(|| limit("number of index blocks", 1 << 32, u32::MAX.into()))?;
            self.blocks.put_u32_le(0);
            if self.shape.timecodes {
                self.blocks.put_u16_le(range);
            }
            for position in &self.positions {
                self.blocks.put_u64_le(*position);
            }
            self.open = Some((range, 0, start));
        }
        if self.shape.timecodes {
            self.blocks.put_u32_le(timecode);
        }
        for (target, position) in targets.iter().zip(&self.positions) {
            let offset = target.and_then(|target| offset(target, *position));
            self.blocks.put_u32_le(offset.unwrap_or(NONE));
        }
        if let Some((_, rows, _)) = &mut self.open {
            *rows = rows.saturating_add(1);
        }
        Ok(())
    }

    pub(super) fn finish(mut self) -> Table {
        self.close();
        Table {
            shape: self.shape,
            first: self.first,
            specifiers: self.specifiers.freeze(),
            block_count: self.block_count,
            blocks: self.blocks.freeze(),
            trailing: Bytes::new(),
        }
    }

    /// Writes the number of rows into the block they are in.
    fn close(&mut self) {
        if let Some((_, rows, start)) = self.open.take() {
            if let Some(field) = self.blocks.get_mut(start..start.saturating_add(4)) {
                field.copy_from_slice(&rows.to_le_bytes());
            }
        }
    }
}

/// Target minus position, where that can be said.
fn offset(target: u64, position: u64) -> Option<u32> {
    let offset = u32::try_from(target.checked_sub(position)?).ok()?;
    (offset != NONE).then_some(offset)
}

fn row_len(shape: Shape, columns: usize) -> usize {
    columns.saturating_mul(4).saturating_add(shape.prefix())
}
