//! Live content from a pipe: ASF as files hold it and as FFmpeg's muxer `asf_stream` writes it.

use std::io::Read;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{self, Receiver};
use std::time::Duration;

use crate::support::fed::{Fed, headers, packets};
use crate::support::peers;
use bytes::Bytes;
use mms_asf::Header;
use mms_asf::testing::{self, TestStream};
use mms_examples::serve::feed::{FeedItem, FeedSource};
use proptest::prelude::*;

const SIZE: u32 = 200;
const STREAMS: [TestStream; 1] = [TestStream::Audio(1)];

/// Hands out bytes in pieces of these lengths, and the rest at once.
struct Pieces {
    bytes: Bytes,
    cuts: std::vec::IntoIter<usize>,
}

impl Read for Pieces {
    fn read(&mut self, room: &mut [u8]) -> std::io::Result<usize> {
        let cut = self.cuts.next().unwrap_or(usize::MAX).max(1);
        let count = cut.min(room.len()).min(self.bytes.len());
        room[..count].copy_from_slice(&self.bytes.split_to(count));
        Ok(count)
    }
}

fn items(bytes: &[u8], cuts: Vec<usize>) -> Vec<FeedItem> {
    let input = Pieces { bytes: Bytes::copy_from_slice(bytes), cuts: cuts.into_iter() };
    Fed::start(FeedSource::Reader(Box::new(input))).all()
}

fn packet(number: u32) -> Bytes {
    testing::packet(number, SIZE, &number.to_le_bytes())
}

/// Two chained files of which the first is damaged and has an index, and the last is cut.
fn plain() -> Vec<u8> {
    let mut bytes = testing::header(SIZE, 9, &STREAMS).to_vec();
    (0..9).for_each(|number| bytes.extend(packet(number)));
    bytes.extend([7; 55]);
    (9..14).for_each(|number| bytes.extend(packet(number)));
    bytes.extend(testing::header(SIZE, 4, &STREAMS));
    (0..4).for_each(|number| bytes.extend(packet(number)));
    bytes.extend(&packet(4)[..70]);
    bytes
}

fn chunk(kind: u8, payload: &[u8]) -> Vec<u8> {
    let length = u16::try_from(payload.len() + 8).unwrap().to_le_bytes();
    let head = [b'$', kind, length[0], length[1], 1, 0, 0, 0, 0, 0, length[0], length[1]];
    [&head[..], payload].concat()
}

fn chunked() -> Vec<u8> {
    let mut bytes = chunk(b'H', &testing::live_header(SIZE, &STREAMS));
    (0..9).for_each(|number| bytes.extend(chunk(b'D', &packet(number))));
    bytes.extend(b"between $");
    (9..12).for_each(|number| bytes.extend(chunk(b'D', &packet(number))));
    bytes.extend(chunk(b'E', b""));
    bytes.extend(&chunk(b'D', &packet(12))[..70]);
    bytes
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn cuts_make_no_difference(
        cuts in prop::collection::vec(1_usize..400, 0..60),
        in_chunks: bool,
    ) {
        let bytes = if in_chunks { chunked() } else { plain() };
        prop_assert_eq!(items(&bytes, cuts), items(&bytes, Vec::new()));
    }
}

#[test]
fn byte_by_byte() {
    for bytes in [plain(), chunked()] {
        let at_once = items(&bytes, Vec::new());
        let own =
            |item: &FeedItem| !matches!(item, FeedItem::Packet(packet) if !packet.is_unique());
        assert!(at_once.iter().all(own), "a packet keeps more than itself alive");
        assert_eq!(items(&bytes, vec![1; bytes.len()]), at_once);
    }
}

#[test]
fn a_file_is_brought_as_a_broadcast() {
    let items = items(&plain(), Vec::new());
    let wanted: Vec<_> = (0..14).chain(0..4).map(packet).collect();
    assert_eq!(packets(&items), wanted);
    let headers = headers(&items);
    assert_eq!(headers.len(), 2);
    for bytes in headers {
        assert_eq!(bytes.len(), testing::header(SIZE, 9, &STREAMS).len());
        let header = Header::parse(&bytes).unwrap();
        assert!(header.file().broadcast());
        assert_eq!(header.file().packet_count, 0);
    }
    let notes = items.iter().filter(|item| matches!(item, FeedItem::Note(_))).count();
    assert_eq!(notes, 2, "the first damage, and how much there was: {items:?}");
    assert_eq!(items.last(), Some(&FeedItem::End));
}

