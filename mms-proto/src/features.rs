//! What a player can do with content.

use std::fmt;

/// What a player can do with content, as the server announces it.
#[derive(Clone, Copy, PartialEq, Eq, Default, Hash)]
pub struct Features(u16);

impl Features {
    /// Fast forward and rewind are possible.
    pub const STRIDABLE: Self = Self(1);
    /// Any position can be asked for.
    pub const SEEKABLE: Self = Self(1 << 1);
    /// Nobody can choose a position: a broadcast.
    pub const BROADCAST: Self = Self(1 << 2);
    /// The content is made while it is sent.
    pub const LIVE: Self = Self(1 << 3);
    /// A server-side playlist of several entries.
    pub const PLAYLIST: Self = Self(1 << 4);

    /// True when all features of `other` are there.
    #[must_use]
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// True when positions mean nothing: broadcast or live.
    #[must_use]
    pub const fn is_live(self) -> bool {
        self.0 & (Self::BROADCAST.0 | Self::LIVE.0) != 0
    }
}

impl std::ops::BitOr for Features {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl std::ops::BitOrAssign for Features {
    fn bitor_assign(&mut self, other: Self) {
        *self = *self | other;
    }
}

impl fmt::Debug for Features {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = [
            (Self::STRIDABLE, "STRIDABLE"),
            (Self::SEEKABLE, "SEEKABLE"),
            (Self::BROADCAST, "BROADCAST"),
            (Self::LIVE, "LIVE"),
            (Self::PLAYLIST, "PLAYLIST"),
        ];
        f.write_str("Features(")?;
        let set = names.iter().filter(|(feature, _)| self.contains(*feature));
        for (number, (_, name)) in set.enumerate() {
            write!(f, "{}{name}", if number == 0 { "" } else { " | " })?;
        }
        f.write_str(")")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn features_have_names() {
        assert_eq!(format!("{:?}", Features::default()), "Features()");
        let both = Features::SEEKABLE | Features::LIVE;
        assert_eq!(format!("{both:?}"), "Features(SEEKABLE | LIVE)");
        assert!(both.is_live() && both.contains(Features::SEEKABLE));
        assert!(!both.contains(Features::SEEKABLE | Features::PLAYLIST));
    }
}
