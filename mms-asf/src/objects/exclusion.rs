//! Mutual exclusion, 3.8, 4.2 and 4.3 of the specification: streams of which a player plays one.

use uuid::Uuid;

use super::Layout;
use crate::cursor::Cursor;
use crate::fields::Fields;
use crate::object::Object;
use crate::{Error, guid};

/// Streams that differ in bit rate, of which one is played (section 3.8 of the ASF specification).
/// Understood by old players too.
#[doc(alias = "Bitrate Mutual Exclusion Object")]
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct BitrateMutualExclusion {
    /// In what the streams differ: [`guid::MUTEX_BITRATE`] or another reason.
    pub kind: Uuid,
    /// Their numbers, 1 to 127, at most 65,535.
    pub streams: Vec<u16>,
}

/// Streams that differ in language, bit rate or something else, of which one is played (section 4.2
/// of the ASF specification).
#[doc(alias = "Advanced Mutual Exclusion Object")]
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct AdvancedMutualExclusion {
    /// In what the streams differ, such as [`guid::MUTEX_LANGUAGE`].
    pub kind: Uuid,
    /// Their numbers, 1 to 127, at most 65,535.
    pub streams: Vec<u16>,
}

/// Groups of streams, of which one group is played (section 4.3 of the ASF specification).
#[doc(alias = "Group Mutual Exclusion Object")]
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct GroupMutualExclusion {
    /// In what the groups differ, such as [`guid::MUTEX_LANGUAGE`].
    pub kind: Uuid,
    /// The stream numbers of each group, 1 to 127; at most 65,535 groups of at most 65,535.
    pub groups: Vec<Vec<u16>>,
}

impl BitrateMutualExclusion {
    /// These streams differ in bit rate.
    pub fn new(streams: Vec<u16>) -> Self {
        Self { kind: guid::MUTEX_BITRATE, streams }
    }
}

impl AdvancedMutualExclusion {
    /// These streams differ in this.
    pub fn new(kind: Uuid, streams: Vec<u16>) -> Self {
        Self { kind, streams }
    }
}

impl GroupMutualExclusion {
    /// These groups of streams differ in this.
    pub fn new(kind: Uuid, groups: Vec<Vec<u16>>) -> Self {
        Self { kind, groups }
    }
}

impl Layout for BitrateMutualExclusion {
    const ID: Uuid = guid::BITRATE_MUTUAL_EXCLUSION;
    const NAME: &'static str = "Bitrate Mutual Exclusion Object";

    fn parse(cursor: &mut Cursor<'_>, _: &Object) -> Result<Self, Error> {
        Ok(Self { kind: cursor.guid("an exclusion type")?, streams: streams(cursor)? })
    }

    fn put(&self, out: &mut Fields) {
        out.guid(self.kind);
        put_streams(&self.streams, out);
    }
}

impl Layout for AdvancedMutualExclusion {
    const ID: Uuid = guid::ADVANCED_MUTUAL_EXCLUSION;
    const NAME: &'static str = "Advanced Mutual Exclusion Object";

    fn parse(cursor: &mut Cursor<'_>, _: &Object) -> Result<Self, Error> {
        Ok(Self { kind: cursor.guid("an exclusion type")?, streams: streams(cursor)? })
    }

    fn put(&self, out: &mut Fields) {
        out.guid(self.kind);
        put_streams(&self.streams, out);
    }
}

impl Layout for GroupMutualExclusion {
    const ID: Uuid = guid::GROUP_MUTUAL_EXCLUSION;
    const NAME: &'static str = "Group Mutual Exclusion Object";

    fn parse(cursor: &mut Cursor<'_>, _: &Object) -> Result<Self, Error> {
        let kind = cursor.guid("an exclusion type")?;
        let count = cursor.u16("a number of groups")?;
        let groups = (0..count).map(|_| streams(cursor)).collect::<Result<_, _>>()?;
        Ok(Self { kind, groups })
    }

    fn put(&self, out: &mut Fields) {
        out.guid(self.kind);
        out.len16("the number of groups", self.groups.len());
        for group in &self.groups {
            put_streams(group, out);
        }
    }
}

/// A count and so many stream numbers.
pub(super) fn streams(cursor: &mut Cursor<'_>) -> Result<Vec<u16>, Error> {
    let count = cursor.u16("a number of streams")?;
    (0..count).map(|_| cursor.u16("a stream number")).collect()
}

pub(super) fn put_streams(streams: &[u16], out: &mut Fields) {
    out.len16("the number of streams", streams.len());
    for &stream in streams {
        out.u16(stream);
    }
}
