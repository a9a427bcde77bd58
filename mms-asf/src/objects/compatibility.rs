//! Compatibility Object, 4.12 of the specification.

use uuid::Uuid;

use super::Layout;
use crate::cursor::Cursor;
use crate::fields::Fields;
use crate::object::Object;
use crate::{Error, guid};

/// What the file was made for; 2 and 1 in every file that has it (section 4.12 of the ASF
/// specification).
#[doc(alias = "Compatibility Object")]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Compatibility {
    /// The profile.
    pub profile: u8,
    /// The mode.
    pub mode: u8,
}

impl Compatibility {
    /// This profile and mode.
    pub fn new(profile: u8, mode: u8) -> Self {
        Self { profile, mode }
    }
}

impl Layout for Compatibility {
    const ID: Uuid = guid::COMPATIBILITY;
    const NAME: &'static str = "Compatibility Object";

    fn parse(cursor: &mut Cursor<'_>, _: &Object) -> Result<Self, Error> {
        Ok(Self { profile: cursor.u8("a profile")?, mode: cursor.u8("a mode")? })
    }

    fn put(&self, out: &mut Fields) {
        out.slice(&[self.profile, self.mode]);
    }
}
