//! The header: a Header Object, then the 50 fixed bytes of the Data Object.

mod facts;
mod identity;
mod locate;
mod protection;
mod size;
mod stream;
mod strict;

use std::convert::Infallible;
use std::fmt;

use bytes::{Bytes, BytesMut};

pub(crate) use self::locate::{Located, Wait, locate};
pub use self::protection::Protection;
pub use self::stream::{PayloadExtension, Stream};

use self::facts::Facts;
use crate::cursor::Cursor;
use crate::object::{self, Object};
use crate::objects::{Body, ContentDescription, FileProperties};
use crate::offsets::{self, data};
use crate::walk::Walk;
use crate::{Deviation, Error, Limits, NotAsf, guid};

/// The fixed part of the Data Object, in bytes.
pub(crate) const DATA_HEAD: usize = 50;
/// The Header Object in front of its children, in bytes.
pub(crate) const HEADER_HEAD: usize = 30;
/// What the reserved fields of the Header Object hold.
pub(crate) const RESERVED: [u8; 2] = [1, 2];

/// A header as an MMS server delivers it and as a file starts with it: everything in front of the
/// first packet, which is the Header Object and the beginning of the Data Object (sections 3.1 and
/// 5.1 of the ASF specification). Cloning is cheap.
///
/// ```
/// # use mms_asf::testing::{self, TestStream};
/// # let more = [testing::content_description("Ein Lied", "")];
/// # let file = testing::header_with(256, 1, 2, &[TestStream::Audio(1), TestStream::Video(2)], &more);
/// let header = mms_asf::Header::parse(&file)?;
/// assert_eq!(header.title().as_deref(), Some("Ein Lied"));
/// assert_eq!(header.file().packet_size, 256);
/// for stream in header.streams() {
///     println!("{}: {:?}, {}", stream.number, stream.kind, stream.codec_name());
/// }
/// for deviation in header.deviations() {
///     println!("put up with: {deviation}");
/// }
/// # assert_eq!(header.streams().len(), 2);
/// # Ok::<(), mms_asf::Error>(())
/// ```
#[doc(alias = "Header Object")]
#[derive(Clone, PartialEq, Eq)]
pub struct Header {
    bytes: Bytes,
    objects: Vec<Object>,
    extension: Vec<Object>,
    file: FileProperties,
    file_at: usize,
    data_at: usize,
    streams: Vec<Stream>,
    content: ContentDescription,
    deviations: Vec<Deviation>,
}

impl Header {
    /// Reads a complete Header Object and the 50 fixed bytes of the Data Object after it.
    /// Bytes that follow are reported as [`Deviation::TrailingBytes`] and left out.
    /// [`parse_strict`](Self::parse_strict) refuses what this puts up with.
    ///
    /// Wrong sizes are put up with: an object ends where the next known one starts, and the Data
    /// Object is looked for before and after the end that the Header Object declares
    /// ([`Deviation::ChildSize`], [`Deviation::DataObjectElsewhere`]). A packet size that is not
    /// possible is replaced by one that is ([`Deviation::PacketSize`]).
    ///
    /// Fails when the File Properties Object or the Data Object cannot be found, when no packet size
    /// is possible, and beyond the default [`Limits`].
    pub fn parse(bytes: &Bytes) -> Result<Self, Error> {
        Self::parse_with(bytes, &Limits::default())
    }

