//! What the objects of real files say, found out by other means.

use std::time::Duration;

use mms_asf::objects::{
    CodecList, ContentEncryption, ExtendedContentDescription, Markers, Metadata, MetadataLibrary,
    Picture, ScriptCommands, Value,
};
use mms_asf::{Header, Packet, command_sample};

use crate::support;

/// The header of one sample; `None` without samples.
fn header(name: &str) -> Option<Header> {
    let path = support::samples()?.into_iter().find(|(sample, _)| sample == name);
    let (_, path) = path.expect("a sample of this name");
    Some(support::open(&path).unwrap().header().clone())
}

#[test]
fn markers() {
    let Some(header) = header("video-wmv2-marker-object-compressed-audio.wmv") else { return };
    let markers = header.find::<Markers>().unwrap().unwrap().markers;
    let markers: Vec<_> = markers
        .iter()
        .map(|m| (m.description.to_string(), m.offset, m.presentation_time, m.send_time))
        .collect();
    let wanted = [("marker1", 0, 49_470, 0), ("marker2", 0x5C8F, 78_680, 4_874)];
    let wanted = wanted.map(|(name, offset, ms, send)| {
        (name.to_owned(), offset, Duration::from_millis(ms / 10), send)
    });
    assert_eq!(markers.len(), 3);
    assert_eq!(markers[..2], wanted);
}

#[test]
fn script_commands() {
    let name = "audio-2000-wmav2-span-vpl448-flags0.wma";
    let Some(header) = header(name) else { return };
    let script = header.find::<ScriptCommands>().unwrap().unwrap();
    let commands = script.commands.iter().map(|command| {
        let kind = script.kind(command).map(ToString::to_string).unwrap_or_default();
        format!("{} {kind} {}", command.time, command.text)
    });
    assert_eq!(
        commands.collect::<Vec<_>>(),
        ["1400 CustomScript script1", "4000 CustomScript script2", "6000 CustomScript script3"]
    );
}

#[test]
fn commands_of_a_stream() {
    let wanted = "video-wvc1-with-command-stream-compressed-payloads.wmv";
    support::each_file(|name, mut reader| {
        if name != wanted {
            return;
        }
        let size = reader.header().file().packet_size;
        let mut commands = Vec::new();
        let mut bytes = bytes::BytesMut::new();
        for number in 0..reader.packet_count() {
            reader.packet_into(number, &mut bytes).unwrap();
            let packet = Packet::parse(&bytes, size).unwrap();
            for payload in packet.payloads().map(Result::unwrap).filter(|p| p.stream == 4) {
                for piece in payload.pieces().map(Result::unwrap) {
                    let sample = command_sample(piece.data).unwrap();
                    commands.push(format!("{}: {}", sample.kind, sample.value));
                }
            }
        }
        assert_eq!(
            commands,
            [
                "caption: sub 1",
                "caption: sub 2",
                "text: some text here",
                "caption: sub 3",
                "caption: <center>sub 4</center>",
                "caption: <b>sub 5</b>",
            ]
        );
    });
}

/// The codec that a stream declares is in the list, too, where both are known.
#[test]
fn codecs() {
    let (mut same, mut other) = (0, Vec::new());
    support::each_file(|name, reader| {
        let header = reader.header();
        let Some(list) = header.find::<CodecList>() else { return };
        let entries = list.unwrap().entries;
        for stream in header.streams() {
            let found = match (stream.audio(), stream.video()) {
                (Some(audio), _) => entries.iter().any(|e| e.format_tag() == Some(audio.codec)),
                (_, Some(video)) => entries.iter().any(|e| e.fourcc() == Some(video.fourcc)),
                _ => continue,
            };
            if found { same += 1 } else { other.push((name.to_owned(), stream.number)) }
        }
    });
    assert_eq!(other, []);
    if support::samples().is_some() {
        assert_eq!(same, 95);
    }
}

/// All pictures are written as they are.
#[test]
fn pictures() {
    let mut seen = 0;
    support::each_file(|name, reader| {
        let header = reader.header();
        let tags = header.find::<ExtendedContentDescription>().map(Result::unwrap);
        let library = header.find::<MetadataLibrary>().map(Result::unwrap).unwrap_or_default();
        let tags = tags.unwrap_or_default();
        let named = library.records.iter().filter(|r| r.name.to_string() == Picture::NAME);
        let values = tags.values(Picture::NAME).chain(named.map(|r| &r.value));
        let values: Vec<_> = values.filter_map(Value::bytes).collect();
        let pictures: Vec<_> =
            tags.pictures().chain(library.pictures()).map(Result::unwrap).collect();
        assert_eq!(pictures.len(), values.len(), "{name}");
        for (picture, value) in pictures.iter().zip(values) {
            assert_eq!(picture.encode().as_ref(), Ok(value), "{name}");
            let magic = match picture.mime.to_string().as_str() {
                "image/jpeg" => b"\xFF\xD8\xFF".as_slice(),
                "image/png" => b"\x89PNG",
                "image/gif" => b"GIF8",
                "image/bmp" => b"BM",
                other => panic!("{name}: {other}"),
            };
            assert!(picture.data.starts_with(magic), "{name}: {picture:?}");
            seen += 1;
        }
    });
    if support::samples().is_some() {
        assert_eq!(seen, 17);
    }
}

/// All values have a form that is known.
#[test]
fn values() {
    let (mut flags, mut kinds) = (0, std::collections::BTreeMap::<_, u32>::new());
    let mut count = |value: &Value| {
        let kind = match value {
            Value::Text(_) => "text",
            Value::Bytes(_) => "bytes",
            Value::Bool(_) => "bool",
            Value::U32(_) | Value::U64(_) | Value::U16(_) => "number",
            Value::Guid(_) => "guid",
            _ => "other",
        };
        *kinds.entry(kind).or_default() += 1;
    };
    support::each_file(|_, reader| {
        let header = reader.header();
        let tags = header.find::<ExtendedContentDescription>().map(Result::unwrap);
        let metadata = header.find::<Metadata>().map(Result::unwrap).unwrap_or_default();
        let library = header.find::<MetadataLibrary>().map(Result::unwrap).unwrap_or_default();
        flags += u32::from(metadata.value(1, "IsVBR").and_then(Value::flag).is_some());
        tags.unwrap_or_default().descriptors.iter().for_each(|d| count(&d.value));
        metadata.records.iter().chain(&library.records).for_each(|r| count(&r.value));
    });
    if support::samples().is_some() {
        assert_eq!(kinds.get("other"), None);
        assert_eq!((flags, kinds.get("guid")), (48, Some(&30)));
    }
}

#[test]
fn protected_content() {
    let mut protected = Vec::new();
    support::each_file(|name, reader| {
        let header = reader.header();
        let protection = header.protection();
        assert_eq!(protection.is_encrypted(), name.starts_with("drm-"), "{name}: {protection}");
        if protection.is_encrypted() {
            let encryption = header.find::<ContentEncryption>().unwrap().unwrap();
            protected.push(format!("{} {}: {protection}", encryption.kind, encryption.key_id));
        }
    });
    if support::samples().is_some() {
        assert_eq!(
            protected,
            [
                "DRM pMYQ3zAwEE+/lAEL5hP0Ug==: content encryption, extended content encryption, \
                 signed header, stream 1 encrypted",
                "DRM 2TrKIWpp7ECDHoSdrcfA1w==: content encryption, extended content encryption",
            ]
        );
    }
}
