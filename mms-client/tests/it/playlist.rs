//! Several entries in one session.

use std::net::SocketAddr;

use mms_client::{Error, RecordOptions, Target, record};
use mms_proto::mmsp::message::{ClientMessage, ReportEndOfStream, ReportStreamChange};
use mms_proto::{HResult, Start};

use crate::common::script::{self, Do, header, honest, media, say};
use crate::common::{Clip, PACKET_SIZE, Temporary, patient, url};

/// How the server goes on to the second entry.
#[derive(Clone, Copy, PartialEq)]
enum Delivery {
    /// It sends the beginning before anybody asks, as the specification has it.
    Early,
    /// It waits for the play command.
    Late,
    /// It promises an entry and closes.
    Never,
    /// It refuses to play the second entry.
    Refused,
}

/// Two clips with different media.
fn clips() -> [Clip; 2] {
    [Clip::live(6), Clip { packets: Clip::with(9, b"second").packets, ..Clip::live(9) }]
}

fn serve(delivery: Delivery) -> SocketAddr {
    let [first, second] = clips();
    let mut plays = 0;
    script::serve(move |_, message| {
        let mut steps = honest(&message, &first, "9.1");
        let ClientMessage::StartPlaying(start) = message else {
            return steps;
        };
        let incarnation = start.incarnation;
        let label = u8::try_from(incarnation).unwrap();
        plays += 1;
        let end = |hr| say(ReportEndOfStream { hr, incarnation });
        if plays % 2 == 1 {
            steps.extend(media(&first, label, 0..6));
            steps.push(end(HResult::FALSE));
            if delivery == Delivery::Never {
                steps.push(Do::Close);
                return steps;
            }
            steps.push(say(ReportStreamChange {
                hr: HResult::OK,
                packet_size: PACKET_SIZE,
                header_size: u32::try_from(second.header.len()).unwrap(),
                bit_rate: 0,
            }));
            steps.push(header(&second, 0xFF));
            if delivery == Delivery::Early {
                steps.extend(media(&second, 0xFF, 0..4));
            }
            return steps;
        }
        match delivery {
            Delivery::Early => steps.extend(media(&second, label, 4..9)),
            Delivery::Refused => {
                use mms_proto::mmsp::message::ReportStartedPlaying;
                let hr = HResult::SHUTDOWN;
                let refusal = ReportStartedPlaying { hr, incarnation, open_file_id: 1 };
                return vec![say(refusal)];
            }
            _ => steps.extend(media(&second, label, 0..9)),
        }
        steps.push(end(HResult::OK));
        steps
    })
}

#[test]
fn both_entries_arrive_whole() {
    for delivery in [Delivery::Early, Delivery::Late] {
        let [first, second] = clips();
        let address = serve(delivery);
        let mut playback = patient().open(&url(address, "list")).unwrap().play_all().unwrap();
        let packets: Vec<_> = playback.by_ref().map(Result::unwrap).collect();
        let sent = |clip: &Clip, count| (0..count).map(|n| clip.sent(n)).collect::<Vec<_>>();
        assert_eq!(packets.iter().map(|p| p.payload.clone()).collect::<Vec<_>>(), sent(&first, 6));
        assert!(playback.end().unwrap().more);
        let session = playback.next_entry().unwrap().unwrap();
        assert_eq!(session.content().header(), &second.header);
        let mut playback = session.play_all().unwrap();
        let packets: Vec<_> = playback.by_ref().map(|p| p.unwrap().payload).collect();
        assert_eq!(packets, sent(&second, 9));
        assert!(playback.next_entry().unwrap().is_none());
    }
}

#[test]
fn a_promise_that_is_not_kept_is_the_end() {
    let playback =
        patient().open(&url(serve(Delivery::Never), "list")).unwrap().play_all().unwrap();
    assert_eq!(playback.deviations(), []);
    assert!(playback.next_entry().unwrap().is_none());
}

