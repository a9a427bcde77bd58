//! The objects of the header as types: one file a subject, reading beside writing (sections 3 and 4
//! of the ASF specification).
//!
//! ```
//! use mms_asf::objects::{Body, ContentDescription};
//!
//! let mut description = ContentDescription::default();
//! description.title = "Ein Lied".into();
//! let object = description.encode()?;
//! assert_eq!(object.name(), Some("Content Description Object"));
//! assert_eq!(ContentDescription::decode(&object)?, description);
//! # Ok::<(), mms_asf::Error>(())
//! ```
//!
//! A type keeps what carries meaning, and what a file must not lose when it is edited (terminators,
//! unknown flag bits). What an untouched object holds besides, such as bytes behind its fields,
//! stays with it: only objects that are changed are written from their types.

mod advanced_encryption;
mod codec_list;
mod compatibility;
mod content_branding;
mod content_description;
mod encryption;
mod error_correction;
mod exclusion;
mod extended_content_description;
mod extended_stream;
mod file_properties;
mod index_parameters;
mod language_list;
mod markers;
mod metadata;
mod padding;
mod picture;
mod priority;
mod script_commands;
mod stream_bitrates;
mod stream_properties;
mod value;

pub use self::advanced_encryption::{AdvancedContentEncryption, EncryptedObject, EncryptionRecord};
pub use self::codec_list::{CodecEntry, CodecKind, CodecList};
pub use self::compatibility::Compatibility;
pub use self::content_branding::{BannerKind, ContentBranding};
pub use self::content_description::ContentDescription;
pub use self::encryption::{ContentEncryption, DigitalSignature, ExtendedContentEncryption};
pub use self::error_correction::ErrorCorrection;
pub use self::exclusion::{AdvancedMutualExclusion, BitrateMutualExclusion, GroupMutualExclusion};
pub use self::extended_content_description::{Descriptor, ExtendedContentDescription};
pub use self::extended_stream::{
    ExtendedStreamProperties, ExtensionSystem, LeakyBucket, StreamName,
};
pub use self::file_properties::FileProperties;
pub use self::index_parameters::{
    IndexKind, IndexParameters, IndexSpecifier, MediaObjectIndexParameters, TimecodeIndexParameters,
};
pub use self::language_list::LanguageList;
pub use self::markers::{Marker, Markers};
pub use self::metadata::{Metadata, MetadataLibrary, MetadataRecord};
pub use self::padding::Padding;
pub use self::picture::Picture;
pub use self::priority::{BandwidthSharing, StreamPrioritization, StreamPriority};
pub use self::script_commands::{ScriptCommand, ScriptCommands};
pub use self::stream_bitrates::{StreamBitrate, StreamBitrates};
pub use self::stream_properties::StreamProperties;
pub use self::value::Value;

use uuid::Uuid;

use crate::Error;
use crate::cursor::Cursor;
use crate::fields::Fields;
use crate::object::Object;

/// A type for the body of one kind of object. Only this crate has such types.
pub trait Body: Sized {
    /// The identifier of the objects that it is the body of.
    const ID: Uuid;

    /// Reads the object, whose identifier is not looked at. Bytes behind the last field are left
    /// out.
    ///
    /// Fails when the fields contradict each other or the object's size; offsets in the error count
    /// from where the object's own offset counts.
    fn decode(object: &Object) -> Result<Self, Error>;

    /// The object, at offset 0.
    ///
    /// Fails when something is longer than the field for its length can say.
    fn encode(&self) -> Result<Object, Error>;
}

/// What a type knows about its fields.
pub(crate) trait Layout: Sized {
    const ID: Uuid;
    /// The object's name, for errors.
    const NAME: &'static str;

    /// Reads what follows identifier and size. `object` is for fields that are kept as slices.
    fn parse(cursor: &mut Cursor<'_>, object: &Object) -> Result<Self, Error>;

    /// Writes the same fields in the same order.
    fn put(&self, out: &mut Fields);
}

impl<T: Layout> Body for T {
    const ID: Uuid = T::ID;

    fn decode(object: &Object) -> Result<Self, Error> {
        T::parse(&mut object.cursor(T::NAME), object)
    }

    fn encode(&self) -> Result<Object, Error> {
        let mut fields = Fields::object(T::ID);
        self.put(&mut fields);
        fields.finish(T::ID)
    }
}

/// A number of entries in a 32-bit field, at most what other objects can say in their 16 bits: an
/// entry takes several times as much memory as its smallest form takes in the file.
fn count32(cursor: &mut Cursor<'_>, what: &'static str) -> Result<u16, Error> {
    let value = cursor.u32("a number of entries")?;
    let limit = u16::MAX.into();
    u16::try_from(value).map_err(|_| Error::Limit { what, value: value.into(), limit })
}

/// Writes what [`count32`] reads.
fn put_count32(out: &mut Fields, what: &'static str, count: usize) {
    out.len16(what, count);
    out.u16(0);
}

/// Hands all objects that have a type to a macro.
#[cfg_attr(feature = "_testing", macro_export)]
#[doc(hidden)]
macro_rules! every_body {
    ($then:ident) => {
        $then! {
            AdvancedContentEncryption,
            AdvancedMutualExclusion,
            BandwidthSharing,
            BitrateMutualExclusion,
            CodecList,
            Compatibility,
            ContentBranding,
            ContentDescription,
            ContentEncryption,
            DigitalSignature,
            ErrorCorrection,
            ExtendedContentDescription,
            ExtendedContentEncryption,
            ExtendedStreamProperties,
            FileProperties,
            GroupMutualExclusion,
            IndexParameters,
            LanguageList,
            Markers,
            MediaObjectIndexParameters,
            Metadata,
            MetadataLibrary,
            Padding,
            ScriptCommands,
            StreamBitrates,
            StreamPrioritization,
            StreamProperties,
            TimecodeIndexParameters,
        }
    };
}

macro_rules! bodies {
    ($($name:ident,)+) => {
        /// The body of an object, by its identifier.
        #[derive(Debug, Clone, PartialEq, Eq)]
        #[non_exhaustive]
        pub enum AnyBody {
            $(#[doc = concat!("See [`", stringify!($name), "`].")] $name($name),)+
            /// An object that this crate has no type for.
            Unknown(Object),
        }

        impl AnyBody {
            /// Reads the object as what its identifier says.
            ///
            /// Fails as [`Body::decode`] does.
            pub fn decode(object: &Object) -> Result<Self, Error> {
                Ok(match object.id {
                    $(<$name as Layout>::ID => Self::$name($name::decode(object)?),)+
                    _ => Self::Unknown(object.clone()),
                })
            }

            /// Where the fields of the object end, in bytes from its start; `None` for an object
            /// that cannot be read, or that there is no type for.
            pub(crate) fn fields_end(object: &Object) -> Option<usize> {
                let mut cursor = object.cursor("object");
                match object.id {
                    $(<$name as Layout>::ID => {
                        $name::parse(&mut cursor, object).ok()?;
                    })+
                    _ => return None,
                }
                Some(cursor.offset().saturating_sub(object.offset))
            }

            /// The object; an unknown one as it was.
            ///
            /// Fails as [`Body::encode`] does.
            pub fn encode(&self) -> Result<Object, Error> {
                match self {
                    $(Self::$name(body) => body.encode(),)+
                    Self::Unknown(object) => Ok(object.clone()),
                }
            }
        }

        $(impl From<$name> for AnyBody {
            fn from(body: $name) -> Self {
                Self::$name(body)
            }
        })+
    };
}

every_body!(bodies);
