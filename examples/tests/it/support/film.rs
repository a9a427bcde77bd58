//! A file with sound and two bit rates of pictures, whose key frames are known.

use std::fs::{self, File};
use std::path::PathBuf;
use std::time::Duration;

use bytes::Bytes;
use mms_asf::testing::{self, TestStream};
use mms_asf::{FileReader, Header, Muxer, Packet, Sample};
use mms_examples::serve::{Outgoing, Title};
use mms_proto::{PlayRequest, StreamNumber};

use super::scratch::Scratch;

pub(crate) const AUDIO: u8 = 1;
/// Pictures at a low rate, with a key frame at each whole second.
pub(crate) const LOW: u8 = 2;
/// Pictures at a high rate, with a key frame half a second later.
pub(crate) const HIGH: u8 = 3;
pub(crate) const PACKET_SIZE: u32 = 500;
/// Packets are not all of one stream.
const EACH: Duration = Duration::from_millis(100);

/// One media object as it was sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Object {
    pub(crate) stream: u8,
    pub(crate) key: bool,
    /// Presentation time in milliseconds, without the preroll.
    pub(crate) time: u64,
    pub(crate) size: usize,
    pub(crate) data: Vec<u8>,
}

impl Object {
    pub(crate) fn is_whole(&self) -> bool {
        self.data.len() == self.size
    }
}

#[derive(Debug)]
pub(crate) struct Film {
    pub(crate) folder: Scratch,
    pub(crate) path: PathBuf,
    pub(crate) header: Header,
    pub(crate) packets: Vec<Bytes>,
}

impl Film {
    /// So many seconds of sound and pictures.
    pub(crate) fn new(seconds: u8) -> Self {
        let streams = [TestStream::Audio(AUDIO), TestStream::Video(LOW), TestStream::Video(HIGH)];
        Self::with(&streams, seconds)
    }

    /// Some of the streams only.
    pub(crate) fn with(streams: &[TestStream], seconds: u8) -> Self {
        let folder = Scratch::new("film");
        let path = folder.join("film.wmv");
        let header = Header::parse(&testing::live_header(PACKET_SIZE, streams)).unwrap();
        let numbers: Vec<u8> = header.stream_numbers().collect();
        let mut muxer = Muxer::new(File::create(&path).unwrap(), &header).unwrap();
        for tick in 0..u32::from(seconds) * 10 {
            let plan =
                [(AUDIO, false, 150), (LOW, tick % 10 == 0, 200), (HIGH, tick % 10 == 5, 400)];
            for (stream, key, size) in plan {
                let size = if key { size * 4 } else { size };
                let data = vec![u8::try_from(tick % 251).unwrap() ^ stream; size];
                let mut sample = Sample::new(stream, EACH * tick, data.into());
                sample.key_frame = key;
                if numbers.contains(&stream) {
                    muxer.push(&sample).unwrap();
                }
            }
        }
        drop(muxer.finish().unwrap());
        let mut film = Self { folder, path, header, packets: Vec::new() };
        film.read();
        film
    }

    /// Reads it again after a change.
    pub(crate) fn read(&mut self) {
        let mut reader = FileReader::open(File::open(&self.path).unwrap()).unwrap();
        self.packets = (0..reader.packet_count()).map(|n| reader.packet(n).unwrap()).collect();
        self.header = reader.header().clone();
    }

    /// Takes the indexes away.
    pub(crate) fn without_index(self) -> Self {
        let len = self.header.len() + self.packets.len() * PACKET_SIZE as usize;
        let bytes = fs::read(&self.path).unwrap();
        assert!(bytes.len() > len, "there is an index");
        fs::write(&self.path, &bytes[..len]).unwrap();
        self
    }

    /// Writes nonsense over a packet.
    pub(crate) fn break_packet(&mut self, number: usize) {
        let mut bytes = fs::read(&self.path).unwrap();
        let at = self.header.len() + number * PACKET_SIZE as usize;
        bytes[at..at + PACKET_SIZE as usize].fill(0xFF);
        fs::write(&self.path, bytes).unwrap();
        self.read();
    }

    pub(crate) fn title(&self) -> Title {
        Title::open(&self.path).unwrap()
    }

    /// What a play command leads to.
    pub(crate) fn play(&self, request: &PlayRequest) -> Vec<Outgoing> {
        let mut title = self.title();
        title.play(request);
        rest(&mut title)
    }

    /// The media objects of all packets.
    pub(crate) fn objects(&self) -> Vec<Object> {
        objects(&self.packets)
    }
}

pub(crate) fn stream(number: u8) -> StreamNumber {
    StreamNumber::new(number).unwrap()
}

/// Everything that is sent, up to the end; its times do not fall.
pub(crate) fn rest(title: &mut Title) -> Vec<Outgoing> {
    let mut sent: Vec<Outgoing> = Vec::new();
    while let Some(outgoing) = title.next_packet().unwrap() {
        assert!(sent.last().is_none_or(|last| last.time <= outgoing.time), "{outgoing:?}");
        sent.push(outgoing);
    }
    sent
}

pub(crate) fn bodies(sent: &[Outgoing]) -> Vec<Bytes> {
    sent.iter().map(|outgoing| outgoing.body.clone()).collect()
}

pub(crate) fn numbers(sent: &[Outgoing]) -> Vec<u32> {
    sent.iter().map(|outgoing| outgoing.number).collect()
}

/// The media objects in packets, in the order in which they begin. Fragments of which the beginning
/// is missing are objects of their own, which are not whole.
pub(crate) fn objects(packets: &[Bytes]) -> Vec<Object> {
    let mut found: Vec<Object> = Vec::new();
    let mut open: Vec<(u8, u32, usize)> = Vec::new();
    for packet in packets {
        let size = PACKET_SIZE.max(u32::try_from(packet.len()).unwrap());
        let packet = Packet::parse(packet, size).unwrap();
        for payload in packet.payloads() {
            let payload = payload.unwrap();
            let (stream, number) = (payload.stream, payload.object_number);
            let begun = open.iter().rfind(|(s, n, _)| (*s, *n) == (stream, number));
            match begun.filter(|_| payload.offset != 0) {
                Some(&(_, _, at)) => {
                    assert_eq!(found[at].data.len(), payload.offset as usize, "a hole");
                    found[at].data.extend_from_slice(payload.data);
                }
                None => {
                    open.push((stream, number, found.len()));
                    found.push(Object {
                        stream,
                        key: payload.key_frame,
                        time: u64::from(payload.presentation_time) - testing::PREROLL,
                        size: payload.object_size.unwrap() as usize,
                        data: payload.data.to_vec(),
                    });
                }
            }
        }
    }
    found
}
