//! `fileAttributes`, MS-MMSP 2.2.4.7.

use std::fmt;

use crate::features::Features;

/// `fileAttributes` as they are on the wire, MS-MMSP 2.2.4.7. Unknown bits are kept.
#[doc(alias = "fileAttributes")]
#[derive(Clone, Copy, PartialEq, Eq, Default, Hash)]
pub struct FileAttributes(pub u32);

impl FileAttributes {
    /// Fast forward and rewind are possible.
    #[doc(alias = "FILE_ATTRIBUTE_MMS_CANSTRIDE")]
    pub const CAN_STRIDE: Self = Self(0x0080_0000);
    /// Any position can be asked for.
    #[doc(alias = "FILE_ATTRIBUTE_MMS_CANSEEK")]
    pub const CAN_SEEK: Self = Self(0x0100_0000);
    /// Nobody can choose a position: a broadcast.
    #[doc(alias = "FILE_ATTRIBUTE_MMS_BROADCAST")]
    pub const BROADCAST: Self = Self(0x0200_0000);
    /// The content is made while it is sent.
    #[doc(alias = "FILE_ATTRIBUTE_MMS_LIVE")]
    pub const LIVE: Self = Self(0x0400_0000);
    /// A server-side playlist of several entries.
    #[doc(alias = "FILE_ATTRIBUTE_MMS_PLAYLIST")]
    pub const PLAYLIST: Self = Self(0x4000_0000);

    /// True when all bits of `other` are set.
    #[must_use]
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// Live content as a broadcast and nothing else that is live.
    pub(crate) const fn live_as_broadcast(self) -> Self {
        let live = self.0 & (Self::BROADCAST.0 | Self::LIVE.0) != 0;
        if live { Self(self.0 & !Self::LIVE.0 | Self::BROADCAST.0) } else { self }
    }
}

impl std::ops::BitOr for FileAttributes {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl fmt::Debug for FileAttributes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = [
            (Self::CAN_STRIDE, "CAN_STRIDE"),
            (Self::CAN_SEEK, "CAN_SEEK"),
            (Self::BROADCAST, "BROADCAST"),
            (Self::LIVE, "LIVE"),
            (Self::PLAYLIST, "PLAYLIST"),
        ];
        write!(f, "0x{:08X}", self.0)?;
        for (_, name) in names.iter().filter(|(bit, _)| self.contains(*bit)) {
            write!(f, " {name}")?;
        }
        Ok(())
    }
}

/// The bit of each feature.
const BITS: [(FileAttributes, Features); 5] = [
    (FileAttributes::CAN_STRIDE, Features::STRIDABLE),
    (FileAttributes::CAN_SEEK, Features::SEEKABLE),
    (FileAttributes::BROADCAST, Features::BROADCAST),
    (FileAttributes::LIVE, Features::LIVE),
    (FileAttributes::PLAYLIST, Features::PLAYLIST),
];

impl From<FileAttributes> for Features {
    fn from(attributes: FileAttributes) -> Self {
        let set = BITS.iter().filter(|(bit, _)| attributes.contains(*bit));
        set.fold(Self::default(), |all, (_, feature)| all | *feature)
    }
}

impl From<Features> for FileAttributes {
    fn from(features: Features) -> Self {
        let set = BITS.iter().filter(|(_, feature)| features.contains(*feature));
        set.fold(Self::default(), |all, (bit, _)| all | *bit)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_feature_has_its_bit() {
        for (bits, feature) in [
            (0x0080_0000, Features::STRIDABLE),
            (0x0100_0000, Features::SEEKABLE),
            (0x0200_0000, Features::BROADCAST),
            (0x0400_0000, Features::LIVE),
            (0x4000_0000, Features::PLAYLIST),
        ] {
            assert_eq!(FileAttributes::from(feature), FileAttributes(bits));
            assert_eq!(Features::from(FileAttributes(bits | 1)), feature);
        }
        assert_eq!(Features::from(FileAttributes(0x3800_FFFF)), Features::default());
    }
}