#[test]
fn an_entry_that_crosses_a_seek_or_a_stop() {
    // MMSP-C-091: the first entry is over before the server reads what we say next.
    let [first, second] = clips();
    let after = second.clone();
    let address = script::serve(move |_, message| {
        let mut steps = honest(&message, &first, "9.1");
        match message {
            ClientMessage::StartPlaying(start) if start.incarnation == 10 => {
                let (incarnation, hr) = (start.incarnation, HResult::FALSE);
                steps.extend(media(&first, 10, 0..6));
                steps.push(say(ReportEndOfStream { hr, incarnation }));
                steps.push(say(ReportStreamChange {
                    hr: HResult::OK,
                    packet_size: PACKET_SIZE,
                    header_size: u32::try_from(second.header.len()).unwrap(),
                    bit_rate: 0,
                }));
                steps.push(header(&second, 0xFF));
                steps.extend(media(&second, 0xFF, 0..3));
            }
            ClientMessage::StartPlaying(start) => {
                let (incarnation, hr) = (start.incarnation, HResult::OK);
                steps.extend(media(&second, u8::try_from(incarnation).unwrap(), 0..9));
                steps.push(say(ReportEndOfStream { hr, incarnation }));
            }
            _ => {}
        }
        steps
    });
    for stop in [false, true] {
        let mut playback = patient().open(&url(address, "list")).unwrap().play_all().unwrap();
        assert_eq!(playback.next().unwrap().unwrap().location_id, 0);
        let playback = if stop {
            playback.stop().unwrap().play_all().unwrap()
        } else {
            playback.seek(Start::packet(4).unwrap()).unwrap();
            playback
        };
        assert!(playback.end().unwrap().more);
        let session = playback.next_entry().unwrap().unwrap();
        assert_eq!(session.content().header(), &after.header);
        let packets: Vec<_> = session.play_all().unwrap().map(|p| p.unwrap().payload).collect();
        assert_eq!(packets, (0..9).map(|n| after.sent(n)).collect::<Vec<_>>());
    }
}

#[test]
fn half_a_file_can_be_told_from_a_whole_one() {
    let clip = Clip::new(65);
    let address = script::serve(move |_, message| {
        let mut steps = honest(&message, &clip, "9.1");
        if let ClientMessage::StartPlaying(start) = message {
            let incarnation = start.incarnation;
            steps.extend(media(&clip, u8::try_from(incarnation).unwrap(), 0..10));
            steps.push(say(ReportEndOfStream { hr: HResult::OK, incarnation }));
        }
        steps
    });
    let mut playback = patient().open(&url(address, "clip.wmv")).unwrap().play_all().unwrap();
    assert_eq!(playback.by_ref().map(Result::unwrap).count(), 10);
    let (end, reception) = (playback.end().unwrap(), playback.reception());
    assert_eq!((end.hr, end.more), (HResult::OK, false));
    assert_eq!((reception.packets, reception.announced), (10, Some(65)));
    assert_eq!(reception.missing_at_end(), Some(55));
}

#[test]
fn each_entry_gets_its_file() {
    for delivery in [Delivery::Early, Delivery::Late] {
        let address = serve(delivery);
        let files = [Temporary::new(), Temporary::new()];
        let session = patient().open(&url(address, "list")).unwrap();
        let target =
            |entry: u32, _: &_| Ok(files.get(entry as usize).map(|f| Target::Create(f.create())));
        let summary = record(session, &RecordOptions::new(), target, |_| {}).unwrap();
        assert_eq!((summary.entries, summary.packets), (2, 15));
        for (file, clip) in files.iter().zip(clips()) {
            let bytes = file.bytes();
            assert_eq!(bytes[clip.header.len()..], clip.file()[clip.header.len()..]);
            let header = mms_asf::Header::parse(&bytes.into()).unwrap();
            assert_eq!(header.file().packet_count, clip.packets.len() as u64);
            assert!(!header.file().broadcast());
        }
        // One file only: the second entry is not asked for.
        let session = patient().open(&url(address, "list")).unwrap();
        let file = Temporary::new();
        let one = |entry: u32, _: &_| Ok((entry == 0).then(|| Target::Create(file.create())));
        let summary = record(session, &RecordOptions::new(), one, |_| {}).unwrap();
        assert_eq!((summary.entries, summary.packets), (1, 6));
    }
}

#[test]
fn an_entry_that_is_refused() {
    let session = patient().open(&url(serve(Delivery::Refused), "list")).unwrap();
    let files = [Temporary::new(), Temporary::new()];
    let target = |entry: u32, _: &_| Ok(Some(Target::Create(files[entry as usize].create())));
    let failed = record(session, &RecordOptions::new(), target, |_| {}).unwrap_err();
    assert!(matches!(failed.error, Error::PlayRefused { .. }), "{failed:?}");
    assert!(failed.to_string().contains("NS_E_SHUTDOWN"), "{failed}");
    assert_eq!(failed.summary.packets, 6);
}
