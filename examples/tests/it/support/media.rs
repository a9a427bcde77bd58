//! Files that FFmpeg makes for a test, and what is in them.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::BufReader;
use std::path::Path;
use std::process::Command;

use bytes::Bytes;
use mms_asf::objects::{StreamBitrate, StreamBitrates};
use mms_asf::{Assembled, Assembler, FileReader, FileWriter, Header, HeaderEditor, MediaObject};

/// The media objects of each stream, by its number.
pub(crate) type Objects = BTreeMap<u8, Vec<Object>>;

/// What makes a media object what it is, wherever it lies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Object {
    /// In milliseconds, the preroll included.
    pub(crate) time: u32,
    pub(crate) key_frame: bool,
    pub(crate) data: Bytes,
}

/// Runs FFmpeg, which writes the file.
pub(crate) fn make(arguments: &str, path: &Path) {
    let mut command = Command::new("ffmpeg");
    command.args(["-nostdin", "-v", "error", "-y"]).args(arguments.split_whitespace()).arg(path);
    let output = command.output().unwrap();
    assert!(output.status.success(), "{output:?}");
}

/// Six seconds: stream 1 is a small picture, stream 2 the same one larger, stream 3 a tone. The
/// header says what each of them takes: players choose by that, and FFmpeg does not write it.
pub(crate) fn make_multi_rate(path: &Path) {
    let raw = path.with_extension("raw.asf");
    make(
        "-f lavfi -i testsrc2=size=160x120:rate=10:duration=6 \
         -f lavfi -i testsrc2=size=320x240:rate=10:duration=6 -f lavfi -i sine=duration=6 \
         -map 0 -map 1 -map 2 -c:v wmv2 -g 20 -b:v:0 60k -b:v:1 250k -c:a wmav2 -b:a 32k",
        &raw,
    );
    let mut reader = FileReader::open(BufReader::new(File::open(&raw).unwrap())).unwrap();
    let mut rates = StreamBitrates::default();
    rates.records = [(1, 130_000), (2, 400_000), (3, 35_000)]
        .map(|(stream, rate)| StreamBitrate::new(stream, rate))
        .to_vec();
    let mut editor = HeaderEditor::new(reader.header());
    editor.set(&rates).unwrap();
    let header = editor.finish().unwrap();
    let mut writer = FileWriter::new(File::create(path).unwrap(), &header).unwrap();
    for number in 0..reader.packet_count() {
        writer.write_packet(&reader.packet(number).unwrap()).unwrap();
    }
    writer.finish().unwrap();
    fs::remove_file(raw).unwrap();
}

/// The header of a file and its packets.
pub(crate) fn read(path: &Path) -> (Header, Vec<Bytes>) {
    let mut reader = FileReader::open(BufReader::new(File::open(path).unwrap())).unwrap();
    let packets = (0..reader.packet_count()).map(|number| reader.packet(number).unwrap()).collect();
    (reader.header().clone(), packets)
}

/// What these packets hold; every media object is whole.
pub(crate) fn objects(header: &Header, packets: &[Bytes]) -> Objects {
    let mut assembler = Assembler::new(header);
    let mut objects = Objects::new();
    for packet in packets {
        assembler.push(packet).unwrap();
        while let Some(assembled) = assembler.poll() {
            let Assembled::Object(object) = assembled else { panic!("{assembled:?}") };
            let MediaObject { stream, presentation_time: time, key_frame, data, .. } = object;
            objects.entry(stream).or_default().push(Object { time, key_frame, data });
        }
    }
    assembler.finish();
    assert_eq!(assembler.poll(), None);
    objects
}
