//! Objects that say how streams are made and belong together.

use std::time::Duration;

use bytes::Bytes;
use mms_asf::objects::{
    AdvancedContentEncryption, AdvancedMutualExclusion, BandwidthSharing, BitrateMutualExclusion,
    Body, Compatibility, EncryptedObject, EncryptionRecord, ExtendedStreamProperties,
    ExtensionSystem, GroupMutualExclusion, IndexParameters, IndexSpecifier, LeakyBucket,
    MediaObjectIndexParameters, StreamBitrate, StreamBitrates, StreamName, StreamPrioritization,
    StreamPriority, StreamProperties, TimecodeIndexParameters,
};
use mms_asf::{FileProperties, Object, StreamKind};
use proptest::collection::vec;
use proptest::prelude::*;

use super::{bytes, guid, survives, text, ticks};

fn stream_properties() -> impl Strategy<Value = StreamProperties> {
    let numbers = (any::<u64>(), any::<u16>(), any::<u32>());
    (guid(), guid(), numbers, bytes(40), bytes(20)).prop_map(
        |(kind, correction, (offset, flags, reserved), specific, data)| {
            let mut body = StreamProperties::new(1, StreamKind::from(kind), specific);
            body.error_correction = correction;
            body.time_offset = ticks(offset);
            (body.flags, body.reserved) = (flags, reserved);
            body.error_correction_data = data;
            body
        },
    )
}

fn bucket() -> impl Strategy<Value = LeakyBucket> {
    any::<[u32; 3]>().prop_map(|[rate, size, fullness]| LeakyBucket::new(rate, size, fullness))
}

fn extension() -> impl Strategy<Value = ExtensionSystem> {
    (guid(), any::<u16>(), bytes(10)).prop_map(|(system, size, info)| {
        let mut extension = ExtensionSystem::new(system, size);
        extension.info = info;
        extension
    })
}

fn specifiers() -> impl Strategy<Value = Vec<IndexSpecifier>> {
    vec(
        any::<(u16, u16)>().prop_map(|(stream, kind)| IndexSpecifier { stream, kind: kind.into() }),
        0..5,
    )
}

