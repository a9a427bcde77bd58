//! The formats of streams: what was written is read again, and real files are written as they are.

use bytes::Bytes;
use mms_asf::formats::{
    AudioFormat, AudioSpread, BinaryFormat, DegradableJpegFormat, Extensible, JfifFormat,
    StreamFormat, VideoFormat, Wma2,
};
use mms_asf::objects::{Body, StreamProperties};
use mms_asf::{StreamKind, guid};
use proptest::prelude::*;
use uuid::Uuid;

const KINDS: [StreamKind; 8] = [
    StreamKind::Audio,
    StreamKind::Video,
    StreamKind::Command,
    StreamKind::Jfif,
    StreamKind::DegradableJpeg,
    StreamKind::FileTransfer,
    StreamKind::Binary,
    StreamKind::Other(Uuid::nil()),
];

/// Reads what was written, with more behind it, and every cut of it without a panic.
fn survives(format: &StreamFormat) {
    let bytes = format.encode().unwrap();
    assert_eq!(&StreamFormat::parse(format.kind(), &bytes), format);
    if !matches!(format, StreamFormat::Command) {
        let longer: Bytes = [&bytes[..], b"more"].concat().into();
        let again = StreamFormat::parse(format.kind(), &longer).encode().unwrap();
        // Without a size field the first two bytes that follow are one.
        assert!(again == bytes || bytes.len() == 16, "{format:?}");
    }
    for len in 0..bytes.len() {
        let cut = StreamFormat::parse(format.kind(), &bytes.slice(..len));
        assert!(cut.encode().unwrap().len() <= bytes.len());
    }
}

fn bytes(len: usize) -> impl Strategy<Value = Bytes> {
    prop::collection::vec(any::<u8>(), 0..=len).prop_map(Bytes::from)
}

fn audio() -> impl Strategy<Value = AudioFormat> {
    let numbers = (any::<[u16; 4]>(), any::<[u32; 2]>(), any::<u16>());
    (numbers, prop::option::of(bytes(60))).prop_map(|(numbers, codec_data)| {
        let ([codec, channels, block_align, _], [rate, avg_bytes], bits) = numbers;
        let mut audio = AudioFormat::new(codec, channels, rate);
        (audio.avg_bytes, audio.block_align, audio.bits_per_sample) =
            (avg_bytes, block_align, bits);
        audio.codec_data = codec_data;
        audio
    })
}

fn video() -> impl Strategy<Value = VideoFormat> {
    let size = (any::<[u32; 3]>(), 1..=0x7FFF_FFFF_u32, any::<bool>(), any::<u8>());
    let more = (any::<[u16; 2]>(), any::<[u8; 4]>(), any::<[u32; 3]>(), any::<[u32; 2]>());
    (size, more, prop::option::of(200_u32..), bytes(60)).prop_map(|(size, more, declared, data)| {
        let ([encoded_width, encoded_height, width], height, top_down, reserved) = size;
        let ([planes, bits], fourcc, [image, used, important], resolution) = more;
        let mut video = VideoFormat::new(fourcc, width, height);
        (video.encoded_width, video.encoded_height) = (encoded_width, encoded_height);
        (video.reserved, video.top_down) = (reserved, top_down);
        (video.planes, video.bit_count, video.image_size) = (planes, bits, image);
        (video.colours_used, video.colours_important) = (used, important);
        (video.resolution, video.declared_size, video.codec_data) = (resolution, declared, data);
        video
    })
}

