//! Changes a header and keeps everything that was not changed, byte for byte.
//!
//! All sizes and counts that depend on what was changed are computed in one place,
//! [`HeaderEditor::finish`].

mod level;
mod mend;

use bytes::{BufMut, Bytes, BytesMut};
use uuid::Uuid;

pub(crate) use self::mend::mend;

use self::level::Level;
use crate::header::RESERVED;
use crate::object::Object;
use crate::objects::{Body, FileProperties};
use crate::offsets;
use crate::{Error, Header, Limits, guid};

/// The children of the Header Object start here.
const CHILDREN: usize = 30;

/// A header being changed.
///
/// Padding is used first: as long as it suffices, the new header is as long as the old one, and
/// can be written over it in place. When it does not, the header grows, and the packets of a file
/// have to move.
///
/// Objects that are not touched stay where they are, as they are, known or not. A Digital Signature
/// Object covers the header and is left out of a changed one.
///
/// ```
/// # use mms_asf::{Header, testing};
/// use mms_asf::HeaderEditor;
/// use mms_asf::objects::ContentDescription;
///
/// # let header = Header::parse(&testing::header(256, 1, &[testing::TestStream::Audio(1)]))?;
/// let mut editor = HeaderEditor::new(&header);
/// editor.update(|description: &mut ContentDescription| description.title = "Ein Lied".into())?;
/// let changed = editor.finish()?;
/// assert_eq!(changed.title().as_deref(), Some("Ein Lied"));
/// # Ok::<(), mms_asf::Error>(())
/// ```
///
/// Other objects are changed in the same way, on whichever level they lie:
///
/// ```
/// # use std::time::Duration;
/// # use mms_asf::{Header, HeaderEditor, testing};
/// use mms_asf::Text;
/// use mms_asf::objects::{
///     Descriptor, ExtendedContentDescription, FileProperties, LanguageList, Marker, Markers,
///     ScriptCommand, ScriptCommands, StreamProperties,
/// };
///
/// # let header = Header::parse(&testing::header(256, 1, &[testing::TestStream::Audio(1)]))?;
/// let mut editor = HeaderEditor::new(&header);
/// editor.update(|tags: &mut ExtendedContentDescription| {
///     tags.descriptors.push(Descriptor::new("WM/Genre", "Lied"));
/// })?;
/// editor.update(|list: &mut LanguageList| list.languages.push("de".into()))?;
/// editor.update(|list: &mut Markers| {
///     list.markers.push(Marker::new(Duration::from_secs(63), "second verse"));
/// })?;
/// editor.update(|script: &mut ScriptCommands| {
///     script.kinds.push(Text::unterminated("CAPTION"));
///     script.commands.push(ScriptCommand::new(63_000, 0, "Guten Tag"));
/// })?;
/// editor.edit_each(|file: &mut FileProperties| {
///     file.preroll = Duration::from_secs(2);
///     true
/// })?;
/// editor.edit_each(|stream: &mut StreamProperties| {
///     println!("stream {}: {:?}", stream.number(), stream.kind);
///     true
/// })?;
/// let changed = editor.finish()?;
/// assert_eq!(changed.file().preroll, Duration::from_secs(2));
/// assert!(changed.find::<Markers>().is_some());
/// # Ok::<(), mms_asf::Error>(())
/// ```
///
/// Headers of new files are made in the same way, from [`HeaderEditor::create`] on.
#[derive(Debug, Clone)]
pub struct HeaderEditor {
    original: Header,
    level: Level,
    room: usize,
    limits: Limits,
}

impl HeaderEditor {
    /// Starts with this header.
    pub fn new(header: &Header) -> Self {
        let level = Level::of(header);
        Self { original: header.clone(), level, room: 2048, limits: Limits::default() }
    }