fn encryption_record() -> impl Strategy<Value = EncryptionRecord> {
    let objects = vec((any::<u16>(), bytes(5)), 0..3);
    (guid(), any::<u32>(), objects, bytes(20)).prop_map(|(system, version, objects, data)| {
        let mut record = EncryptionRecord::default();
        (record.system, record.version, record.data) = (system, version, data);
        record.objects = objects
            .into_iter()
            .map(|(kind, id)| {
                let mut object = EncryptedObject::stream(1);
                (object.kind, object.id) = (kind, id);
                object
            })
            .collect();
        record
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn file_properties(id in guid(), n in any::<[u64; 6]>(), small in any::<[u32; 4]>()) {
        let mut body = FileProperties::new(id, small[0]);
        (body.file_size, body.creation_date, body.packet_count) = (n[0], n[1], n[2]);
        (body.play_duration, body.send_duration) = (ticks(n[3]), ticks(n[4]));
        body.preroll = Duration::from_millis(n[5]);
        (body.flags, body.min_packet_size, body.max_bit_rate) = (small[1], small[2], small[3]);
        survives(&body);
    }

    #[test]
    fn a_stream(body in stream_properties()) {
        survives(&body);
    }

    #[test]
    fn an_extended_stream(
        times in any::<[u64; 3]>(),
        buckets in (bucket(), bucket()),
        small in any::<([u32; 2], [u16; 2])>(),
        names in vec((any::<u16>(), text()), 0..3),
        extensions in vec(extension(), 0..3),
        nested in prop::option::of(stream_properties()),
    ) {
        let mut body = ExtendedStreamProperties::default();
        body.start_time = Duration::from_millis(times[0]);
        body.end_time = Duration::from_millis(times[1]);
        body.time_per_frame = ticks(times[2]);
        (body.average, body.peak) = buckets;
        let ([size, flags], [number, language]) = small;
        (body.max_object_size, body.flags) = (size, flags);
        (body.number, body.language) = (number, language);
        body.names = names.into_iter().map(|(l, name)| StreamName::new(l, name)).collect();
        body.extensions = extensions;
        body.nested = nested.as_ref().map(|stream| stream.encode().unwrap());
        let read = ExtendedStreamProperties::decode(&body.encode().unwrap()).unwrap();
        prop_assert_eq!(read.stream().transpose().unwrap(), nested);
        // Wherever what is nested lies.
        prop_assert_eq!(&read, &body);
        // A part of a nested object may be bytes that mean nothing.
        body.nested = None;
        survives(&body);
    }

    #[test]
    fn exclusion(kind in guid(), streams in vec(any::<u16>(), 0..5), groups in vec(vec(any::<u16>(), 0..4), 0..4)) {
        survives(&AdvancedMutualExclusion::new(kind, streams.clone()));
        survives(&GroupMutualExclusion::new(kind, groups));
        let mut body = BitrateMutualExclusion::new(streams);
        body.kind = kind;
        survives(&body);
    }

    #[test]
    fn priorities(records in vec(any::<(u16, u16)>(), 0..5)) {
        let mut body = StreamPrioritization::default();
        for (stream, flags) in records {
            let mut record = StreamPriority::new(stream, flags & 1 != 0);
            record.flags = flags;
            prop_assert_eq!(record.mandatory(), flags & 1 != 0);
            body.records.push(record);
        }
        survives(&body);
    }

    #[test]
    fn bandwidth_sharing(kind in guid(), streams in vec(any::<u16>(), 0..5), n in any::<[u32; 2]>()) {
        let mut body = BandwidthSharing::new(kind, streams);
        [body.bit_rate, body.buffer_size] = n;
        survives(&body);
    }

    #[test]
    fn stream_bitrates(rates in vec(any::<(u16, u32)>(), 0..5)) {
        let mut body = StreamBitrates::default();
        for (flags, rate) in rates {
            let mut record = StreamBitrate::new(0, rate);
            record.flags = flags;
            prop_assert_eq!(u16::from(record.stream()), flags & 0x7F);
            body.records.push(record);
        }
        survives(&body);
    }

    #[test]
    fn index_parameters(interval in any::<u32>(), specifiers in specifiers()) {
        let mut index = IndexParameters::default();
        (index.interval, index.specifiers) = (interval, specifiers.clone());
        survives(&index);
        let mut objects = MediaObjectIndexParameters::default();
        (objects.interval, objects.specifiers) = (interval, specifiers.clone());
        survives(&objects);
        let mut timecodes = TimecodeIndexParameters::default();
        (timecodes.interval, timecodes.specifiers) = (interval, specifiers);
        survives(&timecodes);
    }

    #[test]
    fn compatibility(profile in any::<u8>(), mode in any::<u8>()) {
        survives(&Compatibility::new(profile, mode));
    }

    #[test]
    fn advanced_encryption(records in vec(encryption_record(), 0..3)) {
        let mut body = AdvancedContentEncryption::default();
        body.records = records;
        survives(&body);
    }
}

#[test]
fn which_streams_are_encrypted() {
    assert_eq!(EncryptedObject::stream(5).stream_number(), Some(5));
    let mut other = EncryptedObject::stream(5);
    other.kind = 2;
    assert_eq!(other.stream_number(), None);
    (other.kind, other.id) = (1, Bytes::from_static(b"x"));
    assert_eq!(other.stream_number(), None, "one byte is no number");
}

#[test]
fn flags_of_a_stream() {
    let mut stream = StreamProperties::new(127, StreamKind::Audio, Bytes::new());
    assert_eq!((stream.number(), stream.encrypted()), (127, false));
    stream.flags |= 0x8000;
    assert_eq!((stream.number(), stream.encrypted()), (127, true));
}

#[test]
fn what_is_nested_must_fit() {
    let mut body = ExtendedStreamProperties::default();
    let inner = StreamProperties::new(3, StreamKind::Command, Bytes::new()).encode().unwrap();
    body.nested = Some(inner);
    let mut bytes = body.encode().unwrap().bytes.to_vec();
    for (size, expected) in [
        (23, "object at byte 104: expected a size of at least 24"),
        (
            u64::MAX,
            "Extended Stream Properties Object at byte 88: expected an object that ends with the one around it",
        ),
    ] {
        bytes[104..112].copy_from_slice(&size.to_le_bytes());
        let object = Object::from_bytes(bytes.clone().into()).unwrap();
        let error = ExtendedStreamProperties::decode(&object).unwrap_err();
        assert_eq!(error.to_string(), expected);
    }
}
