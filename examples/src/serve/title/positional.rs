//! A file that is read at positions: it has none of its own that its readers could move.

use std::fs::File;
use std::io::{self, ErrorKind, Read, Seek, SeekFrom};

/// A reader's position in a file. To seek is no system call.
#[derive(Debug)]
pub(super) struct Positional {
    file: File,
    position: u64,
}

impl Positional {
    pub(super) fn new(file: File) -> Self {
        Self { file, position: 0 }
    }
}

impl Read for Positional {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        let count = read_at(&self.file, bytes, self.position)?;
        self.position = self.position.saturating_add(count as u64);
        Ok(count)
    }
}

impl Seek for Positional {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let position = match to {
            SeekFrom::Start(position) => Some(position),
            SeekFrom::Current(distance) => self.position.checked_add_signed(distance),
            SeekFrom::End(distance) => self.file.metadata()?.len().checked_add_signed(distance),
        };
        self.position = position.ok_or(ErrorKind::InvalidInput)?;
        Ok(self.position)
    }
}

#[cfg(unix)]
fn read_at(file: &File, bytes: &mut [u8], position: u64) -> io::Result<usize> {
    std::os::unix::fs::FileExt::read_at(file, bytes, position)
}

#[cfg(windows)]
fn read_at(file: &File, bytes: &mut [u8], position: u64) -> io::Result<usize> {
    std::os::windows::fs::FileExt::seek_read(file, bytes, position)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seeks_and_reads_as_a_file_does() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/clips/test-pattern.wmv");
        let mut plain = File::open(path).unwrap();
        let mut positional = Positional::new(File::open(path).unwrap());
        let len = i64::try_from(plain.metadata().unwrap().len()).unwrap();
        for to in [
            SeekFrom::Start(0),
            SeekFrom::Start(70),
            SeekFrom::Current(-30),
            SeekFrom::Current(500),
            SeekFrom::End(-100),
            SeekFrom::End(100),
            SeekFrom::Start(1 << 40),
        ] {
            assert_eq!(positional.seek(to).unwrap(), plain.seek(to).unwrap(), "{to:?}");
            let (mut one, mut other) = ([0; 200], [0; 200]);
            assert_eq!(positional.read(&mut one).unwrap(), plain.read(&mut other).unwrap());
            assert_eq!(one, other, "{to:?}");
        }
        for to in [SeekFrom::Current(i64::MIN), SeekFrom::End(-len - 1)] {
            assert_eq!(positional.seek(to).unwrap_err().kind(), ErrorKind::InvalidInput);
        }
    }
}
