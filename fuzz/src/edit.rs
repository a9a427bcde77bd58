//! Headers being edited, with every object that has a type.

use std::fmt::Debug;
use std::mem::{Discriminant, discriminant};

use bytes::Bytes;
use mms_asf::objects::{self, AnyBody, Body, ContentDescription};
use mms_asf::{Deviation, Error, Header, HeaderEditor, Object, guid, testing};

/// What an edit may change besides the kind of object that it is about.
const DEPENDENT: [uuid::Uuid; 4] =
    [guid::FILE_PROPERTIES, guid::PADDING, guid::DIGITAL_SIGNATURE, guid::HEADER_EXTENSION];

/// Any bytes as edits and a header. The first byte says how many edits there are; each is a kind of
/// object, what to do, the length of a body, and the body.
pub fn asf_edit(data: &[u8]) {
    let Some((edits, header)) = Edit::all(data) else {
        return;
    };
    let Ok(header) = Header::parse(&Bytes::copy_from_slice(header)) else {
        return;
    };
    for object in header.objects().iter().chain(header.extension_objects()) {
        let Ok(body) = AnyBody::decode(object) else { continue };
        let written = body.encode().expect("what was read can be written");
        assert_eq!(AnyBody::decode(&written), Ok(body), "{object:?}");
    }
    let mut editor = HeaderEditor::new(&header);
    let mut touched = Vec::new();
    for edit in &edits {
        if edit.apply(&mut editor).is_ok() {
            touched.push(edit.kind.id());
        }
    }
    let Ok(changed) = editor.finish() else {
        return;
    };
    assert_eq!(Header::parse(changed.as_bytes()).as_ref(), Ok(&changed));
    if touched.is_empty() {
        assert_eq!(changed.as_bytes(), header.as_bytes());
    }
    // Objects of wrong sizes get others, and bytes that were no object may be followed by one: what
    // they are is decided anew.
    if header.deviations().iter().any(|deviation| class(deviation).is_none()) {
        return;
    }
    // Padding that is put in may hold objects up to its end: they are taken for some that its size
    // swallowed.
    if edits.iter().any(Edit::puts_padding_with_objects) {
        return;
    }
    assert_eq!(others(&changed, &touched), others(&header, &touched));
    check_deviations(&header, &changed, &touched);
}

/// The bytes of all objects that nothing was done about.
fn others(header: &Header, touched: &[uuid::Uuid]) -> Vec<Bytes> {
    let all = header.objects().iter().chain(header.extension_objects());
    all.filter(|object| !touched.contains(&object.id) && !DEPENDENT.contains(&object.id))
        .map(|object| object.bytes.clone())
        .collect()
}

/// Sizes and counts are right, and what is wrong was wrong before or is in an object that was put
/// in.
fn check_deviations(before: &Header, after: &Header, touched: &[uuid::Uuid]) {
    let count = |header: &Header, kind: Option<Discriminant<Deviation>>| {
        header.deviations().iter().filter(|d| class(d) == kind).count()
    };
    let declares = [
        guid::FILE_PROPERTIES,
        guid::STREAM_PROPERTIES,
        guid::EXTENDED_STREAM_PROPERTIES,
        guid::CONTENT_DESCRIPTION,
    ];
    for deviation in after.deviations() {
        let put_in = matches!(
            deviation,
            Deviation::Duplicate { .. }
                | Deviation::DuplicateStream { .. }
                | Deviation::StreamNumberZero { .. }
                | Deviation::PacketSizes { .. }
                | Deviation::PacketSize { .. }
                | Deviation::FileIdMismatch
                | Deviation::DataPacketCount { .. }
                | Deviation::Unreadable { .. }
        ) && declares.iter().any(|id| touched.contains(id));
        let kind = class(deviation);
        let (old, new) = (count(before, kind), count(after, kind));
        assert!(put_in || new <= old, "{deviation:?}, {:?}", before.deviations());
    }
}

/// The kind of a deviation. Bytes that are no object, and sizes that count them, have one kind: what
/// they are called depends on what follows them, and an object that is added may follow them.
fn class(deviation: &Deviation) -> Option<Discriminant<Deviation>> {
    let sizes = matches!(
        deviation,
        Deviation::ChildSize { .. }
            | Deviation::ChildTooLong { .. }
            | Deviation::ForeignBytes { .. }
            | Deviation::LeftoverBytes { .. }
            | Deviation::ExtensionSize { .. }
    );
    (!sizes).then(|| discriminant(deviation))
}

/// One change.
struct Edit<'a> {
    kind: Kind,
    how: u8,
    body: &'a [u8],
}

impl<'a> Edit<'a> {
    /// The edits, and what follows them.
    fn all(data: &'a [u8]) -> Option<(Vec<Self>, &'a [u8])> {
        let (&count, mut rest) = data.split_first()?;
        let mut edits = Vec::new();
        for _ in 0..count % 8 {
            let (&[kind, how, len], more) = rest.split_first_chunk()?;
            let (body, more) = more.split_at_checked(len.into())?;
            edits.push(Self { kind: Kind::of(kind), how, body });
            rest = more;
        }
        Some((edits, rest))
    }

