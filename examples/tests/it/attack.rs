//! A server under attack: the attackers, and the honest player that must not notice.

mod floods;
mod half_open;
pub(crate) mod honest;
mod hostile;
mod names;
pub(crate) mod raw;

use std::fs::File;
use std::path::{Path, PathBuf};

use mms_asf::{FileReader, FileWriter};

pub(crate) const CLIP: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/clips/test-pattern.wmv");

/// Writes the clip so many times in a row: more than the system takes at once from a server whose
/// player does not read.
pub(crate) fn long_clip(folder: &Path, times: usize) -> PathBuf {
    let path = folder.join("long.wmv");
    let mut reader = FileReader::open(File::open(CLIP).unwrap()).unwrap();
    let header = reader.header().clone();
    let mut writer = FileWriter::new(File::create(&path).unwrap(), &header).unwrap();
    let count = reader.packet_count();
    for number in (0..times).flat_map(|_| 0..count) {
        writer.write_packet(&reader.packet(number).unwrap()).unwrap();
    }
    writer.finish().unwrap();
    path
}
