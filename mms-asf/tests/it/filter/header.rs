//! Headers that lose streams: nothing mentions them any more, and all else stays.

use bytes::Bytes;
use mms_asf::objects::{
    AdvancedContentEncryption, AdvancedMutualExclusion, AnyBody, BandwidthSharing,
    BitrateMutualExclusion, Body, CodecEntry, CodecList, EncryptedObject, EncryptionRecord,
    ExtendedStreamProperties, FileProperties, GroupMutualExclusion, IndexParameters,
    IndexSpecifier, LanguageList, MediaObjectIndexParameters, Metadata, MetadataLibrary,
    MetadataRecord, StreamBitrate, StreamBitrates, StreamPrioritization, StreamPriority,
    StreamProperties, TimecodeIndexParameters,
};
use mms_asf::testing::{self, TestStream};
use mms_asf::{Error, Header, HeaderEditor, IndexKind, Object, filter_header, guid};
use proptest::collection::{btree_set, vec};
use proptest::prelude::*;

/// A header that declares these streams and holds these objects besides.
fn header(streams: &[TestStream], objects: &[Object]) -> Header {
    let bytes = testing::header_with(256, 3, 2, streams, &[]);
    let mut editor = HeaderEditor::new(&Header::parse(&bytes).unwrap()).with_room(0);
    for object in objects {
        add(&mut editor, object);
    }
    editor.finish().unwrap()
}

fn add(editor: &mut HeaderEditor, object: &Object) {
    macro_rules! add {
        ($($name:ident)*) => {
            match AnyBody::decode(object).unwrap() {
                $(AnyBody::$name(body) => editor.add(&body).unwrap(),)*
                other => panic!("{other:?}"),
            }
        };
    }
    add! {
        AdvancedContentEncryption AdvancedMutualExclusion BandwidthSharing BitrateMutualExclusion
        CodecList ExtendedStreamProperties GroupMutualExclusion IndexParameters LanguageList
        MediaObjectIndexParameters Metadata MetadataLibrary StreamBitrates StreamPrioritization
        StreamProperties TimecodeIndexParameters
    }
}

/// Every stream number that any object of any type mentions, with the object's name.
fn mentions(header: &Header) -> Vec<(&'static str, u16)> {
    let mut found = Vec::new();
    for object in header.objects().iter().chain(header.extension_objects()) {
        let numbers: Vec<u16> = match AnyBody::decode(object).unwrap() {
            AnyBody::StreamProperties(body) => vec![body.number().into()],
            AnyBody::ExtendedStreamProperties(body) => {
                let nested = body.stream().map(|stream| u16::from(stream.unwrap().number()));
                [body.number].into_iter().chain(nested).collect()
            }
            AnyBody::StreamBitrates(body) => {
                body.records.iter().map(|record| record.stream().into()).collect()
            }
            AnyBody::BitrateMutualExclusion(body) => body.streams,
            AnyBody::AdvancedMutualExclusion(body) => body.streams,
            AnyBody::GroupMutualExclusion(body) => body.groups.concat(),
            AnyBody::BandwidthSharing(body) => body.streams,
            AnyBody::StreamPrioritization(body) => {
                body.records.iter().map(|record| record.stream).collect()
            }
            AnyBody::Metadata(body) => body.records.iter().map(|record| record.stream).collect(),
            AnyBody::MetadataLibrary(body) => {
                body.records.iter().map(|record| record.stream).collect()
            }
            AnyBody::IndexParameters(body) => columns(&body.specifiers),
            AnyBody::MediaObjectIndexParameters(body) => columns(&body.specifiers),
            AnyBody::TimecodeIndexParameters(body) => columns(&body.specifiers),
            AnyBody::AdvancedContentEncryption(body) => {
                let objects = body.records.iter().flat_map(|record| &record.objects);
                objects.filter_map(EncryptedObject::stream_number).collect()
            }
            _ => Vec::new(),
        };
        let name = object.name().unwrap();
        found.extend(numbers.into_iter().map(|number| (name, number)));
    }
    found
}

fn columns(specifiers: &[IndexSpecifier]) -> Vec<u16> {
    specifiers.iter().map(|specifier| specifier.stream).collect()
}

fn specifiers(streams: &[u16]) -> Vec<IndexSpecifier> {
    streams.iter().map(|&stream| IndexSpecifier { stream, kind: IndexKind::KeyFrame }).collect()
}

fn index(streams: &[u16]) -> IndexParameters {
    let mut parameters = IndexParameters::default();
    (parameters.interval, parameters.specifiers) = (1_000, specifiers(streams));
    parameters
}

fn metadata(streams: &[u16]) -> Vec<MetadataRecord> {
    streams.iter().map(|&stream| MetadataRecord::new(stream, "IsVBR", true)).collect()
}

fn nested(number: u16, inside: Option<u8>) -> ExtendedStreamProperties {
    let mut extended = ExtendedStreamProperties::default();
    extended.number = number;
    extended.nested = inside.map(|inside| {
        StreamProperties::new(inside, mms_asf::StreamKind::Audio, Bytes::from_static(b"format"))
            .encode()
            .unwrap()
    });
    extended
}

