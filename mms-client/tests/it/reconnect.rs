//! Live recordings that go on over another connection.

use std::ops::Range;
use std::time::Duration;

use mms_asf::testing::{self, TestStream};
use mms_asf::{FileReader, Packet};
use mms_client::{
    Cancel, Error, Interruption, RecordFailed, RecordOptions, Session, Summary, Target, record_live,
};
use mms_proto::HResult;
use mms_proto::mmsp::message::{ClientMessage, ReportEndOfStream};

use crate::common::script::{self, Do, honest, media, say};
use crate::common::{Clip, Fault, Host, PACKET_SIZE, Temporary, patient, url};

/// A live server that sends these packets of a clip on each connection, one after another, and
/// closes; after the last it says that the stream has ended.
struct Station {
    address: std::net::SocketAddr,
    files: Vec<Temporary>,
}

impl Station {
    fn new(connections: Vec<(Clip, Range<usize>)>) -> Self {
        let count = connections.len();
        let address = script::serve(move |number, message| {
            let (clip, packets) = &connections[number.min(count - 1)];
            let mut steps = honest(&message, clip, "9.1");
            if let ClientMessage::StartPlaying(start) = message {
                let incarnation = start.incarnation;
                steps.extend(media(clip, u8::try_from(incarnation).unwrap(), packets.clone()));
                steps.push(match number + 1 < count {
                    true => Do::Close,
                    false => say(ReportEndOfStream { hr: HResult::OK, incarnation }),
                });
            }
            steps
        });
        Self { address, files: (0..3).map(|_| Temporary::new()).collect() }
    }

    fn open(&self) -> Result<Session, Error> {
        patient().open(&url(self.address, "live"))
    }

    fn record(
        &self,
        options: &RecordOptions,
        mut reopen: impl FnMut(Interruption) -> Result<(), Error>,
    ) -> Result<Summary, Box<RecordFailed>> {
        let target =
            |entry: u32, _: &_| Ok(Some(Target::Create(self.files[entry as usize].create())));
        let again = |broke: Interruption| {
            reopen(broke)?;
            self.open()
        };
        record_live(self.open().unwrap(), options, target, |_| {}, again)
    }

    /// Send times of the packets in a file, in seconds.
    fn times(&self, file: usize) -> Vec<u32> {
        let bytes = self.files[file].bytes();
        let mut reader = FileReader::open(std::io::Cursor::new(bytes)).unwrap();
        assert!(!reader.header().file().broadcast());
        let count = reader.header().file().packet_count;
        let time = |number| {
            let packet = reader.packet(number).unwrap();
            Packet::parse(&packet, PACKET_SIZE).unwrap().send_time() / 1_000
        };
        (0..count).map(time).collect()
    }
}

#[test]
fn the_same_stream_goes_on_with_a_gap() {
    let clip = Clip::live(40);
    // The second connection begins with packets that came before, the third is seconds later.
    let station = Station::new(vec![(clip.clone(), 0..10), (clip.clone(), 6..15), (clip, 20..25)]);
    let mut told = Vec::new();
    let summary = station.record(&RecordOptions::new(), |broke| {
        assert!(matches!(broke.error, Error::Protocol { .. }), "{broke:?}");
        told.push(broke.packets);
        Ok(())
    });
    let summary = summary.unwrap();
    assert_eq!(told, [10, 15]);
    assert_eq!(station.times(0), (0..15).chain(20..25).collect::<Vec<_>>());
    assert_eq!((summary.entries, summary.packets, summary.reconnections), (1, 20, 2));
    assert_eq!(summary.repeated, 4);
    let seconds = Duration::from_secs;
    let breaks: Vec<_> = summary.breaks.iter().map(|one| (one.at.as_secs(), one.gap)).collect();
    // The last packet of each begins then.
    assert_eq!(breaks, [(9, seconds(1)), (14, seconds(6))]);
    assert!(summary.breaks.iter().all(|one| one.entry == 0 && one.outage < seconds(20)));
    assert_eq!(summary.duration.as_secs(), 24);
}

