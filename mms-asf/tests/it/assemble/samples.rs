//! The media objects of real files, compared with what ffprobe counts.

use std::collections::BTreeMap;

use bytes::Bytes;
use mms_asf::formats::AudioSpread;
use mms_asf::{Assembled, Assembler, Packet};

use crate::support::each_file;

/// A stream's number, and its objects, bytes and key frames.
type Counts = (u8, [usize; 3]);

/// What each stream of a file holds, as counted by ffprobe 5.1 (`-show_entries
/// packet=stream_index,size,flags`).
const OBJECTS: [(&str, &[Counts]); 9] = [
    ("audio-wmapro-24bit-557-packets-3mb.wma", &[(1, [557, 3_311_365, 557])]),
    (
        "mbr-1999-acelp-audio-2x-mp42-bitrate-mutex-2-simple-indexes.asf",
        &[(1, [11, 14_784, 11]), (2, [108, 23_451, 108]), (4, [87, 15_056, 2])],
    ),
    (
        "multilang-5x-wmav2-advmutex-language-index-marker.wma",
        &[
            (1, [60, 178_380, 60]),
            (2, [60, 178_380, 60]),
            (3, [61, 181_353, 61]),
            (4, [60, 178_380, 60]),
            (5, [60, 178_380, 60]),
        ],
    ),
    ("video-ffmpeg-mp43-1mb-simple-index.wmv", &[(1, [901, 1_008_110, 76])]),
    (
        "video-ffmpeg-wmv2-no-index-single-payload-mix.wmv",
        &[(1, [166, 361_443, 1]), (2, [131, 156_414, 131])],
    ),
    (
        "video-wmv1-script-command-object-2000s.wmv",
        &[(1, [153, 117_504, 153]), (2, [435, 675_794, 5])],
    ),
    (
        "video-wmv2-media-object-index-index-simple-index.wmv",
        &[(1, [110, 70_400, 110]), (2, [474, 351_757, 9])],
    ),
    ("video-wmv3-meeting-recorder-657-payloads.wmv", &[(1, [616, 335_772, 9])]),
    (
        "video-wvc1-with-command-stream-compressed-payloads.wmv",
        &[(2, [125, 157_528, 2]), (4, [6, 228, 6])],
    ),
];

/// Files that were cut inside a media object.
const CUT_OBJECTS: [&str; 2] = [
    "drm-wmv3-wmavoice-content-and-extended-encryption-truncated.wmv",
    "live-broadcast-flag-wmv2-no-counts-truncated-last-packet.wmv",
];

#[test]
fn media_objects_are_put_together() {
    let mut counted = 0;
    each_file(|name, mut reader| {
        let header = reader.header().clone();
        let mut assembler = Assembler::new(&header);
        let mut streams = BTreeMap::<u8, [usize; 3]>::new();
        let mut payload_bytes = 0;
        let (mut object_bytes, mut incomplete, mut descrambled) = (0, 0, 0);
        for number in 0..=reader.packet_count() {
            if number < reader.packet_count() {
                let packet = reader.packet(number).unwrap();
                assembler.push(&packet).unwrap_or_else(|e| panic!("{name}: {e}"));
                payload_bytes += media_bytes(&packet);
            } else {
                assembler.finish();
            }
            while let Some(assembled) = assembler.poll() {
                let object = match assembled {
                    Assembled::Object(object) => object,
                    Assembled::Incomplete { object, cause, .. } => {
                        println!("{name}: {cause:?}, stream {}", object.stream);
                        incomplete += 1;
                        object_bytes += object.data.len();
                        continue;
                    }
                    other => panic!("{name}: {other:?}"),
                };
                object_bytes += object.data.len();
                let [objects, bytes, keys] = streams.entry(object.stream).or_default();
                *objects += 1;
                *bytes += object.data.len();
                *keys += usize::from(object.key_frame);
                let stream = header.stream(object.stream).unwrap();
                let extensions = object.extensions(stream);
                assert!(extensions.map(|e| e.value()).all(|value| value.is_some()), "{name}");
                assert_eq!(object.extensions(stream).count(), stream.extensions.len(), "{name}");
                if let Some(spread) = AudioSpread::of(stream) {
                    descrambled += usize::from(spread.descramble(&object.data) != object.data);
                }
            }
        }
        assert_eq!(object_bytes, payload_bytes, "{name}");
        assert_eq!(incomplete, usize::from(CUT_OBJECTS.contains(&name)), "{name}");
        // The one file with ACELP audio; its last objects are shorter than the span.
        assert_eq!(descrambled, if name.contains("acelp") { 6 } else { 0 }, "{name}");
        if let Some((_, wanted)) = OBJECTS.iter().find(|(file, _)| *file == name) {
            assert_eq!(streams, wanted.iter().copied().collect(), "{name}");
            counted += 1;
        }
    });
    assert!(counted == OBJECTS.len() || std::env::var_os("MMS_SAMPLES").is_none());
}

/// The media data of a packet, without the lengths in compressed payloads.
fn media_bytes(packet: &Bytes) -> usize {
    let packet = Packet::parse(packet, u32::try_from(packet.len()).unwrap()).unwrap();
    let pieces = packet.payloads().flat_map(|payload| payload.unwrap().pieces());
    pieces.map(|piece| piece.unwrap().data.len()).sum()
}
