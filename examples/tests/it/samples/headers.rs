//! All real files: headers that come back byte for byte, and the media objects that ffprobe finds,
//! too. `MMS_SAMPLES` names a directory that holds the files in `asf/`; without it, and without
//! ffprobe, the tests say so. With `MMS_REQUIRE_PEERS=1` a missing ffprobe is a failure.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::support::peers;
use bytes::{BufMut as _, Bytes, BytesMut};
use mms_asf::objects::{AnyBody, ExtendedContentDescription, MetadataLibrary};
use mms_asf::{
    Assembled, Assembler, Event, Header, HeaderEditor, Limits, Object, Packet, StreamKind,
    StreamParser, guid,
};
use serde_json::Value;
use uuid::Uuid;

/// How many files there are.
const FILES: usize = 83;

/// The files whose header is damaged beyond use, and what is said of it.
const REFUSED: [(&str, &str); 3] = [
    (
        "broken-header-prefix-only-30-bytes.asf",
        "header at byte 30: expected the bytes the Header Object declares and 50 of the Data Object",
    ),
    (
        MISPLACED,
        "Data Object at byte 3781: expected its identifier near the end of the Header Object",
    ),
    (
        "broken-skeleton-header-size-0.wma",
        "Header Object at byte 16: expected a size of at least 30",
    ),
];

/// The header of this one has a wrong size. It is refused by what reads a header alone;
/// [`StreamParser`] looks for the Data Object further on.
const MISPLACED: &str = "broken-header-size-578-but-data-object-at-4430.wma";

/// The objects that have something else in a reserved field than the specification wants. It stays
/// as it is unless the object is changed.
const OTHER_RESERVED: [(&str, Uuid); 2] = [
    ("slideshow-1999-jfif-stream-mp3-script-command.asf", guid::CODEC_LIST),
    ("video-wvc1-script-command-object-captions-mini.wmv", guid::SCRIPT_COMMAND),
];

/// Why ffprobe counts otherwise.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Why {
    /// Each picture in the header is a video stream of one packet, in front of the others.
    Pictures(usize),
    /// The same with the picture of an ID3 tag that lies in the header as an attribute.
    Id3Picture,
    /// It cuts the audio of this stream into frames: more packets, the same bytes in all.
    Reframed(u8),
    /// It hands out what there is of a packet that was cut, and of the objects that end with it.
    CutTail,
    /// It refuses the file.
    Refused,
}

use Why::{CutTail, Id3Picture, Pictures, Reframed, Refused};

/// The files of which ffprobe 5.1 says something else. Of all others it says the same.
const DIFFERENCES: [(&str, &[Why]); 29] = [
    ("audio-1999-g723-all-compressed-payloads-109byte-packets.asf", &[Reframed(1)]),
    ("audio-2000-mp3-in-asf-1625-packets.wma", &[Reframed(1)]),
    ("audio-2000-mp3-in-asf-metadata-library-languages.wma", &[Reframed(1)]),
    ("audio-wmalossless-13406byte-packets-truncated-1mb.wma", &[CutTail]),
    ("audio-wmapro-5.1-truncated-30kb.wma", &[CutTail]),
    ("audio-wmapro-padding-at-top-level-of-header.wma", &[Pictures(1)]),
    ("audio-wmav2-32k-573-packets-picture-in-ecd.wma", &[Pictures(1)]),
    ("audio-wmav2-32k-573-packets.wma", &[Pictures(1)]),
    ("audio-wmav2-vbr-index-empty-simple-index.wma", &[Pictures(1)]),
    ("audio-wmav2-wmp-ripped-cover.wma", &[Pictures(1)]),
    ("audio-wmavoice-8k-metadata-library.wma", &[Pictures(2)]),
    ("binary-stream-webstream-plus-mp3.asf", &[Reframed(1)]),
    ("broken-header-prefix-only-30-bytes.asf", &[Refused]),
    (MISPLACED, &[Refused]),
    ("broken-object-size-23.wma", &[Refused]),
    ("broken-object-size-zero-infinite-loop.wma", &[Refused]),
    ("broken-skeleton-header-size-0.wma", &[Refused]),
    ("drm-wmav2-all-three-drm-objects-encrypted-flag-header-only.wma", &[Pictures(2), CutTail]),
    ("drm-wmv3-wmavoice-content-and-extended-encryption-truncated.wmv", &[CutTail]),
    ("live-broadcast-flag-wmv2-no-counts-truncated-last-packet.wmv", &[CutTail]),
    ("slideshow-1999-jfif-stream-mp3-script-command.asf", &[Reframed(2)]),
    ("tags-id3v2-in-byte-array-truncated.wma", &[Id3Picture, CutTail]),
    ("tags-media-class-guids-truncated.wma", &[Pictures(1), CutTail]),
    ("tags-multiple-values-and-images.wma", &[Pictures(4)]),
    ("tags-picture-lossless-truncated-before-first-packet.wma", &[CutTail]),
    ("truncated-2500-bytes-lossless.wma", &[CutTail]),
    ("truncated-32000-bytes-wmav2.wma", &[CutTail]),
    ("video-wvp2-header-and-metadata-only.wmv", &[Refused]),
    ("wrong-file-size-20kb-padding.wma", &[Pictures(1)]),
];

