//! Objects that break the rules: what lies is an error, what can be understood is read.

use bytes::Bytes;
use mms_asf::objects::{
    AnyBody, Body, CodecEntry, CodecList, ContentBranding, ContentEncryption, Descriptor,
    ExtendedContentDescription, Marker, Markers, Metadata, MetadataRecord, ScriptCommand,
    ScriptCommands, Value,
};
use mms_asf::testing::object;
use mms_asf::{Error, Object, Text, guid};
use proptest::prelude::*;

/// The object with these bytes at this place.
fn patched<T: Body>(body: &T, at: usize, bytes: &[u8]) -> Object {
    let mut object = body.encode().unwrap().bytes.to_vec();
    object[at..at + bytes.len()].copy_from_slice(bytes);
    Object::from_bytes(object.into()).unwrap()
}

fn refused<T: Body + std::fmt::Debug>(body: &T, at: usize, bytes: &[u8]) -> String {
    T::decode(&patched(body, at, bytes)).unwrap_err().to_string()
}

fn codecs() -> CodecList {
    let mut body = CodecList::default();
    body.entries = vec![CodecEntry::audio("a", "", 1)];
    body
}

fn script() -> ScriptCommands {
    let mut body = ScriptCommands::default();
    body.kinds = vec![Text::unterminated("URL")];
    body.commands = vec![ScriptCommand::new(1, 0, "x")];
    body
}

fn markers() -> Markers {
    let mut body = Markers::default();
    body.markers = ["a", "b"].map(|text| Marker::new(std::time::Duration::ZERO, text)).into();
    body
}

fn tags(descriptors: Vec<Descriptor>) -> ExtendedContentDescription {
    let mut body = ExtendedContentDescription::default();
    body.descriptors = descriptors;
    body
}

fn metadata(record: MetadataRecord) -> Metadata {
    let mut body = Metadata::default();
    body.records = vec![record];
    body
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    /// Whatever could be read is read again from what is written.
    #[test]
    fn any_bytes(
        // Small numbers make counts and lengths that often fit.
        body in prop::collection::vec(prop_oneof![4 => 0..4_u8, 1 => any::<u8>()], 0..120),
    ) {
        let ids = [
            guid::CODEC_LIST,
            guid::SCRIPT_COMMAND,
            guid::MARKER,
            guid::EXTENDED_CONTENT_DESCRIPTION,
            guid::METADATA,
            guid::METADATA_LIBRARY,
            guid::CONTENT_BRANDING,
            guid::CONTENT_ENCRYPTION,
            guid::EXTENDED_CONTENT_ENCRYPTION,
            guid::DIGITAL_SIGNATURE,
            guid::PADDING,
        ];
        for id in ids {
            let object = Object::from_bytes(object(id, &body)).unwrap();
            let Ok(read) = AnyBody::decode(&object) else { continue };
            prop_assert!(!matches!(read, AnyBody::Unknown(_)));
            let written = read.encode().unwrap();
            prop_assert!(written.bytes.len() <= object.bytes.len(), "{:?}", read);
            prop_assert_eq!(AnyBody::decode(&written), Ok(read));
        }
    }
}

#[test]
fn counts_that_lie() {
    const ALL: [u8; 4] = [0xFF; 4];
    let most = "number of codecs is 4294967295, the limit is 65535";
    assert_eq!(refused(&codecs(), 40, &ALL), most);
    let most = "number of markers is 65536, the limit is 65535";
    assert_eq!(refused(&markers(), 40, &[0, 0, 1, 0]), most);
    let end = "Codec List Object at byte 60: expected a codec type";
    assert_eq!(refused(&codecs(), 40, &[0xFF, 0xFF, 0, 0]), end);
    let end = "Marker Object at byte 116: expected a marker's offset";
    assert_eq!(refused(&markers(), 40, &[0xFF, 0xFF, 0, 0]), end);
    let end = "Script Command Object at byte 62: expected the time of a command";
    assert_eq!(refused(&script(), 40, &[2, 0]), end);
    let end = "Script Command Object at byte 62: expected the length of a command type";
    assert_eq!(refused(&script(), 42, &[5, 0]), end);
    let end = "Extended Content Description Object at byte 26: expected the length of a name";
    assert_eq!(refused(&tags(vec![]), 24, &ALL[..2]), end);
    let end = "Metadata Object at byte 26: expected a language index";
    assert_eq!(refused(&Metadata::default(), 24, &ALL[..2]), end);
}

#[test]
fn lengths_that_lie() {
    const ALL: [u8; 4] = [0xFF; 4];
    let codec = "Codec List Object at byte 48: expected a codec's name";
    assert_eq!(refused(&codecs(), 46, &ALL[..2]), codec);
    // 2^31 characters are 2^32 bytes: a product that a 32-bit size does not hold.
    let marker = "Marker Object at byte 78: expected a marker's description";
    assert_eq!(refused(&markers(), 74, &ALL), marker);
    assert_eq!(refused(&markers(), 74, &[0, 0, 0, 0x80]), marker);
    let command = "Script Command Object at byte 60: expected a command";
    assert_eq!(refused(&script(), 58, &[2, 0]), command);
    let tag = "Extended Content Description Object at byte 36: expected a value";
    let body = tags(vec![Descriptor::new("a", 1_u32)]);
    assert_eq!(refused(&body, 34, &ALL[..2]), tag);
    let record = "Metadata Object at byte 42: expected a value";
    let body = metadata(MetadataRecord::new(0, "a", 1_u32));
    assert_eq!(refused(&body, 34, &ALL), record);
    let branding = "Content Branding Object at byte 32: expected a banner";
    assert_eq!(refused(&ContentBranding::default(), 28, &ALL), branding);
    let encryption = "Content Encryption Object at byte 28: expected secret data";
    assert_eq!(refused(&ContentEncryption::default(), 24, &ALL), encryption);
}

