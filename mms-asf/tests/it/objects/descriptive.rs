//! Objects that describe the content: what is written is read again.

use std::time::Duration;

use bytes::Bytes;
use mms_asf::objects::{
    AnyBody, BannerKind, Body, CodecEntry, CodecKind, CodecList, ContentBranding,
    ContentEncryption, Descriptor, DigitalSignature, ExtendedContentDescription,
    ExtendedContentEncryption, Marker, Markers, Metadata, MetadataLibrary, MetadataRecord, Padding,
    Picture, ScriptCommand, ScriptCommands, Value,
};
use mms_asf::{Text, Text8};
use proptest::prelude::*;

use super::{bytes, guid, survives, text, ticks};

/// Text for fields that count characters, or whose odd lengths have another meaning.
fn whole() -> impl Strategy<Value = Text> {
    text().prop_map(|text| {
        let bytes = text.as_bytes();
        Text::from_bytes(bytes.slice(..bytes.len() & !1))
    })
}

fn text8() -> impl Strategy<Value = Text8> {
    bytes(12).prop_map(Text8::from_bytes)
}

fn value() -> impl Strategy<Value = Value> {
    prop_oneof![
        whole().prop_map(Value::Text),
        bytes(20).prop_map(Value::Bytes),
        any::<bool>().prop_map(Value::Bool),
        any::<u32>().prop_map(Value::U32),
        any::<u64>().prop_map(Value::U64),
        any::<u16>().prop_map(Value::U16),
        guid().prop_map(Value::Guid),
    ]
}

fn codec() -> impl Strategy<Value = CodecEntry> {
    (any::<u16>(), 0..4_u16, whole(), whole(), bytes(6)).prop_map(
        |(wide, small, name, text, info)| {
            let kind = CodecKind::from(if small == 0 { wide } else { small });
            let mut codec = CodecEntry::new(kind, "", "", info);
            (codec.name, codec.description) = (name, text);
            codec
        },
    )
}

fn command() -> impl Strategy<Value = ScriptCommand> {
    (any::<(u32, u16)>(), whole()).prop_map(|((time, kind), text)| {
        let mut command = ScriptCommand::new(time, kind, "");
        command.text = text;
        command
    })
}

fn marker() -> impl Strategy<Value = Marker> {
    (any::<([u64; 2], [u32; 2])>(), whole(), bytes(5)).prop_map(|((long, small), text, padding)| {
        let mut marker = Marker::new(ticks(long[0]), "");
        marker.offset = long[1];
        [marker.send_time, marker.flags] = small;
        marker.description = text;
        marker.padding = padding;
        marker
    })
}

fn descriptor() -> impl Strategy<Value = Descriptor> {
    (whole(), value()).prop_map(|(name, value)| {
        let mut descriptor = Descriptor::new("", value);
        descriptor.name = name;
        descriptor
    })
}

fn record() -> impl Strategy<Value = MetadataRecord> {
    (any::<(u16, u16)>(), text(), value()).prop_map(|((language, stream), name, value)| {
        let mut record = MetadataRecord::new(stream, "", value);
        record.language = language;
        record.name = name;
        record
    })
}

fn few<T: std::fmt::Debug>(each: impl Strategy<Value = T>) -> impl Strategy<Value = Vec<T>> {
    prop::collection::vec(each, 0..5)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn codec_list(entries in few(codec())) {
        let mut body = CodecList::default();
        body.entries = entries;
        survives(&body);
    }

    #[test]
    fn script_commands(kinds in few(whole()), commands in few(command())) {
        let mut body = ScriptCommands::default();
        (body.kinds, body.commands) = (kinds, commands);
        survives(&body);
    }

    #[test]
    fn markers(name in text(), markers in few(marker())) {
        let mut body = Markers::default();
        (body.name, body.markers) = (name, markers);
        survives(&body);
    }

    #[test]
    fn extended_content_description(descriptors in few(descriptor())) {
        let mut body = ExtendedContentDescription::default();
        body.descriptors = descriptors;
        survives(&body);
    }

    #[test]
    fn metadata(records in few(record())) {
        let (mut body, mut library) = (Metadata::default(), MetadataLibrary::default());
        body.records = records.clone();
        survives(&body);
        library.records = records;
        survives(&library);
    }

    #[test]
    fn content_branding(
        (wide, small) in (any::<u32>(), 0..5_u32),
        banner in bytes(20),
        urls in [text8(), text8()],
    ) {
        let mut body = ContentBranding::default();
        body.kind = BannerKind::from(if small == 4 { wide } else { small });
        body.banner = banner;
        [body.banner_url, body.copyright_url] = urls;
        survives(&body);
    }

    #[test]
    fn encryption(secret in bytes(20), texts in [text8(), text8(), text8()], kind in any::<u32>()) {
        let mut extended = ExtendedContentEncryption::default();
        extended.data = secret.clone();
        survives(&extended);
        let mut signature = DigitalSignature::default();
        (signature.kind, signature.signature) = (kind, secret.clone());
        survives(&signature);
        let mut body = ContentEncryption::default();
        body.secret = secret;
        [body.kind, body.key_id, body.license_url] = texts;
        survives(&body);
    }

    #[test]
    fn padding(content in bytes(40)) {
        let mut body = Padding::default();
        body.content = content;
        let object = body.encode().unwrap();
        prop_assert_eq!(Padding::decode(&object), Ok(body.clone()));
        prop_assert_eq!(AnyBody::decode(&object), Ok(body.into()));
    }

    #[test]
    fn picture(kind in any::<u8>(), texts in ["\\PC{0,12}", "\\PC{0,12}"], data in bytes(20)) {
        let mut picture = Picture::new(kind, &texts[0], data);
        picture.description = Text::new(&texts[1]);
        prop_assert_eq!(Picture::decode(&picture.encode().unwrap()), Ok(picture));
    }
}