/// Objects and bytes of one stream.
type Counts = (u64, u64);

/// What is in a file.
#[derive(Debug)]
struct Read {
    header: Header,
    whole: BTreeMap<u8, Counts>,
    /// What there is of objects that were cut, and how many of them begin in the file.
    cut: BTreeMap<u8, Counts>,
}

fn samples() -> Option<Vec<(String, PathBuf)>> {
    let name = |path: &Path| path.file_name().unwrap().to_str().unwrap().to_owned();
    let files: Vec<_> =
        mms_tests::asf_samples()?.into_iter().map(|path| (name(&path), path)).collect();
    assert_eq!(files.len(), FILES);
    Some(files)
}

/// The header that a file starts with, by its own size.
fn header(path: &Path) -> Result<Header, mms_asf::Error> {
    let mut bytes = fs::read(path).unwrap();
    let len = Header::declared_len(&bytes, &Limits::default())?;
    bytes.truncate(len);
    Header::parse(&bytes.into())
}

/// Everything in a file, as from a pipe.
fn read(path: &Path) -> Result<Read, mms_asf::Error> {
    let mut parser = StreamParser::new();
    parser.push(&fs::read(path).unwrap());
    parser.finish();
    let Some(Event::Header { header, .. }) = parser.poll()? else { panic!("no header") };
    let mut assembler = Assembler::new(&header);
    let (mut whole, mut cut) = (BTreeMap::new(), BTreeMap::new());
    while let Some(event) = parser.poll()? {
        match event {
            Event::Packet { bytes, .. } => assembler.push(&bytes)?,
            Event::Header { .. } => panic!("a second header"),
            Event::End { leftover, .. } => {
                assembler.finish();
                add_leftover(&leftover, header.file().packet_size, &mut cut);
            }
            _ => {}
        }
        while let Some(assembled) = assembler.poll() {
            match assembled {
                Assembled::Object(object) => add(&mut whole, object.stream, 1, object.data.len()),
                Assembled::Incomplete { object, offset, .. } => {
                    add(&mut cut, object.stream, (offset == 0).into(), object.data.len());
                }
                other => panic!("{other:?}"),
            }
        }
    }
    Ok(Read { header: *header, whole, cut })
}

fn add(counts: &mut BTreeMap<u8, Counts>, stream: u8, objects: u64, len: usize) {
    let (all, bytes) = counts.entry(stream).or_default();
    *all += objects;
    *bytes += len as u64;
}

/// The media in the part of a packet that is there: as if zeros followed.
fn add_leftover(leftover: &[u8], packet_size: u32, cut: &mut BTreeMap<u8, Counts>) {
    let mut bytes = leftover.to_vec();
    bytes.resize(packet_size as usize, 0);
    let Ok(packet) = Packet::parse(&bytes, packet_size) else { return };
    for payload in packet.payloads().map_while(Result::ok) {
        let len = leftover.len().saturating_sub(payload.data_offset).min(payload.data.len());
        if len > 0 {
            add(cut, payload.stream, (payload.offset == 0).into(), len);
        }
    }
}

