//! Headers without anything to put up with.

use bytes::Bytes;

use super::Header;
use crate::objects::AnyBody;
use crate::{Deviation, Error, guid};

impl Header {
    /// [`Header::parse`] for headers that do nothing wrong: the first [`Deviation`] is an
    /// [`Error::Deviates`], and so is an object of a known kind, on either level, that cannot be
    /// read as its type ([`Deviation::Unreadable`]).
    ///
    /// `bytes` are the header alone, as long as [`Header::declared_len`] says. Sizes and counts are
    /// not compared with the packets, which are not there; a [`StreamParser`](crate::StreamParser)
    /// does that.
    ///
    /// ```
    /// # use mms_asf::testing::{self, TestStream};
    /// use mms_asf::{Deviation, Error, Header};
    ///
    /// # let bytes = testing::header(256, 1, &[TestStream::Audio(1)]);
    /// assert!(Header::parse_strict(&bytes).is_ok());
    ///
    /// // The Header Object declares four children and has three.
    /// let mut wrong = bytes.to_vec();
    /// wrong[24] = 4;
    /// let wrong = wrong.into();
    /// assert!(Header::parse(&wrong).is_ok());
    /// assert_eq!(
    ///     Header::parse_strict(&wrong),
    ///     Err(Error::Deviates(Deviation::ChildCount { declared: 4, found: 3 }))
    /// );
    /// # Ok::<(), Error>(())
    /// ```
    ///
    /// Fails as [`Header::parse`] does besides.
    pub fn parse_strict(bytes: &Bytes) -> Result<Self, Error> {
        let header = Self::parse(bytes)?;
        match header.deviations().first().cloned().or_else(|| header.unreadable()) {
            Some(deviation) => Err(Error::Deviates(deviation)),
            None => Ok(header),
        }
    }

    /// An object that is of no consequence for the packets, and so is not read by
    /// [`Header::parse`].
    fn unreadable(&self) -> Option<Deviation> {
        let mut objects = self.objects.iter().chain(&self.extension);
        let object = objects.find(|object| match AnyBody::decode(object) {
            Err(_) => true,
            Ok(AnyBody::ExtendedStreamProperties(extended)) => {
                matches!(extended.stream(), Some(Err(_)))
            }
            Ok(_) => false,
        })?;
        let what = guid::name(object.id).unwrap_or("object");
        Some(Deviation::Unreadable { what, offset: object.offset as u64 })
    }
}
