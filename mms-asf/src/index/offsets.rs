//! Index, Media Object Index and Timecode Index: offsets into the data for several streams.

use std::time::Duration;

use bytes::{Bytes, BytesMut};

use super::limit;
use super::table::{Shape, Table, TableWriter};
use crate::objects::{IndexKind, IndexSpecifier};
use crate::{Error, guid};

const INDEX: Shape = Shape { id: guid::INDEX, what: "Index Object", timecodes: false };
const MEDIA_OBJECT: Shape =
    Shape { id: guid::MEDIA_OBJECT_INDEX, what: "Media Object Index Object", timecodes: false };
const TIMECODE: Shape =
    Shape { id: guid::TIMECODE_INDEX, what: "Timecode Index Object", timecodes: true };

/// Places in the data by time, for any streams (section 6.2 of the ASF specification).
///
/// Entry `n` belongs to the presentation time `n` times [`interval`](Self::interval), preroll
/// included. A target is an offset in bytes from the start of the first packet. Targets are what
/// the file says: they may lie outside the data or within a packet.
#[doc(alias = "Index Object")]
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Index {
    table: Table,
}

impl Index {
    /// An index with these columns; each entry has one target for each of them.
    ///
    /// Fails when the interval, in milliseconds, does not fit 32 bits, when there are more than
    /// 65,535 columns, when an entry has another number of targets, and when there are entries but
    /// no columns.
    pub fn new<T: AsRef<[Option<u64>]>>(
        interval: Duration,
        specifiers: &[IndexSpecifier],
        entries: impl IntoIterator<Item = T>,
    ) -> Result<Self, Error> {
        let millis = u64::try_from(interval.as_millis()).unwrap_or(u64::MAX);
        let first = u32::try_from(millis)
            .map_err(|_| limit("interval of an index in milliseconds", millis, u32::MAX.into()))?;
        plain(INDEX, first, specifiers, entries).map(|table| Self { table })
    }

    /// The time from one entry to the next; 1 second in practice.
    #[doc(alias = "Index Entry Time Interval")]
    pub fn interval(&self) -> Duration {
        Duration::from_millis(self.table.first.into())
    }

    /// The columns.
    pub fn specifiers(&self) -> impl Iterator<Item = IndexSpecifier> + '_ {
        self.table.specifiers()
    }

    /// The column of this kind for a stream, counted from 0.
    pub fn column(&self, stream: u8, kind: IndexKind) -> Option<usize> {
        column(&self.table, stream, kind)
    }

    /// How many entries there are in all blocks together.
    pub fn len(&self) -> u64 {
        self.table.rows()
    }

    /// Whether there are no entries.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The target of a column in entry `entry`, both counted from 0; `None` where the index has
    /// none.
    pub fn target(&self, column: usize, entry: u64) -> Option<u64> {
        self.table.target(column, entry)
    }

    /// The number of the entry for a presentation time, preroll included: the last one behind the
    /// end of the index. `None` without entries or with an interval of 0.
    pub fn position(&self, time: Duration) -> Option<u64> {
        let last = self.len().checked_sub(1)?;
        let number = time.as_millis().checked_div(u128::from(self.table.first))?;
        Some(u64::try_from(number).unwrap_or(u64::MAX).min(last))
    }

    /// Appends the whole object with its identifier and size.
    pub fn write(&self, out: &mut BytesMut) {
        self.table.write(out);
    }

    /// The targets of one column in the order of entries.
    pub(crate) fn column_targets(&self, column: usize) -> impl Iterator<Item = Option<u64>> + '_ {
        self.table.column(column)
    }

    /// The targets of all columns and entries.
    pub(crate) fn targets(&self) -> impl Iterator<Item = u64> + '_ {
        self.table.targets()
    }

    pub(super) fn parse(object: &Bytes) -> Result<Self, Error> {
        Table::parse(object, INDEX).map(|table| Self { table })
    }
}

/// Places in the data by media object, for any streams (section 6.3 of the ASF specification).
///
/// Entry `n` belongs to media object `n` times [`interval`](Self::interval) of each stream,
/// counted from 0 at the start of the file. Targets are those of [`Index`].
#[doc(alias = "Media Object Index Object")]
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MediaObjectIndex {
    table: Table,
}

impl MediaObjectIndex {
    /// An index with these columns; each entry has one target for each of them.
    ///
    /// Fails when there are more than 65,535 columns, when an entry has another number of targets,
    /// and when there are entries but no columns.
    pub fn new<T: AsRef<[Option<u64>]>>(
        interval: u32,
        specifiers: &[IndexSpecifier],
        entries: impl IntoIterator<Item = T>,
    ) -> Result<Self, Error> {
        plain(MEDIA_OBJECT, interval, specifiers, entries).map(|table| Self { table })
    }