#[test]
fn headers_are_read_or_refused() {
    let Some(files) = samples() else { return };
    for (name, path) in files {
        let refused = REFUSED.iter().find(|(file, _)| *file == name).map(|(_, why)| *why);
        let said = header(&path).err().map(|error| error.to_string());
        assert_eq!(said.as_deref(), refused, "{name}");
        let said = read(&path).err().map(|error| error.to_string());
        let refused = refused.filter(|_| name != MISPLACED);
        assert_eq!(said.as_deref(), refused, "{name}, as a stream");
    }
}

/// The object written from the types of what was read of it.
fn rewritten(object: &Object, header: &Header) -> Bytes {
    if object.id != guid::HEADER_EXTENSION {
        return AnyBody::decode(object).unwrap().encode().unwrap().bytes;
    }
    let mut bytes = BytesMut::from(&object.bytes[..46]);
    for child in header.extension_objects() {
        bytes.put_slice(&rewritten(child, header));
    }
    bytes.freeze()
}

#[test]
fn headers_come_back_byte_for_byte() {
    let Some(files) = samples() else { return };
    let (mut same, mut other) = (0, Vec::new());
    for (name, path) in files {
        let Ok(header) = header(&path) else { continue };
        let edited = HeaderEditor::new(&header).finish().unwrap();
        assert_eq!(edited.as_bytes(), header.as_bytes(), "{name}");
        for object in header.objects() {
            let mut made = BytesMut::from(rewritten(object, &header).as_ref());
            if made == object.bytes {
                continue;
            }
            // A reserved field is not kept.
            made[24..40].copy_from_slice(&object.bytes[24..40]);
            assert_eq!(made, object.bytes, "{name}: {object:?}");
            other.push((name.clone(), object.id));
        }
        same += 1;
    }
    assert_eq!(other, OTHER_RESERVED.map(|(name, id)| (name.to_owned(), id)));
    assert_eq!(same, FILES - REFUSED.len());
}

/// What ffprobe says: kind, objects and bytes of each stream; `None` when it refuses the file.
fn probed(path: &Path) -> Option<Vec<(String, Counts)>> {
    let entries =
        "packet=stream_index,size:stream=index,codec_type:stream_disposition=attached_pic";
    let arguments = ["-v", "error", "-show_entries", entries, "-of", "json"];
    let output = Command::new("ffprobe").args(arguments).arg(path).output().unwrap();
    if !output.status.success() {
        return None;
    }
    let said: Value = serde_json::from_slice(&output.stdout).unwrap();
    let mut streams: Vec<_> = said["streams"]
        .as_array()
        .unwrap()
        .iter()
        .map(|stream| {
            let kind = match stream["disposition"]["attached_pic"].as_u64() {
                Some(1) => "picture",
                _ => stream["codec_type"].as_str().unwrap_or("unknown"),
            };
            (kind.to_owned(), (0, 0))
        })
        .collect();
    for packet in said["packets"].as_array().unwrap() {
        let index = usize::try_from(packet["stream_index"].as_u64().unwrap()).unwrap();
        let (_, (objects, bytes)) = &mut streams[index];
        *objects += 1;
        *bytes += packet["size"].as_str().unwrap().parse::<u64>().unwrap();
    }
    Some(streams)
}

/// How ffprobe calls it.
fn kind(kind: StreamKind) -> &'static str {
    match kind {
        StreamKind::Audio => "audio",
        StreamKind::Video | StreamKind::Jfif | StreamKind::DegradableJpeg => "video",
        StreamKind::Command => "data",
        _ => "unknown",
    }
}