/// One object of each kind that mentions streams, about these.
fn about(kind: usize, streams: &[u16]) -> Object {
    let low = |number: u16| u8::try_from(number & 0x7F).unwrap();
    match kind {
        0 => {
            let mut body = StreamBitrates::default();
            body.records = streams.iter().map(|&n| StreamBitrate::new(low(n), 64_000)).collect();
            body.encode()
        }
        1 => BitrateMutualExclusion::new(streams.to_vec()).encode(),
        2 => AdvancedMutualExclusion::new(guid::MUTEX_LANGUAGE, streams.to_vec()).encode(),
        3 => {
            let groups = streams.chunks(2).map(<[u16]>::to_vec).collect();
            GroupMutualExclusion::new(guid::MUTEX_LANGUAGE, groups).encode()
        }
        4 => BandwidthSharing::new(guid::SHARING_PARTIAL, streams.to_vec()).encode(),
        5 => {
            let mut body = StreamPrioritization::default();
            body.records = streams.iter().map(|&n| StreamPriority::new(n, true)).collect();
            body.encode()
        }
        6 => {
            let mut body = Metadata::default();
            body.records = metadata(streams);
            body.encode()
        }
        7 => {
            let mut body = MetadataLibrary::default();
            body.records = metadata(streams);
            body.encode()
        }
        8 => index(streams).encode(),
        9 => {
            let mut body = MediaObjectIndexParameters::default();
            body.specifiers = specifiers(streams);
            body.encode()
        }
        10 => {
            let mut body = TimecodeIndexParameters::default();
            body.specifiers = specifiers(streams);
            body.encode()
        }
        11 => {
            let mut record = EncryptionRecord::default();
            record.objects = streams.iter().map(|&n| EncryptedObject::stream(n)).collect();
            let mut body = AdvancedContentEncryption::default();
            body.records = vec![record];
            body.encode()
        }
        _ => {
            let inside = streams.get(1).map(|&number| low(number));
            nested(streams.first().copied().unwrap_or(1), inside).encode()
        }
    }
    .unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(192))]

    #[test]
    fn nothing_mentions_a_stream_that_went(
        objects in vec((0..14_usize, vec(prop_oneof![9 => 0..6_u16, 1 => any::<u16>()], 0..5)), 0..9),
        keep in btree_set(1..=5_u8, 1..=4),
    ) {
        let objects: Vec<_> =
            objects.iter().map(|(kind, streams)| about(*kind, streams)).collect();
        let before = header(&crate::filter::STREAMS, &objects);
        let same = filter_header(&before, |_| true).unwrap();
        prop_assert_eq!(same.as_bytes(), before.as_bytes());

        let after = match filter_header(&before, |number| keep.contains(&number)) {
            Ok(after) => after,
            Err(error) => {
                prop_assert_eq!(error, Error::NothingKept);
                prop_assert!(!before.stream_numbers().any(|number| keep.contains(&number)));
                return Ok(());
            }
        };
        let goes = |number: u16| {
            u8::try_from(number).is_ok_and(|n| (1..128).contains(&n) && !keep.contains(&n))
        };
        let left = mentions(&after);
        prop_assert!(!left.iter().any(|(_, number)| goes(*number)), "{:?}", left);
        // Of those that need no others, all that were about streams that stay.
        let alone = |(name, number): &(&str, u16)| {
            !name.contains("Exclusion") && !name.contains("Sharing") && !goes(*number)
                && !name.contains("Stream Properties")
        };
        let mut wanted = mentions(&before);
        wanted.retain(alone);
        let left: Vec<_> = left.into_iter().filter(alone).collect();
        prop_assert_eq!(left, wanted);
        for number in before.stream_numbers() {
            let stays = keep.contains(&number);
            prop_assert_eq!(after.stream(number).is_some(), stays, "stream {}", number);
            // Of two declarations the first one counts, which may be inside of what goes.
            if stays && before.deviations().is_empty() {
                let format = |header: &Header| header.stream(number).unwrap().format();
                prop_assert_eq!(format(&after), format(&before));
            }
        }
        prop_assert_eq!(filter_header(&after, |number| keep.contains(&number)), Ok(after));
    }
}

const THREE: [TestStream; 3] = [TestStream::Audio(1), TestStream::Audio(2), TestStream::Video(3)];

fn without(header: &Header, number: u8) -> Header {
    filter_header(header, |other| other != number).unwrap()
}

