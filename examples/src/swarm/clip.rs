//! What is played: a file of 64 kbit/s, ten packets a second.

use std::fs::{self, File};
use std::io::BufWriter;
use std::path::{Path, PathBuf};
use std::time::Duration;

use bytes::Bytes;
use mms_asf::formats::AudioFormat;
use mms_asf::objects::{FileProperties, StreamProperties};
use mms_asf::{Error, FileError, HeaderEditor, Muxer, Sample};

use super::SwarmError;

/// Bits per second of the file.
pub(super) const RATE: u32 = 64_000;
/// Packets in a second.
const A_SECOND: u32 = 10;
/// Bytes of a packet.
const PACKET: u32 = RATE / 8 / A_SECOND;
/// Bytes of media in each: what room is left is too little for a part of the next block.
const BLOCK: usize = PACKET as usize - 50;

/// A file in a folder of its own, which goes when this does.
#[derive(Debug)]
pub(super) struct Clip {
    folder: PathBuf,
    file: PathBuf,
    packets: u64,
}

impl Clip {
    /// Makes the file. Beside the stream that plays, its header declares so many that are empty.
    pub(super) fn make(time: Duration, empty: u8) -> Result<Self, SwarmError> {
        let id = uuid::Uuid::new_v4();
        let folder = std::env::temp_dir().join(format!("mms-swarm-{id}"));
        fs::create_dir(&folder)?;
        let file = folder.join("swarm.wma");
        // From here on the folder goes, whatever happens.
        let mut clip = Self { folder, file, packets: 0 };
        clip.packets = write(&clip.file, time, empty)?;
        Ok(clip)
    }

    pub(super) fn path(&self) -> &Path {
        &self.file
    }

    pub(super) fn packets(&self) -> u64 {
        self.packets
    }
}

impl Drop for Clip {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// Writes the file, and says how many packets it has.
fn write(path: &Path, time: Duration, empty: u8) -> Result<u64, SwarmError> {
    let mut file = FileProperties::new(uuid::Uuid::new_v4(), PACKET);
    file.preroll = Duration::from_secs(3);
    file.max_bit_rate = RATE;
    let mut format = AudioFormat::new(AudioFormat::WMA_2, 2, 44_100);
    (format.avg_bytes, format.block_align) = (RATE / 8, u16::try_from(BLOCK).unwrap_or(u16::MAX));
    let header = |file: &FileProperties| -> Result<_, Error> {
        let mut header = HeaderEditor::create(file)?;
        for number in 1..=empty.saturating_add(1) {
            header.add(&StreamProperties::with_format(number, &format.clone().into())?)?;
        }
        header.finish()
    };
    let header = header(&file).map_err(FileError::from)?;
    let mut muxer = Muxer::new(BufWriter::new(File::create(path)?), &header)?;
    let count = time.as_secs().saturating_mul(A_SECOND.into());
    for number in 0..count {
        let at = Duration::from_millis(number.saturating_mul(1_000 / u64::from(A_SECOND)));
        let block = Bytes::from(vec![number.to_le_bytes()[0]; BLOCK]);
        let mut sample = Sample::new(1, at, block);
        sample.duration = Some(Duration::from_millis(1_000 / u64::from(A_SECOND)));
        muxer.push(&sample)?;
    }
    muxer.finish()?;
    Ok(count)
}

#[cfg(test)]
mod tests {
    use mms_asf::{FileReader, Packet};

    use super::*;

    #[test]
    fn one_packet_each_100_ms() {
        let clip = Clip::make(Duration::from_secs(3), 0).unwrap();
        let mut reader = FileReader::open(File::open(clip.path()).unwrap()).unwrap();
        assert_eq!((reader.packet_count(), clip.packets()), (30, 30));
        assert_eq!(reader.header().file().max_bit_rate, RATE);
        assert_eq!(reader.header().file().media_duration(), Duration::from_secs(3));
        for number in 0..30 {
            let packet = reader.packet(number).unwrap();
            let packet = Packet::parse(&packet, PACKET).unwrap();
            assert_eq!(u64::from(packet.send_time()), number * 100);
        }
        let more = Clip::make(Duration::from_secs(3), 7).unwrap();
        let reader = FileReader::open(File::open(more.path()).unwrap()).unwrap();
        assert_eq!((reader.packet_count(), reader.header().streams().len()), (30, 8));
        let folder = clip.folder.clone();
        assert!(folder.exists());
        drop(clip);
        assert!(!folder.exists());
    }
}