    /// Whether this is padding in which an object may start.
    fn puts_padding_with_objects(&self) -> bool {
        self.kind.id() == guid::PADDING && self.body.iter().any(|byte| *byte != 0)
    }

    fn with<T: Body + PartialEq + Debug>(&self, editor: &mut HeaderEditor) -> Result<(), Error> {
        let object = Object::from_bytes(testing::object(T::ID, self.body))?;
        let mut body = T::decode(&object)?;
        assert_eq!(T::decode(&body.encode()?).as_ref(), Ok(&body));
        match self.how % 4 {
            0 => editor.set(&body),
            1 => editor.add(&body),
            2 => {
                editor.retain(|object| object.id != T::ID);
                Ok(())
            }
            _ => {
                let mut first = true;
                editor.edit_each(|old: &mut T| {
                    if std::mem::take(&mut first) {
                        std::mem::swap(old, &mut body);
                    }
                    true
                })
            }
        }
    }
}

macro_rules! kinds {
    ($($name:ident,)+) => {
        #[derive(Clone, Copy)]
        enum Kind {
            $($name,)+
            Described,
        }

        impl Kind {
            const ALL: &[Self] = &[$(Self::$name,)+ Self::Described];

            fn id(self) -> uuid::Uuid {
                match self {
                    $(Self::$name => <objects::$name as Body>::ID,)+
                    Self::Described => ContentDescription::ID,
                }
            }
        }

        impl Edit<'_> {
            fn apply(&self, editor: &mut HeaderEditor) -> Result<(), Error> {
                match self.kind {
                    $(Kind::$name => self.with::<objects::$name>(editor),)+
                    Kind::Described => editor.update(|description: &mut ContentDescription| {
                        description.title = (&*String::from_utf8_lossy(self.body)).into();
                    }),
                }
            }
        }
    };
}

mms_asf::every_body!(kinds);

impl Kind {
    fn of(byte: u8) -> Self {
        let number = usize::from(byte).checked_rem(Self::ALL.len()).unwrap_or(0);
        Self::ALL.get(number).copied().unwrap_or(Self::Described)
    }
}

/// Every kind of object, put in and taken out.
#[cfg(test)]
pub(crate) fn first_inputs() -> Vec<(String, Vec<u8>)> {
    use mms_asf::testing::TestStream;

    let description = testing::content_description("title", "author");
    let more = [description, testing::object(guid::PADDING, &[0; 200])];
    let streams = [TestStream::Audio(1), TestStream::Video(2)];
    let header = testing::header_with(256, 3, 2, &streams, &more);
    let parsed = Header::parse(&header).unwrap();
    let body = |kind: Kind| -> Vec<u8> {
        let objects = parsed.objects().iter();
        let found = objects.clone().find(|object| object.id == kind.id());
        // Zeros are something of nearly every kind: nothing of it.
        found.map_or_else(|| vec![0; 26], |object| object.body().to_vec())
    };
    let mut inputs = Vec::new();
    for (number, &kind) in (0_u8..).zip(Kind::ALL) {
        let body = body(kind);
        let len = u8::try_from(body.len()).unwrap_or(0);
        let body = &body[..len.into()];
        let once = |how: u8| [&[number, how, len][..], body].concat();
        let put = [&[1][..], &once(1), &header].concat();
        inputs.push((format!("{number}_add"), put));
        let all = [&[4][..], &once(0), &once(3), &once(2), &once(1), &header].concat();
        inputs.push((format!("{number}_all"), all));
    }
    // A packet size of 0.
    let file = Kind::ALL.iter().position(|kind| kind.id() == guid::FILE_PROPERTIES).unwrap();
    let mut size = body(Kind::ALL[file]);
    size[72..76].fill(0);
    let set = [u8::try_from(file).unwrap(), 0, u8::try_from(size.len()).unwrap()];
    inputs.push(("packet_size".into(), [&[1][..], &set, &size, &header].concat()));
    // Padding with an identifier in it, put in and there already.
    let identifier = [&[0; 142][..], &guid::COMPATIBILITY.to_bytes_le(), &[0; 42]].concat();
    let padding = Kind::ALL.iter().position(|kind| kind.id() == guid::PADDING).unwrap();
    let padding = u8::try_from(padding).unwrap();
    let put = [&[1, padding, 1, 200][..], &identifier, &header].concat();
    inputs.push(("padding_put".into(), put));
    let more = [testing::object(guid::PADDING, &identifier)];
    let header = testing::header_with(256, 3, 2, &streams, &more);
    let stays = [&[1, padding, 2, 0][..], &header].concat();
    inputs.push(("padding_there".into(), stays));
    inputs
}