    /// Starts with a header for a new file, which declares no streams and no packets yet: a File
    /// Properties Object, an empty Header Extension Object and the head of the Data Object.
    ///
    /// ```
    /// # use uuid::Uuid;
    /// use mms_asf::formats::VideoFormat;
    /// use mms_asf::objects::{FileProperties, StreamProperties};
    /// use mms_asf::HeaderEditor;
    ///
    /// # let file_id = Uuid::from_u128(1);
    /// let mut editor = HeaderEditor::create(&FileProperties::new(file_id, 3_200))?;
    /// let video = VideoFormat::new(*b"WMV3", 320, 240);
    /// editor.add(&StreamProperties::with_format(1, &video.into())?)?;
    /// let header = editor.finish()?;
    /// assert_eq!(header.stream(1).map(|stream| stream.codec_name().into_owned()).as_deref(), Some("WMV3"));
    /// assert_eq!(header.deviations(), []);
    /// # Ok::<(), mms_asf::Error>(())
    /// ```
    ///
    /// Fails when the packet size is 0 or beyond the default of [`Limits::packet_size`].
    pub fn create(file: &FileProperties) -> Result<Self, Error> {
        let level = Level::new(file.encode()?);
        // Without the Data Object's head: reading makes one.
        let header = Header::parse(&assemble(&level, &RESERVED, &[]))?.with_packets(0);
        if header.file().packet_size != file.packet_size {
            return Err(header.impossible(file.packet_size, &Limits::default()));
        }
        Header::parse(header.as_bytes()).map(|header| Self::new(&header))
    }

    /// How much padding, in bytes, a header gets that has to grow: room for the next change.
    /// Default 2048; below 24 means none.
    #[must_use]
    pub fn with_room(mut self, room: usize) -> Self {
        self.room = room;
        self
    }

    /// Other limits than the default ones for the header that is made.
    #[must_use]
    pub fn with_limits(mut self, limits: &Limits) -> Self {
        self.limits = *limits;
        self
    }

    /// All objects of both levels in the order of the file, without the Header Extension Object
    /// itself.
    pub fn objects(&self) -> impl Iterator<Item = &Object> {
        self.level.objects()
    }

    /// The first object of this kind as its type; `None` when there is none, and an error when it
    /// cannot be read.
    pub fn find<T: Body>(&self) -> Option<Result<T, Error>> {
        self.objects().find(|object| object.id == T::ID).map(T::decode)
    }

    /// Puts this in the place of the first object of its kind and takes out all others; without
    /// one it becomes the last child of the Header Object, or of the Header Extension Object for a
    /// kind that belongs there.
    ///
    /// Fails as [`Body::encode`] does, with nothing changed.
    pub fn set<T: Body>(&mut self, body: &T) -> Result<(), Error> {
        let object = body.encode()?;
        let mut first = Some(&object);
        self.level.retain_mut(|old| {
            if old.id != T::ID {
                return true;
            }
            let Some(new) = first.take() else { return false };
            *old = new.clone();
            true
        });
        if first.is_some() {
            self.level.push(object);
        }
        Ok(())
    }

    /// Adds another object of a kind of which there may be several, at the same place as
    /// [`set`](Self::set) does.
    ///
    /// Fails as [`Body::encode`] does, with nothing changed.
    pub fn add<T: Body>(&mut self, body: &T) -> Result<(), Error> {
        self.level.push(body.encode()?);
        Ok(())
    }

    /// Changes the first object of this kind; when there is none, an empty one is made.
    ///
    /// Fails, with nothing changed, when the object cannot be read or written.
    pub fn update<T: Body + Default>(&mut self, change: impl FnOnce(&mut T)) -> Result<(), Error> {
        let mut body = self.find().transpose()?.unwrap_or_default();
        change(&mut body);
        self.set(&body)
    }

    /// Offers each object of this kind for a change; those for which `change` is false are taken
    /// out. Objects that come out equal stay as they are, byte for byte.
    ///
    /// Fails, with nothing changed, when an object cannot be read or written.
    pub fn edit_each<T: Body + PartialEq>(
        &mut self,
        mut change: impl FnMut(&mut T) -> bool,
    ) -> Result<(), Error> {
        self.each(T::ID, |object| {
            let before = T::decode(object)?;
            let mut body = T::decode(object)?;
            let keep = change(&mut body);
            if keep && body != before {
                *object = body.encode()?;
            }
            Ok(keep)
        })
    }