    /// The media objects from one entry to the next; 1 in practice.
    #[doc(alias = "Index Entry Count Interval")]
    pub fn interval(&self) -> u32 {
        self.table.first
    }

    /// The columns.
    pub fn specifiers(&self) -> impl Iterator<Item = IndexSpecifier> + '_ {
        self.table.specifiers()
    }

    /// The column of this kind for a stream, counted from 0.
    pub fn column(&self, stream: u8, kind: IndexKind) -> Option<usize> {
        column(&self.table, stream, kind)
    }

    /// How many entries there are in all blocks together.
    pub fn len(&self) -> u64 {
        self.table.rows()
    }

    /// Whether there are no entries.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The target of a column in entry `entry`, both counted from 0; `None` where the index has
    /// none.
    pub fn target(&self, column: usize, entry: u64) -> Option<u64> {
        self.table.target(column, entry)
    }

    /// The number of the entry for a media object; `None` behind the end of the index, and with an
    /// interval of 0.
    pub fn position(&self, object: u64) -> Option<u64> {
        let number = object.checked_div(self.table.first.into())?;
        (number < self.len()).then_some(number)
    }

    /// Appends the whole object with its identifier and size.
    pub fn write(&self, out: &mut BytesMut) {
        self.table.write(out);
    }

    pub(super) fn parse(object: &Bytes) -> Result<Self, Error> {
        Table::parse(object, MEDIA_OBJECT).map(|table| Self { table })
    }
}

/// Places in the data by timecode, for any streams (section 6.4 of the ASF specification).
///
/// A timecode is hours, minutes, seconds and frames in eight decimal digits of four bits each, and
/// belongs to a range: sources restart theirs. Targets are those of [`Index`].
#[doc(alias = "Timecode Index Object")]
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TimecodeIndex {
    table: Table,
}

impl TimecodeIndex {
    /// An index with these columns. Each entry is a range, a timecode and one target for each
    /// column.
    ///
    /// Fails when there are more than 65,535 columns, and when an entry has another number of
    /// targets.
    pub fn new<T: AsRef<[Option<u64>]>>(
        specifiers: &[IndexSpecifier],
        entries: impl IntoIterator<Item = (u16, u32, T)>,
    ) -> Result<Self, Error> {
        let mut writer = TableWriter::new(TIMECODE, 0, specifiers)?;
        for (range, timecode, targets) in entries {
            writer.push(range, timecode, targets.as_ref())?;
        }
        Ok(Self { table: writer.finish() })
    }

    /// The columns.
    pub fn specifiers(&self) -> impl Iterator<Item = IndexSpecifier> + '_ {
        self.table.specifiers()
    }

    /// The column of this kind for a stream, counted from 0.
    pub fn column(&self, stream: u8, kind: IndexKind) -> Option<usize> {
        column(&self.table, stream, kind)
    }

    /// How many entries there are in all blocks together.
    pub fn len(&self) -> u64 {
        self.table.rows()
    }

    /// Whether there are no entries.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Range and timecode of all entries in order.
    pub fn timecodes(&self) -> impl Iterator<Item = (u16, u32)> + '_ {
        self.table.blocks().flat_map(|block| {
            (0..u64::from(block.rows))
                .map_while(move |row| block.timecode(row).map(|timecode| (block.range, timecode)))
        })
    }

    /// The target of a column in entry `entry`, both counted from 0; `None` where the index has
    /// none.
    pub fn target(&self, column: usize, entry: u64) -> Option<u64> {
        self.table.target(column, entry)
    }

    /// The number of the last entry of the range whose timecode is at most `timecode`.
    pub fn position(&self, range: u16, timecode: u32) -> Option<u64> {
        let numbered = (0_u64..).zip(self.timecodes());
        numbered
            .filter(|(_, (in_range, code))| *in_range == range && *code <= timecode)
            .max_by_key(|(_, (_, code))| *code)
            .map(|(number, _)| number)
    }

    /// Appends the whole object with its identifier and size.
    pub fn write(&self, out: &mut BytesMut) {
        self.table.write(out);
    }

    pub(super) fn parse(object: &Bytes) -> Result<Self, Error> {
        Table::parse(object, TIMECODE).map(|table| Self { table })
    }
}

fn plain<T: AsRef<[Option<u64>]>>(
    shape: Shape,
    first: u32,
    specifiers: &[IndexSpecifier],
    entries: impl IntoIterator<Item = T>,
) -> Result<Table, Error> {
    let mut writer = TableWriter::new(shape, first, specifiers)?;
    for targets in entries {
        writer.push(0, 0, targets.as_ref())?;
    }
    Ok(writer.finish())
}

fn column(table: &Table, stream: u8, kind: IndexKind) -> Option<usize> {
    let wanted = IndexSpecifier { stream: stream.into(), kind };
    table.specifiers().position(|specifier| specifier == wanted)
}
