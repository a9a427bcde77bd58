//! Which message it is. Its constants and names stand with the messages that they belong to.

use std::fmt;

/// Identifies a message: direction in the high half, command in the low half (`MID`).
#[doc(alias = "MID")]
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct MessageId(pub u32);

impl fmt::Debug for MessageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => f.write_str(name),
            None => write!(f, "0x{:08X}", self.0),
        }
    }
}