#[test]
fn codecs_by_their_information() {
    let video = CodecEntry::video("Windows Media Video 9", "", *b"WMV3");
    assert_eq!((video.fourcc(), video.format_tag()), (Some(*b"WMV3"), None));
    let audio = CodecEntry::audio("Windows Media Audio 9.2", " 64 kbps, 44 kHz, stereo", 0x0161);
    assert_eq!((audio.fourcc(), audio.format_tag()), (None, Some(0x0161)));
    let short = CodecEntry::new(CodecKind::Video, "", "", Bytes::from_static(b"WMV"));
    assert_eq!(short.fourcc(), None);
    let unknown = CodecEntry::new(CodecKind::UNKNOWN, "", "", Bytes::from_static(b"WMV3"));
    assert_eq!((unknown.fourcc(), unknown.format_tag()), (None, None));
    assert_eq!(CodecKind::from(0xFFFF), CodecKind::UNKNOWN);
}

#[test]
fn a_command_of_a_type_that_is_not_there() {
    let mut script = ScriptCommands::default();
    script.kinds = vec![Text::unterminated("URL"), Text::unterminated("TEXT")];
    script.commands = [1, 2, 0xFFFF].map(|kind| ScriptCommand::new(0, kind, "x")).into();
    let read = ScriptCommands::decode(&script.encode().unwrap()).unwrap();
    let kinds = read.commands.iter().map(|command| read.kind(command).map(Text::to_string));
    assert_eq!(kinds.collect::<Vec<_>>(), [Some("TEXT".to_owned()), None, None]);
}

#[test]
fn values_by_name() {
    let mut tags = ExtendedContentDescription::default();
    tags.descriptors = vec![
        Descriptor::new("WM/Genre", "Lied"),
        Descriptor::new("WM/Year", "1999"),
        Descriptor::new("WM/Genre", "Chor"),
        Descriptor::new(Picture::NAME, Bytes::from_static(b"none")),
        Descriptor::new(Picture::NAME, "no bytes"),
    ];
    let genres: Vec<_> = tags.values("WM/Genre").map(Value::to_string).collect();
    assert_eq!(genres, ["Lied", "Chor"]);
    assert_eq!(tags.value("WM/Genre"), Some(&Value::from("Lied")));
    assert_eq!(tags.value("wm/genre"), None, "case counts");
    assert_eq!(tags.value("WM/Gen"), None);
    assert_eq!(tags.pictures().map(|picture| picture.is_err()).collect::<Vec<_>>(), [true]);

    let cover = Picture::new(Picture::FRONT_COVER, "image/png", Bytes::from_static(b"png"));
    let records = vec![
        MetadataRecord::new(2, "IsVBR", true),
        MetadataRecord::new(1, "IsVBR", false),
        MetadataRecord::new(0, Picture::NAME, cover.encode().unwrap()),
    ];
    let (mut metadata, mut library) = (Metadata::default(), MetadataLibrary::default());
    metadata.records = records.clone();
    library.records = records;
    for (stream, flag) in [(1, Some(false)), (2, Some(true)), (0, None)] {
        assert_eq!(metadata.value(stream, "IsVBR").and_then(Value::flag), flag);
        assert_eq!(library.value(stream, "IsVBR").and_then(Value::flag), flag);
    }
    assert_eq!(library.pictures().collect::<Vec<_>>(), [Ok(cover)]);
}

#[test]
fn padding_of_a_size() {
    for size in [24, 25, 1_000] {
        let object = Padding::filling(size).unwrap().encode().unwrap();
        assert_eq!(object.bytes.len(), size);
        assert!(object.body().iter().all(|&byte| byte == 0));
    }
    for size in [0, 1, 23] {
        assert_eq!(Padding::filling(size), None, "{size}");
    }
}

#[test]
fn the_xml_of_a_protected_file() {
    let mut body = ExtendedContentEncryption::default();
    body.data = Bytes::from_static(b"\xFF\xFE<\0a\0>\0");
    assert_eq!(body.xml().map(|xml| xml.to_string()).as_deref(), Some("<a>"));
    body.data = Bytes::from_static(b"<\0a\0>\0");
    assert_eq!(body.xml(), None);
}

#[test]
fn a_marker_says_when() {
    let marker = Marker::new(Duration::from_millis(4_579), "Refrain");
    let mut body = Markers::default();
    body.markers.push(marker);
    let object = body.encode().unwrap();
    // Offset 0, then the time in 100 ns, then the length of the entry: 12 and 8 characters.
    assert_eq!(object.bytes[48..56], [0; 8]);
    assert_eq!(object.bytes[56..64], 45_790_000_u64.to_le_bytes());
    assert_eq!(object.bytes[64..66], 28_u16.to_le_bytes());
}
