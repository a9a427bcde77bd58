//! Changing a header: what was not changed stays, what depends on it is right.

use bytes::Bytes;
use mms_asf::objects::{
    Body, Compatibility, ContentDescription, ErrorCorrection, LanguageList, StreamBitrate,
    StreamBitrates,
};
use mms_asf::testing::{TestStream, header_with, object};
use mms_asf::{FileProperties, Header, HeaderEditor, Text, guid};
use proptest::prelude::*;
use uuid::Uuid;

const UNKNOWN: Uuid = Uuid::from_u128(0x1111_2222_3333_4444_5555_6666_7777_8888);

/// A header with these objects as last children.
fn header(more: &[Bytes]) -> Header {
    let bytes = header_with(256, 3, 2, &[TestStream::Audio(1), TestStream::Video(2)], more);
    Header::parse(&bytes).unwrap()
}

fn padding(len: usize) -> Bytes {
    object(guid::PADDING, &vec![0xAA; len - 24])
}

fn titled(header: &Header, title: &str) -> Header {
    let mut editor = HeaderEditor::new(header);
    editor.update(|d: &mut ContentDescription| d.title = Text::new(title)).unwrap();
    editor.finish().unwrap()
}

/// All objects but those that a change of the title may touch.
fn others(header: &Header) -> Vec<Bytes> {
    let touched = [
        ContentDescription::ID,
        FileProperties::ID,
        guid::PADDING,
        guid::HEADER_EXTENSION,
        guid::DIGITAL_SIGNATURE,
    ];
    let all = header.objects().iter().chain(header.extension_objects());
    all.filter(|o| !touched.contains(&o.id)).map(|o| o.bytes.clone()).collect()
}

fn total_padding(header: &Header) -> usize {
    let all = header.objects().iter().chain(header.extension_objects());
    all.filter(|o| o.id == guid::PADDING).map(|o| o.bytes.len()).sum()
}

/// Sizes and counts are those that a strict reader wants.
fn assert_consistent(header: &Header, name: &str) {
    assert_eq!(header.deviations(), [], "{name}");
    let again = Header::parse(header.as_bytes()).unwrap();
    assert_eq!(again.as_bytes(), header.as_bytes(), "{name}");
}

#[test]
fn nothing_changed_is_the_same_bytes() {
    let header = header(&[padding(60), object(UNKNOWN, b"what?"), padding(24)]);
    let mut editor = HeaderEditor::new(&header);
    editor.edit_each(|_: &mut FileProperties| true).unwrap();
    editor.retain(|_| true);
    assert_eq!(editor.finish().unwrap().as_bytes(), header.as_bytes());
}

#[test]
fn padding_is_used_first() {
    // A Content Description Object with an empty title takes 36 bytes, and two for each letter.
    let before = header(&[padding(100), object(UNKNOWN, b"what?")]);
    for (letters, left) in [(0, 64), (1, 62), (20, 24), (32, 0)] {
        let after = titled(&before, &"x".repeat(letters));
        assert_eq!(after.len(), before.len(), "{letters} letters");
        assert_eq!(total_padding(&after), left, "{letters} letters");
        assert_eq!(after.file(), before.file());
        assert_consistent(&after, "padded");
    }
    // 22 bytes are too few for padding, 2 are missing.
    for letters in [21, 31, 33] {
        let after = titled(&before, &"x".repeat(letters));
        assert_eq!(total_padding(&after), 2048, "{letters} letters");
        let grown = (after.len() - before.len()) as u64;
        assert_eq!(after.file().file_size, before.file().file_size + grown);
        assert_consistent(&after, "moved");
    }
}

#[test]
fn what_shrinks_becomes_padding() {
    let title = object(guid::CONTENT_DESCRIPTION, &{
        let mut body = vec![0; 10];
        body[0] = 200;
        body.resize(210, 0x20);
        body
    });
    let before = header(&[title, padding(50)]);
    let after = titled(&before, "short");
    assert_eq!(after.len(), before.len());
    assert_eq!(total_padding(&after), 50 + 200 - 12);
    assert_consistent(&after, "shrunk");
}