    /// [`Header::parse`] with other limits. Fails, too, with [`Error::Limit`] when one of them is
    /// not enough.
    pub fn parse_with(bytes: &Bytes, limits: &Limits) -> Result<Self, Error> {
        let view = |at: usize, count: usize| {
            let rest = bytes.get(at..).unwrap_or_default();
            Ok::<_, Infallible>(rest.get(..count).unwrap_or(rest))
        };
        let located = match locate(view, 0, limits.search_bytes, limits) {
            Ok(located) => located?,
            Err(Wait { wait, .. }) => match wait {},
        };
        let data_at = located.data_at;
        let whole = data_at.saturating_add(DATA_HEAD);
        let mut walk = Walk::new(limits.objects);
        let gap = located.gap(bytes);
        let bytes = &located.resized(bytes, gap);
        if located.declared != data_at as u64 {
            let (declared, found) = (located.declared, data_at as u64);
            walk.deviations.push(Deviation::DataObjectElsewhere { declared, found });
        }
        if let Some(gap) = gap {
            let (offset, len) = (gap as u64, data_at.saturating_sub(gap) as u64);
            walk.deviations.push(Deviation::ForeignBytes { offset, len });
        }
        let mut cursor = Cursor::new(bytes, 0, "Header Object");
        cursor.take(object::HEAD, "an object")?;
        let declared = cursor.u32("a number of objects")?;
        let at = cursor.offset();
        if cursor.take(2, "two reserved bytes")? != RESERVED {
            // 3.1: a reader should refuse what has another second one; players do not.
            walk.deviations.push(Deviation::Reserved { what: "Header Object", offset: at as u64 });
        }

        let children = bytes.slice(HEADER_HEAD..data_at);
        let objects = walk.children(&children, HEADER_HEAD)?;
        let found = u32::try_from(objects.len()).unwrap_or(u32::MAX);
        if declared != found {
            walk.deviations.push(Deviation::ChildCount { declared, found });
        }
        let mut facts = Facts::default();
        for object in &objects {
            facts.object(object, &mut walk)?;
            if object.id == guid::HEADER_EXTENSION {
                facts.extension(object, &mut walk)?;
            }
        }
        let Some((file_at, file)) = facts.file.take() else {
            return Err(Error::Malformed {
                what: "Header Object",
                offset: 0,
                expected: "a File Properties Object",
            });
        };
        let streams = facts.streams();

        let bytes = if bytes.len() == data_at {
            // Nothing is lost: the head only repeats what File Properties says.
            walk.deviations.push(Deviation::DataObjectMissing);
            with_data_head(bytes, &file, DATA_HEAD as u64, file.packet_count)
        } else {
            if bytes.len() < whole {
                return Err(Error::Malformed {
                    what: "header",
                    offset: bytes.len() as u64,
                    expected: "the bytes the Header Object declares and 50 of the Data Object",
                });
            }
            if bytes.len() > whole {
                let len = bytes.len().saturating_sub(whole) as u64;
                walk.deviations.push(Deviation::TrailingBytes { offset: whole as u64, len });
            }
            bytes.slice(..whole)
        };
        check_data_head(&bytes, data_at, &file, &mut walk.deviations)?;
        let header = Self {
            bytes,
            objects,
            extension: facts.extension,
            file,
            file_at,
            data_at,
            streams,
            content: facts.content.unwrap_or_default(),
            deviations: walk.deviations,
        };
        header.with_possible_packet_size(limits)
    }

    /// How long the header that starts with `bytes` will be, the 50 bytes of the Data Object
    /// included. Needs the first 24 bytes.
    ///
    /// Fails when they are not a Header Object, with [`Error::NotAsf`] where they are something else
    /// that has a name, and when the length is beyond
    /// [`Limits::header_bytes`].
    pub fn declared_len(bytes: &[u8], limits: &Limits) -> Result<usize, Error> {
        let mut cursor = Cursor::new(bytes, 0, "Header Object");
        if let Some(other) = NotAsf::of(bytes.get(..object::HEAD).unwrap_or(bytes)) {
            return Err(Error::NotAsf(other));
        }
        let id = cursor.guid("an identifier")?;
        if id == guid::HEADER_DRAFT_2 {
            return Err(Error::Unsupported { what: "header of the ASF 2.0 draft", offset: 0 });
        }
        if id != guid::HEADER {
            return Err(Cursor::new(bytes, 0, "Header Object").malformed("its identifier"));
        }
        let at_size = cursor.clone();
        let size = cursor.u64("a size")?;
        if size < HEADER_HEAD as u64 {
            return Err(at_size.malformed("a size of at least 30"));
        }
        let value = size.saturating_add(DATA_HEAD as u64);
        let limit = limits.header_bytes;
        usize::try_from(value).ok().filter(|_| value <= limit).ok_or(Error::Limit {
            what: "header size",
            value,
            limit,
        })
    }

    /// What the File Properties Object says.
    pub fn file(&self) -> &FileProperties {
        &self.file
    }

    /// All streams in the order of their declaration, those inside the Header Extension Object
    /// included.
    pub fn streams(&self) -> &[Stream] {
        &self.streams
    }

    /// The stream with this number.
    pub fn stream(&self, number: u8) -> Option<&Stream> {
        self.streams.iter().find(|stream| stream.number == number)
    }