/// The sizes of all pictures of the header, in order.
fn pictures(header: &Header) -> Vec<u64> {
    let tags = header.find::<ExtendedContentDescription>().map(Result::unwrap).unwrap_or_default();
    let library = header.find::<MetadataLibrary>().map(Result::unwrap).unwrap_or_default();
    let pictures = tags.pictures().chain(library.pictures());
    let mut sizes: Vec<_> = pictures.map(|picture| picture.unwrap().data.len() as u64).collect();
    sizes.sort_unstable();
    sizes
}

/// The size of the first picture in an ID3 tag (version 2.3, section 4.15): behind the frame's head
/// its encoding, its type as text, its kind and a description, here in Latin-1.
fn id3_picture(header: &Header) -> Option<u64> {
    let tags = header.find::<ExtendedContentDescription>()?.unwrap();
    let tag = tags.value("ID3").and_then(|value| value.bytes())?;
    let at = tag.windows(4).position(|name| name == b"APIC")?;
    let (head, frame) = tag.get(at..)?.split_at_checked(10)?;
    let size = u32::from_be_bytes(head[4..8].try_into().unwrap());
    let len = |text: &[u8]| text.iter().position(|&byte| byte == 0).map(|len| len + 1);
    let mime = len(frame.get(1..)?)?;
    let description = len(frame.get(2 + mime..)?)?;
    Some(u64::from(size) - 2 - (mime + description) as u64)
}

/// Compares one file with what ffprobe says; every difference has to be one of these, and each of
/// these has to be there.
fn compare(name: &str, path: &Path, why: &[Why]) -> Result<(), String> {
    let said = probed(path);
    let (Some(mut said), false) = (said.clone(), why == [Refused]) else {
        let refused = said.is_none() && why == [Refused];
        return refused.then_some(()).ok_or_else(|| format!("refused: {}", said.is_none()));
    };
    let Read { header, whole, cut } = read(path).unwrap_or_else(|e| panic!("{name}: {e}"));
    let check = |holds: bool, what: String| if holds { Ok(()) } else { Err(what) };

    let shown = said.iter().filter(|(kind, _)| kind == "picture");
    let mut shown: Vec<_> = shown.map(|(_, counts)| *counts).collect();
    shown.sort_unstable();
    let mut wanted = Vec::new();
    for why in why {
        match why {
            Pictures(count) => {
                wanted = pictures(&header);
                check(wanted.len() == *count, format!("pictures {wanted:?}"))?;
            }
            Id3Picture => wanted.extend(id3_picture(&header)),
            _ => {}
        }
    }
    let wanted: Vec<_> = wanted.into_iter().map(|size| (1, size)).collect();
    check(shown == wanted, format!("pictures {shown:?}, not {wanted:?}"))?;
    said.retain(|(kind, _)| kind != "picture");

    let tail = why.contains(&CutTail);
    check(tail != cut.is_empty(), format!("cut {cut:?}"))?;
    check(said.len() == header.streams().len(), format!("streams {said:?}"))?;
    for (stream, (kind, (objects, bytes))) in header.streams().iter().zip(said) {
        let number = stream.number;
        check(kind == self::kind(stream.kind), format!("stream {number} is {kind}"))?;
        let [whole, cut] =
            [&whole, &cut].map(|counts| counts.get(&number).copied().unwrap_or_default());
        let wanted = (whole.0 + cut.0, whole.1 + cut.1);
        let good = if why.contains(&Reframed(number)) {
            objects > wanted.0 && bytes == wanted.1
        } else {
            (objects, bytes) == wanted
        };
        check(good, format!("stream {number}: {:?}, not {wanted:?}", (objects, bytes)))?;
    }
    Ok(())
}

#[test]
fn ffprobe_finds_the_same_objects() {
    let Some(files) = samples() else { return };
    if !peers::is_here("ffprobe") {
        return;
    }
    for (name, _) in DIFFERENCES {
        assert!(files.iter().any(|(file, _)| file == name), "{name}");
    }
    let mut wrong = Vec::new();
    for (name, path) in files {
        let why = DIFFERENCES.iter().find(|(file, _)| *file == name).map_or(&[][..], |row| row.1);
        if let Err(what) = compare(&name, &path, why) {
            wrong.push(format!("{name} {why:?}: {what}"));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}
