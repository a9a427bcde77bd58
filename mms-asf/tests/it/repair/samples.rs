//! Real files.

use std::io::{Read as _, Seek as _};

use mms_asf::FileError;

use crate::repair::harness::{checked, short};
use crate::support::{REFUSED, each_file, samples};

/// Without a whole packet.
const NO_PACKETS: [&str; 9] = [
    "broken-object-size-23.wma",
    "data-emptied-data-size-50-count-0-header-says-260.wma",
    "drm-wmav2-all-three-drm-objects-encrypted-flag-header-only.wma",
    "live-header-only-wmav2-plus-command-stream-count-ffffffff.wma",
    "tags-media-class-guids-truncated.wma",
    "tags-picture-lossless-truncated-before-first-packet.wma",
    "truncated-2500-bytes-lossless.wma",
    "video-smallest-535-bytes-zero-packets.wmv",
    "video-wvp2-header-and-metadata-only.wmv",
];
/// Old bytes between header and Data Object, which the output does not have.
const ELSEWHERE: &str = "broken-header-size-578-but-data-object-at-4430.wma";

/// The files that do not come out as they are, and why.
const CHANGED: [(&str, &[&str]); 20] = [
    // A size of 0.
    ("broken-object-size-zero-infinite-loop.wma", &["Header"]),
    // Cut.
    ("audio-wmalossless-13406byte-packets-truncated-1mb.wma", &CUT_WITH_INDEX),
    ("audio-wmapro-5.1-truncated-30kb.wma", &CUT_WITH_INDEX),
    (
        "drm-wmv3-wmavoice-content-and-extended-encryption-truncated.wmv",
        &["Filled", "PacketCount", "PlayDuration", "SendDuration", "FileSize", "IndexMade"],
    ),
    ("tags-id3v2-in-byte-array-truncated.wma", &CUT),
    ("truncated-32000-bytes-wmav2.wma", &CUT),
    // Recorded live and cut.
    (
        "live-broadcast-flag-wmv2-no-counts-truncated-last-packet.wmv",
        &[
            "Cut",
            "Broadcast",
            "PacketCount",
            "PlayDuration",
            "SendDuration",
            "FileSize",
            "IndexMade",
        ],
    ),
    // The durations are those of the file from which the packets were taken.
    ("audio-2000-wmav2-span-vpl448-flags0.wma", &["PlayDuration", "Seekable"]),
    ("tags-grouping.wma", &["PlayDuration", "SendDuration", "FileSize"]),
    // Audio that was not marked as seekable, with pictures beside it.
    ("slideshow-1999-jfif-stream-mp3-script-command.asf", &["Seekable"]),
    // Edited by programs that do not count.
    ("tags-multiple-values-and-images.wma", &["FileSize"]),
    ("wrong-file-size-20kb-padding.wma", &["FileSize"]),
    ("wrong-file-size-290-bytes-too-big.wma", &["FileSize"]),
    // Video whose index ends early, or that has none.
    ("video-ffmpeg-mp43-1mb-simple-index.wmv", &["ObjectLeftOut", "FileSize", "IndexMade"]),
    ("video-g2m2-meeting-plus-wmav2.asf", &["ObjectLeftOut", "FileSize", "IndexMade"]),
    ("video-ffmpeg-wmv2-no-index-single-payload-mix.wmv", &["FileSize", "IndexMade"]),
    ("video-g2m4-no-index.asf", &["FileSize", "IndexMade"]),
    ("video-mp4s-no-index-flags0.wmv", &["FileSize", "IndexMade", "Seekable"]),
    ("video-wmv1-no-index-flags0.wmv", &["FileSize", "IndexMade", "Seekable"]),
    ("video-wmv3-no-index-flags0.wmv", &["FileSize", "IndexMade", "Seekable"]),
];
const CUT: [&str; 5] = ["Cut", "PacketCount", "PlayDuration", "SendDuration", "FileSize"];
const CUT_WITH_INDEX: [&str; 6] =
    ["Cut", "PacketCount", "PlayDuration", "SendDuration", "FileSize", "IndexMade"];

#[test]
fn whole_files_come_out_as_they_are() {
    let (mut copied, mut refused, mut changed) = (0, 0, 0);
    each_file(|name, reader| {
        if name == ELSEWHERE {
            return;
        }
        let mut input = Vec::new();
        let size = reader.header().file().packet_size as usize;
        let (packets, start) = (reader.packet_count(), reader.header().len());
        let mut file = reader.into_inner();
        file.rewind().unwrap();
        file.read_to_end(&mut input).unwrap();
        let (found, out, repaired) = match checked(&input) {
            Ok(got) => got,
            Err(FileError::NoPackets) => {
                assert!(NO_PACKETS.contains(&name), "{name}");
                refused += 1;
                return;
            }
            Err(error) => panic!("{name}: {error}"),
        };
        let end = start + usize::try_from(packets).unwrap() * size;
        // A last packet that was cut is kept as far as its payloads are whole.
        let filled = short(&repaired.changes).iter().filter(|change| *change == "Filled").count();
        assert_eq!(found.packets.len() as u64, packets + filled as u64, "{name}");
        assert!(out[start..end] == input[start..end], "{name}");
        let expected = CHANGED.iter().find(|(file, _)| *file == name);
        assert_eq!(
            short(&repaired.changes),
            expected.map_or(&[][..], |(_, changes)| changes),
            "{name}"
        );
        assert_eq!(out == input, expected.is_none(), "{name}");
        copied += usize::from(expected.is_none());
        changed += usize::from(expected.is_some());
    });
    if samples().is_some() {
        assert_eq!((copied, changed, refused), (51, 20, 9));
    }
}

#[test]
fn broken_headers_are_refused() {
    for (name, path) in samples().unwrap_or_default() {
        let got = checked(&std::fs::read(path).unwrap());
        if name == ELSEWHERE {
            let (_, _, repaired) = got.unwrap();
            assert_eq!(short(&repaired.changes), ["Header", "Damage", "FileSize"]);
        } else if REFUSED.contains(&name.as_str()) {
            assert!(matches!(got, Err(FileError::Format(_))), "{name}: {got:?}");
        }
    }
}
