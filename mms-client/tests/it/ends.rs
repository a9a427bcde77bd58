//! Ends that are not the end of the content.

use std::net::SocketAddr;
use std::time::Duration;

use mms_asf::FileReader;
use mms_client::{Error, OpenOptions, RecordFailed, RecordOptions, Summary, Target, record};
use mms_proto::HResult;
use mms_proto::mmsp::message::{ClientMessage, ReportEndOfStream};

use crate::common::script::{self, Do, honest, media, say};
use crate::common::{Clip, Host, Temporary, patient, url};

/// A server that ends after so many packets of the clip and calls it what it likes.
fn ends_after(count: usize, clip: Clip, hr: HResult, then: Option<Do>) -> SocketAddr {
    let mut then = then;
    script::serve(move |_, message| {
        let mut steps = honest(&message, &clip, "9.1");
        if let ClientMessage::StartPlaying(start) = message {
            let incarnation = start.incarnation;
            let first = match start.start {
                mms_proto::Start::Packet(number) => number.get() as usize,
                _ => 0,
            };
            steps.extend(media(&clip, u8::try_from(incarnation).unwrap(), first..count));
            steps.push(say(ReportEndOfStream { hr, incarnation }));
            steps.extend(then.take());
        }
        steps
    })
}

fn record_from(
    address: SocketAddr,
    target: Target,
    open: &OpenOptions,
) -> Result<Summary, Box<RecordFailed>> {
    let session = open.open(&url(address, "clip.wmv")).unwrap();
    let mut target = Some(target);
    record(session, &RecordOptions::new(), |_, _| Ok(target.take()), |_| {})
}

#[test]
fn an_end_before_the_last_packet_is_a_failure() {
    let clip = Clip::new(65);
    let file = Temporary::new();
    let short = ends_after(10, clip.clone(), HResult::OK, None);
    let failed = record_from(short, Target::Create(file.create()), &patient()).unwrap_err();
    let Error::Incomplete { received: 10, announced: 65, .. } = failed.error else {
        panic!("{failed:?}");
    };
    assert_eq!((failed.summary.packets, failed.summary.already_complete), (10, false));
    let reader = FileReader::open(std::io::Cursor::new(file.bytes())).unwrap();
    assert_eq!((reader.packet_count(), reader.header().file().broadcast()), (10, false));
    // Again: it is as far, and no more complete than before.
    let short = ends_after(10, clip.clone(), HResult::OK, None);
    let failed = record_from(short, Target::Resume(file.open()), &patient()).unwrap_err();
    assert!(matches!(failed.error, Error::Incomplete { .. }), "{failed:?}");
    assert_eq!((failed.summary.resumed_from, failed.summary.already_complete), (Some(10), false));
    // And completed where the server has it all.
    let host = Host::new(clip.clone());
    record_from(host.address, Target::Resume(file.open()), &patient()).unwrap();
    assert!(file.bytes() == clip.file());
}

#[test]
fn an_end_after_the_last_packet_is_none() {
    // Neither is one where nobody knows how many there are, or the last was asked for.
    for (clip, count) in [(Clip::new(20), 20), (Clip::live(20), 10)] {
        let file = Temporary::new();
        let address = ends_after(count, clip, HResult::OK, Some(Do::Close));
        let summary = record_from(address, Target::Create(file.create()), &patient()).unwrap();
        assert_eq!(summary.packets, count as u64);
    }
    let options = RecordOptions::new().duration(Duration::from_secs(5));
    let session = patient().open(&Host::new(Clip::new(20)).url()).unwrap();
    let file = Temporary::new();
    let target = |_: u32, _: &_| Ok(Some(Target::Create(file.create())));
    assert_eq!(record(session, &options, target, |_| {}).unwrap().packets, 5);
}

#[test]
fn an_entry_that_is_announced_and_never_comes_is_a_failure() {
    // It closes, or says nothing more.
    for then in [Some(Do::Close), None] {
        let file = Temporary::new();
        let address = ends_after(20, Clip::new(20), HResult::FALSE, then);
        let open = OpenOptions::new().timeout(Duration::from_secs(1));
        let failed = record_from(address, Target::Create(file.create()), &open).unwrap_err();
        assert!(matches!(failed.error, Error::NoNextEntry { .. }), "{failed:?}");
        assert!(failed.to_string().ends_with("and none came"), "{failed}");
        assert_eq!((failed.summary.packets, failed.summary.entries), (20, 1));
    }
}