#[test]
fn several_paddings_are_one_supply() {
    let before = header(&[padding(40), padding(30), padding(50)]);
    // The second alone does not suffice, all together do.
    let after = titled(&before, &"x".repeat(30));
    assert_eq!((after.len(), total_padding(&after)), (before.len(), 120 - 96));
    // One suffices: the others stay.
    let few = titled(&header(&[padding(24), padding(300)]), "x");
    let sizes: Vec<_> =
        few.objects().iter().filter(|o| o.id == guid::PADDING).map(|o| o.bytes.len()).collect();
    assert_eq!(sizes, [24, 262]);
}

/// Identifiers in padding, with sizes of 0, past its end and short of it, are bytes like others:
/// what follows the padding does not make them objects.
#[test]
fn identifiers_in_padding_are_no_objects() {
    for size in [0_u64, 24, 57, 59, u64::MAX] {
        let mut content = vec![0; 142];
        content.extend(guid::COMPATIBILITY.to_bytes_le());
        content.extend(size.to_le_bytes());
        content.extend([0; 34]);
        let padding = object(guid::PADDING, &content);
        let header = header(&[padding.clone(), object(guid::MARKER, &[0; 24])]);
        assert_eq!(header.deviations(), [], "{size}");
        assert!(header.objects().iter().any(|object| object.bytes == padding), "{size}");
        let mut editor = HeaderEditor::new(&titled(&header, "A title"));
        editor.retain(|object| object.id != guid::MARKER);
        let changed = editor.finish().unwrap();
        assert_eq!(changed.find::<Compatibility>(), None, "{size}");
        assert_consistent(&changed, "padding");
    }
}

#[test]
fn no_room_wanted() {
    let before = header(&[padding(24)]);
    let mut editor = HeaderEditor::new(&before).with_room(0);
    editor.update(|d: &mut ContentDescription| d.title = "a title".into()).unwrap();
    let after = editor.finish().unwrap();
    assert_eq!(total_padding(&after), 0);
    assert_eq!(after.len(), before.len() - 24 + 34 + 16);
    assert_consistent(&after, "no room");
}

#[test]
fn a_signature_does_not_outlive_a_change() {
    let signature = object(guid::DIGITAL_SIGNATURE, &[2, 0, 0, 0, 4, 0, 0, 0, 1, 2, 3, 4]);
    let signed = header(&[signature, padding(200)]);
    let untouched = HeaderEditor::new(&signed).finish().unwrap();
    assert_eq!(untouched.as_bytes(), signed.as_bytes());
    let changed = titled(&signed, "x");
    assert!(changed.objects().iter().all(|o| o.id != guid::DIGITAL_SIGNATURE));
    assert_eq!(changed.len(), signed.len());
}

#[test]
fn objects_go_where_their_kind_belongs() {
    let before = header(&[]);
    assert_eq!(before.extension_objects(), []);
    let mut editor = HeaderEditor::new(&before);
    let mut languages = LanguageList::default();
    languages.languages = vec!["en-us".into()];
    editor.set(&languages).unwrap();
    editor.add(&ErrorCorrection::new(UNKNOWN, Bytes::new())).unwrap();
    let after = editor.finish().unwrap();
    assert_eq!(after.extension_objects().len(), 1);
    assert_eq!(after.find::<LanguageList>(), Some(Ok(languages)));
    assert_eq!(after.objects().iter().filter(|o| o.id == ErrorCorrection::ID).count(), 1);
    assert_eq!(others(&before), others(&after)[..2]);
    assert_consistent(&after, "new objects");
}