#[test]
fn a_clock_that_starts_anew_goes_on_without_one() {
    let clip = Clip::live(900);
    let station = Station::new(vec![(clip.clone(), 800..810), (clip, 0..5)]);
    let summary = station.record(&RecordOptions::new(), |_| Ok(())).unwrap();
    assert_eq!(station.times(0), (0..15).collect::<Vec<_>>());
    assert_eq!((summary.restarts, summary.breaks[0].gap), (1, Duration::from_secs(1)));
}

#[test]
fn content_that_begins_anew_is_recorded_again() {
    let clip = Clip::live(40);
    // The server starts anew and sends the same bytes, from the first packet and from another one.
    for again in [0, 5] {
        let station = Station::new(vec![(clip.clone(), 0..30), (clip.clone(), again..again + 10)]);
        let summary = station.record(&RecordOptions::new(), |_| Ok(())).unwrap();
        assert_eq!(station.times(0), (0..40).collect::<Vec<_>>());
        assert_eq!((summary.restarts, summary.repeated, summary.breaks.len()), (1, 0, 1));
    }
    // A duration goes on with it.
    let station = Station::new(vec![(clip.clone(), 0..30), (clip, 0..10)]);
    let options = RecordOptions::new().duration(Duration::from_secs(35));
    station.record(&options, |_| Ok(())).unwrap();
    assert_eq!(station.times(0), (0..35).collect::<Vec<_>>());
}

#[test]
fn another_header_is_another_file() {
    let streams = [TestStream::Audio(1), TestStream::Video(2)];
    let other = Clip { header: testing::live_header(PACKET_SIZE, &streams), ..Clip::live(9) };
    let clip = Clip::live(20);
    let station = Station::new(vec![(clip, 0..10), (other.clone(), 0..4), (other, 3..9)]);
    let summary = station.record(&RecordOptions::new(), |_| Ok(())).unwrap();
    assert_eq!((summary.entries, summary.packets, summary.reconnections), (2, 19, 2));
    assert_eq!(station.times(0), (0..10).collect::<Vec<_>>());
    assert_eq!(station.times(1), (0..9).collect::<Vec<_>>());
    assert_eq!(summary.breaks.len(), 1);
    assert_eq!(summary.breaks[0].entry, 1);
}

#[test]
fn a_duration_holds_over_all_connections() {
    let clip = Clip::live(40);
    let station = Station::new(vec![(clip.clone(), 0..10), (clip, 13..40)]);
    let options = RecordOptions::new().duration(Duration::from_secs(20));
    station.record(&options, |_| Ok(())).unwrap();
    assert_eq!(station.times(0), (0..10).chain(13..20).collect::<Vec<_>>());
    // What came before the break does not count twice.
    let clip = Clip::live(40);
    let station = Station::new(vec![(clip.clone(), 0..10), (clip, 2..40)]);
    station.record(&options, |_| Ok(())).unwrap();
    assert_eq!(station.times(0), (0..20).collect::<Vec<_>>());
}

#[test]
fn it_ends_with_the_error_of_who_reopens() {
    let clip = Clip::live(40);
    let station = Station::new(vec![(clip.clone(), 0..10), (clip, 13..40)]);
    let failed = station
        .record(&RecordOptions::new(), |_| Err(Error::Closed { server: "me".to_owned() }))
        .unwrap_err();
    assert!(matches!(failed.error, Error::Closed { .. }), "{failed:?}");
    assert_eq!((failed.summary.packets, station.times(0).len()), (10, 10));
    // Cancelled while it waits.
    let clip = Clip::live(40);
    let station = Station::new(vec![(clip.clone(), 0..10), (clip, 13..40)]);
    let summary = station.record(&RecordOptions::new(), |_| Err(Error::Cancelled)).unwrap();
    assert!(summary.cancelled);
    assert_eq!(station.times(0).len(), 10);
}

#[test]
fn what_is_on_demand_breaks_off() {
    let host = Host::new(Clip::new(30));
    host.fault(Fault::cut(3_000));
    let file = Temporary::new();
    let session = patient().cancel(Cancel::new()).open(&host.url()).unwrap();
    let target = |_: u32, _: &_| Ok(Some(Target::Create(file.create())));
    let reopen = |_: Interruption| panic!("it can be resumed");
    let failed = record_live(session, &RecordOptions::new(), target, |_| {}, reopen).unwrap_err();
    assert!(matches!(failed.error, Error::Protocol { .. }), "{failed}");
}