    /// The numbers of all streams, each from 1 to 127.
    pub fn stream_numbers(&self) -> impl Iterator<Item = u8> + '_ {
        self.streams.iter().map(|stream| stream.number)
    }

    /// All direct children of the Header Object in order, known or not.
    pub fn objects(&self) -> &[Object] {
        &self.objects
    }

    /// All children of the Header Extension Object in order, known or not.
    pub fn extension_objects(&self) -> &[Object] {
        &self.extension
    }

    /// The first object of this kind, whichever of the two levels it lies on, as its type.
    ///
    /// ```
    /// # use mms_asf::{Header, objects::ContentDescription, testing};
    /// # let more = [testing::content_description("Ein Lied", "")];
    /// # let bytes = testing::header_with(256, 1, 2, &[testing::TestStream::Audio(1)], &more);
    /// let header = Header::parse(&bytes)?;
    /// let description = header.find::<ContentDescription>().expect("there is one")?;
    /// assert_eq!(description.title.to_string(), "Ein Lied");
    /// # Ok::<(), mms_asf::Error>(())
    /// ```
    ///
    /// `None` when there is no such object; an error when it cannot be read.
    pub fn find<T: Body>(&self) -> Option<Result<T, Error>> {
        let mut objects = self.objects.iter().chain(&self.extension);
        objects.find(|object| object.id == T::ID).map(T::decode)
    }

    /// The Header Object and the 50 fixed bytes of the Data Object. Wrong sizes of the Header Object
    /// and of packets are put right, and what lay between it and the Data Object is padding.
    pub fn as_bytes(&self) -> &Bytes {
        &self.bytes
    }

    /// The length of [`as_bytes`](Self::as_bytes): the offset of the first packet in a file.
    #[expect(clippy::len_without_is_empty, reason = "a header is never empty")]
    pub fn len(&self) -> usize {
        self.bytes.len()
    }

    /// What the header does wrong, in the order in which it was found.
    pub fn deviations(&self) -> &[Deviation] {
        &self.deviations
    }

    /// The size the Data Object declares, its 50 fixed bytes included; live streams store 0 or 50.
    pub fn data_size(&self) -> u64 {
        offsets::u64(&self.bytes, self.data_at, data::SIZE).unwrap_or(0)
    }

    /// The title, up to its first zero; `None` when empty or absent.
    #[doc(alias = "Content Description Object")]
    pub fn title(&self) -> Option<String> {
        self.content.title.visible()
    }

    /// The author; see [`title`](Self::title).
    pub fn author(&self) -> Option<String> {
        self.content.author.visible()
    }

    /// The copyright notice; see [`title`](Self::title).
    pub fn copyright(&self) -> Option<String> {
        self.content.copyright.visible()
    }

    /// The description; see [`title`](Self::title).
    pub fn description(&self) -> Option<String> {
        self.content.description.visible()
    }

    /// The rating; see [`title`](Self::title).
    pub fn rating(&self) -> Option<String> {
        self.content.rating.visible()
    }

    /// Where the File Properties Object and the Data Object start.
    pub(crate) fn patch_points(&self) -> (usize, usize) {
        (self.file_at, self.data_at)
    }

    /// The same header in front of so many packets.
    pub(crate) fn with_packets(self, packets: u64) -> Self {
        let size = packets.saturating_mul(u64::from(self.file.packet_size));
        let size = size.saturating_add(DATA_HEAD as u64);
        let header = self.bytes.get(..self.data_at).unwrap_or_default();
        let bytes = with_data_head(header, &self.file, size, packets);
        Self { bytes, ..self }
    }
}

impl fmt::Debug for Header {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Header")
            .field("len", &self.bytes.len())
            .field("file", &self.file)
            .field("streams", &self.streams)
            .field("objects", &self.objects)
            .field("deviations", &self.deviations)
            .finish_non_exhaustive()
    }
}

fn with_data_head(header: &[u8], file: &FileProperties, size: u64, packets: u64) -> Bytes {
    let mut bytes = BytesMut::with_capacity(header.len().saturating_add(DATA_HEAD));
    bytes.extend_from_slice(header);
    bytes.extend_from_slice(&guid::DATA.to_bytes_le());
    bytes.extend_from_slice(&size.to_le_bytes());
    bytes.extend_from_slice(&file.file_id.to_bytes_le());
    bytes.extend_from_slice(&packets.to_le_bytes());
    bytes.extend_from_slice(&[1, 1]);
    bytes.freeze()
}

fn check_data_head(
    bytes: &Bytes,
    at: usize,
    file: &FileProperties,
    deviations: &mut Vec<Deviation>,
) -> Result<(), Error> {
    let head = bytes.get(at..).unwrap_or_default();
    let mut cursor = Cursor::new(head, at, "Data Object");
    let start = cursor.clone();
    if cursor.guid("an identifier")? != guid::DATA {
        return Err(start.malformed("its identifier where the Header Object ends"));
    }
    // Live servers store 0 or 50 here; whoever needs the size compares it with the real end.
    cursor.u64("a size")?;
    if cursor.guid("a File ID")? != file.file_id {
        deviations.push(Deviation::FileIdMismatch);
    }
    let count = cursor.u64("a packet count")?;
    if count != file.packet_count && !file.broadcast() {
        let declared = file.packet_count;
        deviations.push(Deviation::DataPacketCount { declared, data: count });
    }
    let value = cursor.u16("a reserved field")?;
    if value != 0x0101 {
        deviations.push(Deviation::DataObjectReserved { value });
    }
    Ok(())
}