#[test]
fn an_extension_is_made_when_there_is_none() {
    let without = {
        // The builder always writes one: take it out of the bytes.
        let header = header(&[]);
        let extension = header.objects().iter().find(|o| o.id == guid::HEADER_EXTENSION).unwrap();
        let mut bytes = header.as_bytes().to_vec();
        bytes.drain(extension.offset..extension.offset + extension.bytes.len());
        bytes[24] -= 1;
        let size = u64::from_le_bytes(*bytes[16..].first_chunk().unwrap()) - 46;
        bytes[16..24].copy_from_slice(&size.to_le_bytes());
        Header::parse(&bytes.into()).unwrap()
    };
    let mut editor = HeaderEditor::new(&without);
    editor.set(&LanguageList::default()).unwrap();
    let after = editor.finish().unwrap();
    assert_eq!(after.extension_objects().len(), 1);
    assert_consistent(&after, "a new extension");
}

#[test]
fn each_object_of_a_kind() {
    let rates = |rates: &[(u8, u32)]| {
        let mut body = StreamBitrates::default();
        body.records = rates.iter().map(|&(s, r)| StreamBitrate::new(s, r)).collect();
        body.encode().unwrap().bytes
    };
    let before = header(&[rates(&[(1, 10), (2, 20)]), rates(&[(2, 7)])]);
    let mut editor = HeaderEditor::new(&before);
    editor
        .edit_each(|rates: &mut StreamBitrates| {
            rates.records.retain(|rate| rate.stream() != 2);
            !rates.records.is_empty()
        })
        .unwrap();
    let after = editor.finish().unwrap();
    let left: Vec<_> = after.objects().iter().filter(|o| o.id == StreamBitrates::ID).collect();
    assert_eq!(left.len(), 1);
    assert_eq!(left[0].bytes, rates(&[(1, 10)]));
    assert_consistent(&after, "each");
}

#[test]
fn what_cannot_be_read_is_not_half_changed() {
    let good = StreamBitrates::default().encode().unwrap().bytes;
    let bad = object(StreamBitrates::ID, &[9, 0, 1]);
    let before = header(&[good, bad]);
    let mut editor = HeaderEditor::new(&before);
    let refused = editor.edit_each(|_: &mut StreamBitrates| false).unwrap_err();
    assert_eq!(
        refused.to_string(),
        format!(
            "Stream Bitrate Properties Object at byte {}: expected a stream number",
            before.objects().last().unwrap().offset + 26
        )
    );
    assert_eq!(editor.finish().unwrap().as_bytes(), before.as_bytes());
}

#[test]
fn what_every_header_needs_cannot_be_taken_out() {
    let mut editor = HeaderEditor::new(&header(&[]));
    editor.retain(|object| object.id != FileProperties::ID);
    let refused = editor.finish().unwrap_err().to_string();
    assert_eq!(refused, "Header Object at byte 0: expected a File Properties Object");
}

#[test]
fn a_packet_size_that_is_not_possible_cannot_be_put_in() {
    for size in [0, 1 << 24] {
        let mut editor = HeaderEditor::new(&header(&[]));
        let change = |file: &mut FileProperties| {
            file.packet_size = size;
            true
        };
        editor.edit_each(change).unwrap();
        let error = editor.finish().unwrap_err().to_string();
        assert!(error.contains("packet size"), "{error}");
    }
}

#[test]
fn bytes_that_are_no_object_stay() {
    let before = header(&[padding(100), Bytes::from_static(b"some bytes")]);
    assert_eq!(before.deviations().len(), 2, "one object too few, and the bytes");
    let after = titled(&before, "x");
    let (end, bytes) = (after.len() - 50, after.as_bytes());
    assert_eq!(&bytes[end - 10..end], b"some bytes");
    assert_eq!((after.len(), after.deviations().len()), (before.len(), 1));
}

