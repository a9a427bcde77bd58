//! libmms seeks while it plays, to bytes, packets and times.
//!
//! Where it is not installed the tests are skipped and say so; with `MMS_REQUIRE_PEERS=1` they fail.

#![cfg(unix)]

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::time::Duration;

use crate::support::players::Peer::Libmms;
use crate::support::scratch::Scratch;
use crate::support::served::Served;
use mms_asf::FileReader;
use mms_examples::serve::{Options, Pace};

const CLIP: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/clips/test-pattern.wmv");

/// The clip, at the pace of the file, so that a seek finds the server streaming: libmms takes an
/// end of the first run that is on its way already for the end of the second.
struct Fixture {
    served: Served,
    scratch: Scratch,
    header: usize,
    packet_size: usize,
    /// Header and packets, without the index behind them.
    bytes: Vec<u8>,
}

impl Fixture {
    fn new() -> Self {
        let mut options = Options::new(CLIP);
        options.pace = Pace::BitRate;
        let reader = FileReader::open(File::open(CLIP).unwrap()).unwrap();
        let header = reader.header().len();
        let packet_size = reader.header().file().packet_size as usize;
        let mut bytes = fs::read(CLIP).unwrap();
        bytes.truncate(header + usize::try_from(reader.packet_count()).unwrap() * packet_size);
        let scratch = Scratch::new("players-seek");
        Self { served: Served::start(options), scratch, header, packet_size, bytes }
    }

    fn packet(&self, number: usize) -> usize {
        self.header + number * self.packet_size
    }

    /// Where a time seek of libmms leads to: so early that pictures and sound can be decoded at that
    /// time. It adds the preroll to the time that it is told, and the protocol does not.
    fn at_time(&self, seconds: f64) -> usize {
        let mut reader = FileReader::open(File::open(CLIP).unwrap()).unwrap();
        let preroll = reader.header().file().preroll;
        let time = Duration::from_secs_f64(seconds + preroll.as_secs_f64());
        let streams: Vec<u8> = reader.header().stream_numbers().collect();
        let points = streams.into_iter().map(|stream| reader.seek(time, stream).unwrap().packet);
        self.packet(usize::try_from(points.min().unwrap()).unwrap())
    }

    /// Lets libmms seek, and compares where it goes on and what it reads there. Two packets are
    /// read after each seek, one more where it is by packet, and all after the last.
    fn libmms_seeks(&self, seeks: &[(&str, String, usize)]) {
        let into = self.scratch.join("fetched");
        let mut command = Libmms.command(&self.scratch);
        command.arg(format!("mmst://{}/test-pattern.wmv", self.served.address)).arg(&into);
        for (how, place, _) in seeks {
            command.args([how, place.as_str()]);
        }
        let output = command.output().unwrap();
        assert!(output.status.success(), "{output:?}, {:?}", self.served.lines());
        let places: Vec<usize> = std::str::from_utf8(&output.stdout)
            .unwrap()
            .lines()
            .map(|at| at.parse().unwrap())
            .collect();
        let wanted: Vec<usize> = seeks.iter().map(|&(_, _, place)| place).collect();
        assert_eq!(places, wanted);
        let pieces: Vec<&[u8]> = seeks
            .iter()
            .enumerate()
            .map(|(index, &(how, _, place))| {
                let packets = if how == "packet" { 3 } else { 2 };
                let last = index + 1 == seeks.len();
                let end = if last { self.bytes.len() } else { place + packets * self.packet_size };
                &self.bytes[place..end]
            })
            .collect();
        let fetched = fs::read(into).unwrap();
        assert_eq!(fetched.len(), pieces.concat().len());
        assert!(fetched == pieces.concat(), "other bytes");
    }
}

#[test]
fn libmms_seeks_to_bytes() {
    let fixture = Fixture::new();
    if !Libmms.is_here(&fixture.scratch) {
        return;
    }
    let seeks = [fixture.packet(70) + 1, fixture.packet(8), fixture.packet(60) + 100];
    fixture.libmms_seeks(&seeks.map(|place| ("byte", place.to_string(), place)));
}

#[test]
fn libmms_seeks_to_packets() {
    // MMSP-S-045
    let fixture = Fixture::new();
    if !Libmms.is_here(&fixture.scratch) {
        return;
    }
    let seeks = [50, 4, 80, 71];
    let seeks = seeks.map(|number| ("packet", number.to_string(), fixture.packet(number)));
    fixture.libmms_seeks(&seeks);
}

#[test]
fn libmms_seeks_to_times() {
    // MMSP-S-045
    let fixture = Fixture::new();
    if !Libmms.is_here(&fixture.scratch) {
        return;
    }
    // The clip has a key frame every two seconds, and the preroll is three.
    let seeks = [1.5, -2.0, 0.25, 1.0].map(|time| (time, fixture.at_time(time)));
    let places: BTreeSet<_> = seeks.iter().map(|(_, place)| place).collect();
    assert_eq!(places.len(), 3);
    fixture.libmms_seeks(&seeks.map(|(time, place)| ("time", time.to_string(), place)));
}