    /// Writes each object of this kind anew, with a change: from then on it takes as many bytes as
    /// its fields need, and with other values in fields of fixed size still does.
    ///
    /// Fails as [`edit_each`](Self::edit_each) does.
    pub(crate) fn rewrite_each<T: Body>(
        &mut self,
        mut change: impl FnMut(&mut T),
    ) -> Result<(), Error> {
        self.each(T::ID, |object| {
            let mut body = T::decode(object)?;
            change(&mut body);
            *object = body.encode()?;
            Ok(true)
        })
    }

    /// Changes each object with this identifier, or none.
    fn each(
        &mut self,
        id: Uuid,
        mut edit: impl FnMut(&mut Object) -> Result<bool, Error>,
    ) -> Result<(), Error> {
        let mut level = self.level.clone();
        let mut failed = None;
        level.retain_mut(|object| {
            if object.id != id || failed.is_some() {
                return true;
            }
            edit(object).unwrap_or_else(|error| {
                failed = Some(error);
                true
            })
        });
        match failed {
            Some(error) => Err(error),
            None => {
                self.level = level;
                Ok(())
            }
        }
    }

    /// Takes out the objects for which `keep` is false.
    pub fn retain(&mut self, mut keep: impl FnMut(&Object) -> bool) {
        self.level.retain_mut(|object| keep(object));
    }

    /// The new header. The Data Object's head is kept.
    ///
    /// When nothing was changed it is the old one, byte for byte. When the header has another
    /// length than before, the file size in File Properties changes with it.
    ///
    /// Fails when the header would be longer than [`Limits::header_bytes`], when what every header
    /// needs was taken out, and when a packet size of 0 or beyond [`Limits::packet_size`] was put
    /// in.
    pub fn finish(self) -> Result<Header, Error> {
        if self.level == Level::of(&self.original) {
            return Header::parse_with(self.original.as_bytes(), &self.limits);
        }
        self.finish_anew()
    }

    /// [`finish`](Self::finish) as if something had been changed.
    fn finish_anew(mut self) -> Result<Header, Error> {
        self.retain(|object| object.id != guid::DIGITAL_SIGNATURE);
        // Bytes that belong to no object go.
        let old_len = self.original.patch_points().1.saturating_sub(CHILDREN);
        self.level.fit(old_len, self.room)?;
        let (old_len, new_len) = (old_len as u64, self.level.len() as u64);
        self.each(FileProperties::ID, |object| {
            let file = FileProperties::decode(object)?;
            // 0 and the broadcast flag say that the size is not known.
            if file.file_size != 0 && !file.broadcast() {
                let size = file.file_size.saturating_sub(old_len).saturating_add(new_len);
                // In place: written anew, the object could get another length.
                let mut bytes = BytesMut::from(object.bytes.as_ref());
                offsets::put(&mut bytes, 0, offsets::file::FILE_SIZE, &size.to_le_bytes());
                object.bytes = bytes.freeze();
            }
            Ok(true)
        })?;
        let changed = Header::parse_with(&self.bytes(), &self.limits)?;
        let (_, maximum) = changed.declared_packet_sizes();
        if maximum != changed.file().packet_size {
            // One that was put in: that of the header before is possible.
            return Err(changed.impossible(maximum, &self.limits));
        }
        Ok(changed)
    }

    fn bytes(&self) -> Bytes {
        let (_, data_at) = self.original.patch_points();
        let (head, data) = self.original.as_bytes().split_at_checked(data_at).unwrap_or_default();
        assemble(&self.level, head.get(offsets::header::RESERVED).unwrap_or_default(), data)
    }
}

/// The Header Object with these children and reserved fields, and what follows it.
fn assemble(level: &Level, reserved: &[u8], data: &[u8]) -> Bytes {
    let count = u32::try_from(level.count()).unwrap_or(u32::MAX);
    let size = (CHILDREN as u64).saturating_add(level.len() as u64);
    let mut bytes = BytesMut::new();
    bytes.put_slice(&guid::HEADER.to_bytes_le());
    bytes.put_u64_le(size);
    bytes.put_u32_le(count);
    bytes.put_slice(reserved);
    level.put(&mut bytes);
    bytes.put_slice(data);
    bytes.freeze()
}