#[test]
fn a_file_size_with_bytes_behind_the_last_field() {
    let good = header(&[]);
    let mut bytes = good.as_bytes().to_vec();
    // File Properties is the first object, of 104 bytes.
    for field in [16, 30 + 16] {
        bytes[field] += 5;
    }
    bytes.splice(30 + 104..30 + 104, *b"extra");
    let before = Header::parse(&bytes.into()).unwrap();
    let after = titled(&before, &"x".repeat(200));
    let (old, new) = (before.file().file_size, after.file().file_size);
    assert_eq!(new - old, (after.len() - before.len()) as u64);
    assert_eq!(after.as_bytes()[30 + 104..][..5], *b"extra");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn any_titles_one_after_the_other(
        paddings in prop::collection::vec(24_usize..300, 0..3),
        titles in prop::collection::vec("\\PC{0,60}", 1..5),
        room in prop_oneof![Just(0), 24_usize..100],
    ) {
        let paddings: Vec<Bytes> = paddings.into_iter().map(padding).collect();
        let mut now = header(&[&[object(UNKNOWN, b"what?")], paddings.as_slice()].concat());
        let kept = others(&now);
        for title in &titles {
            let mut editor = HeaderEditor::new(&now).with_room(room);
            editor.update(|d: &mut ContentDescription| d.title = Text::new(title)).unwrap();
            let after = editor.finish().unwrap();
            let seen = after.title().unwrap_or_default();
            prop_assert_eq!(&seen, title.split('\0').next().unwrap());
            prop_assert_eq!(others(&after), kept.clone());
            let sizes = (after.file().file_size, now.file().file_size);
            prop_assert_eq!(sizes.0 - after.len() as u64, sizes.1 - now.len() as u64);
            assert_consistent(&after, title);
            now = after;
        }
    }
}

/// The title of every sample is changed: all other objects keep their bytes and order, and where
/// there is padding enough the header keeps its length.
#[test]
fn real_headers_are_changed_and_nothing_is_lost() {
    crate::support::each_file(|name, reader| {
        let before = reader.header();
        let unchanged = HeaderEditor::new(before).finish().unwrap();
        assert_eq!(unchanged.as_bytes(), before.as_bytes(), "{name}");

        let after = titled(before, "Another title");
        assert_eq!(after.title().as_deref(), Some("Another title"), "{name}");
        assert_eq!(others(&after), others(before), "{name}");
        assert_eq!(after.streams(), before.streams(), "{name}");
        if total_padding(before) > 200 {
            assert_eq!(after.len(), before.len(), "{name}");
        }
        let new: Vec<_> =
            after.deviations().iter().filter(|d| !before.deviations().contains(d)).collect();
        assert!(new.is_empty(), "{name}: {new:?}");
    });
}

#[test]
fn a_header_made_of_objects() {
    let mut file = FileProperties::new(Uuid::from_u128(7), 1_000);
    file.preroll = std::time::Duration::from_secs(2);
    let empty = HeaderEditor::create(&file).unwrap().finish().unwrap();
    assert_eq!(empty.len(), 30 + 104 + 46 + 50);
    assert_eq!((empty.file(), empty.streams().len()), (&file, 0));
    assert_eq!(empty.data_size(), 50);
    assert_consistent(&empty, "empty");

    let mut editor = HeaderEditor::create(&file).unwrap().with_room(0);
    let mut languages = LanguageList::default();
    languages.languages = vec![Text::new("en-us")];
    editor.add(&languages).unwrap();
    editor.add(&ErrorCorrection::new(UNKNOWN, Bytes::from_static(b"what?"))).unwrap();
    let made = editor.finish().unwrap();
    assert_eq!(
        made.extension_objects(),
        [languages.encode().unwrap()].map(|mut object| {
            object.offset = 30 + 104 + 46;
            object
        })
    );
    assert_eq!(made.find::<ErrorCorrection>().unwrap().unwrap().kind, UNKNOWN);
    assert_eq!(total_padding(&made), 0);
    assert_consistent(&made, "made");

    file.packet_size = 0;
    let refused = HeaderEditor::create(&file).unwrap_err().to_string();
    assert_eq!(refused, "File Properties Object at byte 126: expected a packet size of at least 1");
}