#[test]
fn one_member_excludes_nobody() {
    let of = |kind: usize, streams: &[u16]| header(&THREE, &[about(kind, streams)]);
    for kind in [1, 2, 4] {
        let exclusion = |header: &Header| -> Vec<u16> {
            mentions(header)
                .into_iter()
                .filter(|(name, _)| name.contains("Exclusion") || name.contains("Sharing"))
                .map(|(_, number)| number)
                .collect()
        };
        assert_eq!(exclusion(&without(&of(kind, &[1, 2, 3]), 2)), [1, 3]);
        assert_eq!(exclusion(&without(&of(kind, &[1, 2]), 2)), []);
        assert_eq!(exclusion(&without(&of(kind, &[1]), 2)), [1], "not touched");
    }
    let groups = |header: &Header| header.find::<GroupMutualExclusion>().map(|g| g.unwrap().groups);
    let three = header(
        &THREE,
        &[GroupMutualExclusion::new(guid::MUTEX_LANGUAGE, vec![vec![1, 3], vec![2], vec![3, 2]])
            .encode()
            .unwrap()],
    );
    assert_eq!(groups(&without(&three, 2)), Some(vec![vec![1, 3], vec![3]]));
    assert_eq!(groups(&filter_header(&three, |number| number == 1).unwrap()), None);
}

#[test]
fn codecs_of_other_streams_stay() {
    let audio = CodecEntry::audio("WMA", "64 kbps", 0x0161);
    let video = CodecEntry::video("Video", "", *b"WMV3");
    let other = CodecEntry::video("Other", "", *b"MP43");
    let mut list = CodecList::default();
    list.entries = vec![audio.clone(), video.clone(), other.clone(), audio.clone()];
    let all = header(&THREE, &[list.encode().unwrap()]);
    let entries = |header: &Header| header.find::<CodecList>().map(|list| list.unwrap().entries);
    let some = |keep: &[u8]| filter_header(&all, |number| keep.contains(&number)).unwrap();
    assert_eq!(entries(&some(&[1, 3])), Some(list.entries), "either entry may be that of stream 1");
    assert_eq!(entries(&some(&[1, 2])), Some(vec![audio.clone(), other.clone(), audio]));
    assert_eq!(entries(&some(&[3])), Some(vec![video, other]));
}

#[test]
fn the_bit_rate_is_that_of_what_is_left() {
    let mut rates = StreamBitrates::default();
    rates.records = vec![StreamBitrate::new(1, 30_000), StreamBitrate::new(2, 50_000)];
    let mut extended = nested(3, None);
    extended.average.bit_rate = 200_000;
    let objects = [rates.encode().unwrap(), extended.encode().unwrap()];
    let rate = |most: u32, keep: &[u8]| {
        let mut editor = HeaderEditor::new(&header(&THREE, &objects));
        editor
            .edit_each(|file: &mut FileProperties| {
                file.max_bit_rate = most;
                true
            })
            .unwrap();
        let header = editor.finish().unwrap();
        filter_header(&header, |number| keep.contains(&number)).unwrap().file().max_bit_rate
    };
    assert_eq!(rate(300_000, &[1, 3]), 250_000);
    assert_eq!(rate(300_000, &[1, 2]), 100_000);
    assert_eq!(rate(300_000, &[1, 2, 3]), 300_000);
    // Streams 1 and 2 exclude each other, and only one was counted.
    assert_eq!(rate(250_000, &[2]), 50_000);
    assert_eq!(rate(250_000, &[1, 3]), 230_000);
    assert_eq!(rate(40_000, &[2]), 40_000, "not raised");
    assert_eq!(rate(u32::MAX, &[2]), u32::MAX, "not known");
}

#[test]
fn a_stream_inside_of_another_ones_properties() {
    let streams = [TestStream::Audio(1)];
    let both = header(&streams, &[nested(5, Some(6)).encode().unwrap()]);
    assert_eq!(both.stream_numbers().collect::<Vec<_>>(), [6, 1]);
    for (keep, left) in [
        (vec![1, 6], vec![("Stream Properties Object", 1), ("Stream Properties Object", 6)]),
        (
            vec![1, 5],
            vec![("Stream Properties Object", 1), ("Extended Stream Properties Object", 5)],
        ),
        (vec![1], vec![("Stream Properties Object", 1)]),
    ] {
        let some = filter_header(&both, |number| keep.contains(&number)).unwrap();
        assert_eq!(mentions(&some), left);
    }
}

#[test]
fn what_a_header_cannot_lose() {
    let header = header(&THREE, &[LanguageList::default().encode().unwrap()]);
    assert_eq!(filter_header(&header, |_| false), Err(Error::NothingKept));
    assert_eq!(filter_header(&header, |number| number > 3), Err(Error::NothingKept));
    let less = without(&header, 3);
    assert!(less.find::<LanguageList>().is_some(), "its numbers are used elsewhere");
    assert_eq!(less.len(), header.len(), "padding takes the room");
    assert_eq!(less.file().file_id, header.file().file_id);
    let unreadable = testing::object(guid::STREAM_BITRATE_PROPERTIES, &[9]);
    let bytes = testing::header_with(256, 3, 2, &THREE, &[unreadable]);
    let refused = filter_header(&Header::parse(&bytes).unwrap(), |number| number == 1);
    assert!(matches!(refused, Err(Error::Malformed { .. })), "{refused:?}");
}