#[test]
fn chunks_are_what_they_hold() {
    let items = items(&chunked(), Vec::new());
    assert_eq!(packets(&items), (0..12).map(packet).collect::<Vec<_>>());
    assert_eq!(items.last(), Some(&FeedItem::End));
}

#[test]
fn what_is_no_asf_fails() {
    for bytes in [&b"RIFF and so on, for long enough to be seen as none"[..], b"", b"$"] {
        let items = items(bytes, Vec::new());
        assert!(matches!(items[..], [FeedItem::Failed(_)]), "{items:?}");
    }
    // A packet that no player could be sent.
    let header = testing::live_header(65_528, &STREAMS);
    assert!(matches!(items(&header, Vec::new())[..], [FeedItem::Failed(_)]));
}

/// A broadcast without end that counts what was read of it.
struct Endless {
    rest: Bytes,
    next: u32,
    read: Arc<AtomicUsize>,
}

impl Read for Endless {
    fn read(&mut self, room: &mut [u8]) -> std::io::Result<usize> {
        if self.rest.is_empty() {
            self.rest = packet(self.next);
            self.next += 1;
        }
        let count = room.len().min(self.rest.len());
        room[..count].copy_from_slice(&self.rest.split_to(count));
        self.read.fetch_add(count, Ordering::SeqCst);
        Ok(count)
    }
}

#[test]
fn a_pipe_is_read_as_far_as_packets_are_taken() {
    let read = Arc::new(AtomicUsize::new(0));
    let rest = testing::live_header(SIZE, &STREAMS);
    let header = rest.len();
    let input = Endless { rest, next: 0, read: Arc::clone(&read) };
    let fed = Fed::start(FeedSource::Reader(Box::new(input)));
    for taken in 0..500 {
        fed.next();
        if taken % 100 == 0 {
            // Time to run ahead, if nothing holds it.
            std::thread::sleep(Duration::from_millis(20));
        }
        let packets = (read.load(Ordering::SeqCst) - header) / SIZE as usize;
        assert!(packets <= taken + 40, "{packets} packets read, {taken} taken");
    }
    fed.stop();
}

/// Waits for what is written, as a pipe does.
struct Pipe(Receiver<Bytes>);

impl Read for Pipe {
    fn read(&mut self, room: &mut [u8]) -> std::io::Result<usize> {
        let Ok(bytes) = self.0.recv() else { return Ok(0) };
        room[..bytes.len()].copy_from_slice(&bytes);
        Ok(bytes.len())
    }
}

#[test]
fn a_packet_is_brought_when_it_is_there() {
    let header = testing::live_header(SIZE, &STREAMS);
    let plain = vec![header.clone(), packet(0), packet(1), packet(2)];
    let mut chunks = vec![Bytes::from(chunk(b'H', &header))];
    chunks.extend((0..3).map(|number| chunk(b'D', &packet(number)).into()));
    for written in [plain, chunks] {
        let (writer, pipe) = mpsc::channel();
        let fed = Fed::start(FeedSource::Reader(Box::new(Pipe(pipe))));
        writer.send(written[0].clone()).unwrap();
        assert_eq!(fed.next(), FeedItem::Header(header.clone()));
        for number in 0..3 {
            writer.send(written[number as usize + 1].clone()).unwrap();
            assert_eq!(fed.next(), FeedItem::Packet(packet(number)));
        }
        // Dropping it does not wait for a writer that says nothing.
        drop(fed);
        drop(writer);
    }
}

/// What FFmpeg's muxer writes of one second of video and sound.
fn ffmpeg(muxer: &str) -> Vec<u8> {
    let inputs = "-v error -f lavfi -i testsrc=s=160x120:r=10:d=2 -f lavfi -i sine=d=2";
    let output = format!("-c:v wmv2 -g 5 -b:v 200k -c:a wmav2 -flags bitexact -f {muxer} -");
    let arguments = format!("{inputs} {output}");
    let output =
        Command::new("ffmpeg").args(arguments.split(' ')).stdin(Stdio::null()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

#[test]
fn ffmpeg_writes_the_same_packets_with_both_muxers() {
    if !peers::is_here("ffmpeg") {
        return;
    }
    let stream = ffmpeg("asf_stream");
    assert!(stream.starts_with(b"$H"), "its chunks are what this is about");
    let [stream, file] = [stream, ffmpeg("asf")].map(|bytes| items(&bytes, vec![1_000; 20]));
    assert!(packets(&stream).len() > 10);
    assert_eq!(packets(&stream), packets(&file));
    assert_eq!(headers(&stream).len(), 1);
    assert_eq!(stream.last(), Some(&FeedItem::End));
}