#[test]
fn what_does_not_fit_its_length() {
    let long = tags(vec![Descriptor::new("a", Bytes::from(vec![0; 65_536]))]);
    let refused = |what, value, limit| Err(Error::Limit { what, value, limit });
    assert_eq!(long.encode(), refused("the length of a value", 65_536, 65_535));
    assert!(metadata(MetadataRecord::new(0, "a", Bytes::from(vec![0; 65_536]))).encode().is_ok());
    let mut many = CodecList::default();
    many.entries = vec![CodecEntry::audio("", "", 1); 65_536];
    assert_eq!(many.encode(), refused("number of codecs", 65_536, 65_535));
    let mut long = markers();
    long.markers[0].padding = Bytes::from(vec![0; 65_535]);
    assert_eq!(long.encode(), refused("a marker's length", 65_551, 65_535));
}

#[test]
fn a_marker_shorter_than_its_description() {
    for entry in [0_u16, 11, 15] {
        let object = patched(&markers(), 64, &entry.to_le_bytes());
        assert_eq!(Markers::decode(&object), Ok(markers()), "{entry}");
    }
    let longer = patched(&markers(), 64, &17_u16.to_le_bytes());
    let body = Markers::decode(&longer);
    assert!(body.is_err(), "the next marker starts inside another field: {body:?}");
}

#[test]
fn an_odd_last_byte_where_characters_are_counted() {
    let odd = Text::from_bytes(Bytes::from_static(b"a\0b"));
    let mut body = script();
    body.kinds[0] = odd.clone();
    body.commands[0].text = odd;
    let read = ScriptCommands::decode(&body.encode().unwrap()).unwrap();
    assert_eq!(read.kinds[0], Text::unterminated("a"));
    assert_eq!(read.commands[0].text, Text::unterminated("a"));
}

/// Old libavformat wrote lengths of texts that are one too small.
#[test]
fn odd_lengths_that_are_one_too_small() {
    let whole = tags(vec![
        Descriptor::new("a", "first"),
        Descriptor::new("b", Bytes::from_static(b"odd")),
        Descriptor::new("c", "last"),
    ]);
    let mut old = whole.encode().unwrap().bytes.to_vec();
    // The lengths of "a" and "first", "b", "c" and "last"; that of "odd" is right.
    for (at, right) in [(26, 4), (34, 12), (48, 4), (61, 4), (69, 10)] {
        assert_eq!(old[at..at + 2], [right, 0]);
        old[at] -= 1;
    }
    let read = |bytes: &[u8]| {
        let object = Object::from_bytes(Bytes::copy_from_slice(bytes)).unwrap();
        ExtendedContentDescription::decode(&object)
    };
    assert_eq!(read(&old), Ok(whole.clone()));
    assert_eq!(read(&old).unwrap().encode(), whole.encode(), "written with the right lengths");

    // One value, which leaves a byte behind when the length is taken for right.
    let single = tags(vec![Descriptor::new("a", "first")]);
    assert_eq!(ExtendedContentDescription::decode(&patched(&single, 34, &[11])), Ok(single));

    // Lengths that are odd and right stay so, as long as they lead to the end.
    let odd = Value::Text(Text::from_bytes(Bytes::from_static(b"a\0b")));
    let odd = tags(vec![Descriptor::new("a", odd), Descriptor::new("b", 1_u32)]);
    assert_eq!(ExtendedContentDescription::decode(&odd.encode().unwrap()), Ok(odd));
}

#[test]
fn values_of_other_forms_are_kept() {
    let mut body = vec![3, 0];
    for (kind, value) in [(2_u8, [1_u8, 0].as_slice()), (9, b"abc"), (3, &[1, 2, 3])] {
        body.extend_from_slice(&[4, 0, b'a', 0, 0, 0, kind, 0]);
        body.extend_from_slice(&[u8::try_from(value.len()).unwrap(), 0]);
        body.extend_from_slice(value);
    }
    let object = Object::from_bytes(object(ExtendedContentDescription::ID, &body)).unwrap();
    let read = ExtendedContentDescription::decode(&object).unwrap();
    let flags: Vec<_> = read.values("a").map(Value::flag).collect();
    assert_eq!(flags, [Some(true), None, None], "a bool of two bytes is understood");
    assert_eq!(read.encode(), Ok(object));
}

#[test]
fn a_bool_has_another_width_in_metadata() {
    let body = metadata(MetadataRecord::new(1, "a", true)).encode().unwrap();
    assert_eq!(body.bytes[34..38], 2_u32.to_le_bytes());
    assert_eq!(body.bytes[42..], [1, 0]);
    let body = tags(vec![Descriptor::new("a", true)]).encode().unwrap();
    assert_eq!(body.bytes[34..], [4, 0, 1, 0, 0, 0]);
}