fn binary() -> impl Strategy<Value = BinaryFormat> {
    (any::<[u128; 3]>(), any::<[bool; 2]>(), any::<u32>(), bytes(60)).prop_map(
        |([major, subtype, format_type], [fixed, temporal], size, data)| {
            let [major, subtype, format_type] = [major, subtype, format_type].map(Uuid::from_u128);
            let mut binary = BinaryFormat::new(major, subtype);
            (binary.fixed_size, binary.temporal_compression) = (fixed, temporal);
            (binary.sample_size, binary.format_type) = (size, format_type);
            binary.format_data = data;
            binary
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn every_format_survives(
        audio in audio(),
        video in video(),
        binary in binary(),
        size in any::<[u32; 3]>(),
        shared in bytes(60),
    ) {
        survives(&audio.into());
        survives(&video.into());
        survives(&StreamFormat::Binary(binary.clone()));
        survives(&StreamFormat::FileTransfer(binary));
        survives(&StreamFormat::Command);
        let mut jfif = JfifFormat::new(size[0], size[1]);
        jfif.reserved = size[2];
        survives(&jfif.into());
        survives(&DegradableJpegFormat::new(size[0], size[1], shared).into());
    }

    #[test]
    fn codec_data_survives(
        numbers in any::<(u16, u32, u16, u32)>(),
        sub_format in any::<u128>(),
        data in bytes(20),
    ) {
        let (bits, mask, tag, align) = numbers;
        let mut extensible = Extensible::new(tag, bits, mask);
        prop_assert_eq!(extensible.tag(), Some(tag));
        extensible.codec_data = data.clone();
        prop_assert_eq!(Extensible::parse(&extensible.to_bytes()), Ok(extensible.clone()));
        extensible.sub_format = Uuid::from_u128(sub_format);
        prop_assert_eq!(Extensible::parse(&extensible.to_bytes()), Ok(extensible));
        let wma2 = Wma2::new(mask, bits, align);
        prop_assert_eq!(wma2.to_bytes().len(), 10);
        prop_assert_eq!(Wma2::parse(&wma2.to_bytes()), Ok(wma2));

        let mut spread = AudioSpread::none(bits);
        prop_assert_eq!(&spread.encode().unwrap()[5..], &[1, 0, 0]);
        spread.silence = data;
        let mut stream = StreamProperties::new(1, StreamKind::Audio, Bytes::new());
        stream.set_spread(&spread).unwrap();
        let stream = StreamProperties::decode(&stream.encode().unwrap()).unwrap();
        prop_assert_eq!(stream.spread(), Some(spread));
    }

    /// Whatever it is, it is read, and what was read is written in a form that reads the same.
    #[test]
    fn any_bytes(data in bytes(120)) {
        for kind in KINDS {
            let read = StreamFormat::parse(kind, &data);
            prop_assert_eq!(read.kind(), kind);
            if let Ok(bytes) = read.encode() {
                prop_assert_eq!(StreamFormat::parse(kind, &bytes), read);
            }
        }
    }
}

#[test]
fn what_is_too_short_is_opaque() {
    let data = Bytes::from_static(&[0; 15]);
    for kind in [StreamKind::Audio, StreamKind::Video, StreamKind::Binary, StreamKind::Command] {
        let read = StreamFormat::parse(kind, &data);
        assert_eq!(read, StreamFormat::Opaque(kind, data.clone()));
        assert_eq!(read.encode().unwrap(), data);
    }
    // Fewer than 40 bytes of format data, though they are there.
    let mut video = VideoFormat::new(*b"WMV3", 320, 240).encode().unwrap().to_vec();
    video[9] = 39;
    let read = StreamFormat::parse(StreamKind::Video, &video.into());
    assert!(matches!(read, StreamFormat::Opaque(StreamKind::Video, _)));
}

#[test]
fn which_streams_get_error_correction() {
    let audio = |tag, block_align| {
        let mut audio = AudioFormat::new(tag, 2, 44_100);
        audio.block_align = block_align;
        StreamProperties::with_format(1, &audio.into()).unwrap()
    };
    for tag in [0x000A, 0x0161, 0x0162, 0x0163] {
        let stream = audio(tag, 2_973);
        assert_eq!(stream.error_correction, guid::AUDIO_SPREAD);
        assert_eq!(stream.spread(), Some(AudioSpread::none(2_973)));
        assert_eq!(stream.error_correction_data, &[1, 0x9D, 0x0B, 0x9D, 0x0B, 1, 0, 0][..]);
    }
    let video = VideoFormat::new(*b"WMV3", 320, 240);
    let video = StreamProperties::with_format(2, &video.into()).unwrap();
    for stream in [audio(0x0055, 1), audio(0x00FF, 1), audio(0x1600, 1), video] {
        assert_eq!(stream.error_correction, guid::NO_ERROR_CORRECTION);
        assert_eq!((stream.spread(), stream.error_correction_data.len()), (None, 0));
    }
}

/// Every stream of every sample has a format that is written as it stands in the file.
#[test]
fn real_formats_are_written_as_they_are() {
    let mut seen = [0; 8];
    let mut spreads = 0;
    crate::support::each_file(|name, reader| {
        for stream in reader.header().streams() {
            let format = stream.format();
            assert!(!matches!(format, StreamFormat::Opaque(..)), "{name}: {format:?}");
            assert_eq!(format.encode().unwrap(), stream.type_specific, "{name}: {format:?}");
            seen[KINDS.iter().position(|kind| *kind == stream.kind).unwrap()] += 1;
            match &format {
                StreamFormat::Audio(audio) => {
                    assert!(!stream.codec_name().starts_with("audio"), "{name}: {audio:?}");
                    assert_eq!(audio.wma2().is_some(), audio.codec == AudioFormat::WMA_2);
                }
                StreamFormat::Video(video) => {
                    assert!(video.codec_title().is_some(), "{name}: {video:?}");
                    assert_eq!(video.encoded_width, video.width, "{name}");
                }
                StreamFormat::Binary(binary) => assert_eq!(binary.subtype, Uuid::nil(), "{name}"),
                _ => {}
            }
            if stream.error_correction == guid::AUDIO_SPREAD {
                let spread = AudioSpread::parse(&stream.error_correction_data).unwrap();
                assert_eq!(spread.encode().unwrap(), stream.error_correction_data, "{name}");
                assert!(matches!(spread.span, 1 | 7), "{name}: {spread:?}");
                spreads += 1;
            }
        }
    });
    if crate::support::samples().is_some() {
        assert_eq!(seen, [71, 30, 2, 1, 0, 0, 1, 0], "streams in the order of KINDS");
        assert_eq!(spreads, 67);
    }
}
