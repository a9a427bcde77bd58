//! Stop, seek, end of stream, reports.

use mms_proto::mmsp::message::FileAttributes;
use std::net::Ipv4Addr;

use mms_proto::mmsp::message::{ClientLog, ClientMessage, LogVersion, OpenedFile, StopPlaying};
use mms_proto::{
    ClientEvent, Deviation, HResult, Machine as _, Phase, Rate, Start, StreamSelection, Transport,
};

use super::harness::*;

fn stop_of(label: u8) -> ClientMessage {
    let (open_file_id, incarnation) = (FILE, label.into());
    StopPlaying { open_file_id, incarnation }.into()
}

fn more(more: bool, hr: HResult) -> ClientEvent {
    ClientEvent::EndOfStream { more, hr }
}

/// A streaming session with a server of this version and a file with these attributes.
fn streaming(version: &str, attributes: FileAttributes) -> Script {
    let mut script = Script::new(config());
    script.say(connected(version));
    script.say(funnel_info(Default::default(), &[]));
    script.say(funnel());
    script.say(opened(OpenedFile { attributes, ..file() }));
    script.feed(&data(0, HEADER, 0x0C, ASF));
    script.play(all());
    script.say(switched(HResult::OK));
    script.say(started(PLAY));
    script.sent();
    script.events();
    script
}

/// The report that is the only message sent.
fn report(script: &mut Script) -> ClientLog {
    match script.sent_one() {
        ClientMessage::Logging(logging) => {
            assert_eq!(logging.open_file_id, FILE);
            *logging.log
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_stop_waits_for_its_answer() {
    // MMSP-C-079, MMSP-C-080, MMSP-C-081, MMSP-C-089
    let mut script = Script::streaming();
    script.media(0, PLAY);
    script.stop();
    let sent = script.sent();
    let [stop, ClientMessage::Logging(_)] = &sent[..] else {
        panic!("{sent:?}");
    };
    assert_eq!(*stop, stop_of(PLAY));
    assert_eq!(script.machine.phase(), Phase::Stopping);
    // What was on its way still arrives.
    script.media(1, PLAY);
    assert_eq!(packets(&script.events()), [0, 1]);
    script.say(ended(HResult::OK, PLAY));
    assert_eq!(script.events(), [ClientEvent::Stopped]);
    assert_eq!((script.machine.phase(), script.deadline), (Phase::Ready, None));
    assert_eq!(script.sent(), [], "one report a stop");
}

#[test]
fn seeking_while_ready_is_a_new_start() {
    // MMSP-C-082, MMSP-C-086
    let mut script = Script::at(Phase::Ready, config());
    script.play(all().start(Start::packet(5).unwrap()));
    assert_eq!(script.sent_play().start, Start::packet(5).unwrap());
    script.say(started(PLAY));
    script.stop();
    script.say(ended(HResult::OK, PLAY));
    script.sent();
    script.play(all().rate(Rate::new(5.0).unwrap()));
    assert!(matches!(
        script.sent()[..],
        [ClientMessage::StreamSwitch(_), ClientMessage::StartStriding(_)]
    ));
}

#[test]
fn seeking_while_streaming_stops_first() {
    // MMSP-C-083, MMSP-C-074
    let mut script = Script::streaming();
    script.media(0, PLAY);
    script.events();
    script.play(all().start(Start::packet(12).unwrap()));
    let sent = script.sent();
    assert!(
        matches!(sent[..], [ClientMessage::StopPlaying(_), ClientMessage::Logging(_)]),
        "{sent:?}"
    );
    // Nobody wants the rest.
    script.media(1, PLAY);
    script.say(ended(HResult::OK, PLAY));
    let start = script.sent_play();
    assert_eq!(start.start, Start::packet(12).unwrap());
    assert_eq!(start.incarnation, u32::from(PLAY) + 1);
    script.say(switched(HResult::OK));
    script.say(started(PLAY + 1));
    script.media(12, PLAY + 1);
    let events = script.events();
    assert_eq!(packets(&events), [12]);
    assert_eq!(events[..2], [ClientEvent::StreamsSelected, ClientEvent::Started]);
}

#[test]
fn resuming_on_a_new_connection() {
    // MMSP-C-084
    let mut script = Script::streaming();
    script.media(0, PLAY);
    script.media(1, PLAY);
    script.hang_up();
    let last = packets(&script.events()).pop().unwrap();
    let mut script = Script::at(Phase::Ready, script.machine.config().clone());
    script.play(all().start(Start::packet(last + 1).unwrap()));
    assert_eq!(script.sent_play().start, Start::packet(2).unwrap());
    script.say(switched(HResult::OK));
    script.say(started(PLAY));
    script.events();
    script.media(2, PLAY);
    assert_eq!(packets(&script.events()), [2]);
}

#[test]
fn the_end_of_a_stream() {
    // MMSP-C-087, MMSP-C-088, MMSP-C-089
    let broadcast = FileAttributes::BROADCAST;
    let file = FileAttributes::CAN_SEEK;
    let failure = HResult::STREAM_END;
    for (version, attributes, hr, goes_on) in [
        ("9.1", file, HResult::OK, false),
        ("9.1", file, HResult::FALSE, true),
        ("9.1", broadcast, HResult::OK, false),
        ("9.1", broadcast, HResult::FALSE, true),
        ("9.1", file, failure, false),
        ("10.0", file, HResult::FALSE, true),
        ("4.1", file, HResult::OK, false),
        ("4.1", file, HResult::FALSE, false),
        ("4.1", broadcast, HResult::OK, true),
        ("4.1", broadcast, HResult::FALSE, false),
        ("4.1", broadcast, failure, false),
    ] {
        let mut script = streaming(version, attributes);
        script.say(ended(hr, PLAY));
        let what = format!("{version} {attributes:?} {hr:?}");
        assert_eq!(script.events(), [more(goes_on, hr)], "{what}");
        report(&mut script);
        let phase = if goes_on { Phase::ChangingEntry } else { Phase::Ready };
        assert_eq!(script.machine.phase(), phase, "{what}");
        // First row: our own stop.
        let mut script = streaming(version, attributes);
        script.stop();
        script.say(ended(hr, PLAY));
        assert_eq!(script.events(), [ClientEvent::Stopped], "{what}");
        assert_eq!(script.machine.phase(), Phase::Ready, "{what}");
    }
}

#[test]
fn a_selection_is_answered_after_the_end() {
    // MMSP-C-090
    let mut script = Script::streaming();
    let selection = [StreamSelection::off(stream(2))];
    script.give(|client, now| client.select_streams(now, &selection)).unwrap();
    script.say(ended(HResult::OK, PLAY));
    script.say(switched(HResult::OK));
    let events = script.events();
    assert_eq!(events, [more(false, HResult::OK), ClientEvent::StreamsSelected]);
    // The same with a new play command in between: two answers, none of them odd.
    let mut script = Script::streaming();
    script.give(|client, now| client.select_streams(now, &selection)).unwrap();
    script.say(ended(HResult::OK, PLAY));
    script.play(all());
    script.events();
    script.say(switched(HResult::OK));
    script.say(switched(HResult::OK));
    script.say(started(PLAY + 1));
    let both = [ClientEvent::StreamsSelected, ClientEvent::StreamsSelected];
    assert_eq!(script.events(), [&both[..], &[ClientEvent::Started]].concat());
}

#[test]
fn a_natural_end_crosses_our_stop() {
    // MMSP-C-091
    let mut script = Script::streaming();
    script.stop();
    script.say(ended(HResult::OK, PLAY));
    assert_eq!(script.events(), [ClientEvent::Stopped]);
    script.say(ended(HResult::OK, PLAY));
    assert_eq!(script.events(), []);
    // And with a seek: the second one comes while the new command waits for its answer.
    let mut script = Script::streaming();
    script.play(all());
    script.say(ended(HResult::OK, PLAY));
    assert_eq!(script.machine.phase(), Phase::Starting);
    script.say(ended(HResult::OK, PLAY));
    assert_eq!(script.machine.phase(), Phase::Starting);
    script.say(started(PLAY + 1));
    assert_eq!(script.events(), [ClientEvent::Started]);
}

#[test]
fn a_server_that_labels_all_ends_alike() {
    // MMSP-C-091
    let mut script = Script::streaming();
    script.stop();
    script.say(ended(HResult::OK, PLAY));
    script.play(all());
    script.say(started(PLAY + 1));
    script.events();
    script.say(ended(HResult::OK, PLAY));
    assert_eq!(script.events(), [more(false, HResult::OK)]);
}

#[test]
fn what_comes_late() {
    // MMSP-C-091, MMSP-C-056
    let mut script = Script::streaming();
    script.say(ended(HResult::OK, PLAY));
    script.events();
    script.sent();
    script.say(ended(HResult::OK, PLAY));
    assert_eq!((script.events(), script.sent()), (vec![], vec![]));
    script.media(19, PLAY);
    let odd = ClientEvent::Deviation(Deviation::UnexpectedData);
    assert_eq!(script.events(), [odd]);
    assert_eq!(script.machine.phase(), Phase::Ready);
    script.say(mms_proto::mmsp::message::Ping);
    assert_eq!(script.sent().len(), 1);
}

#[test]
fn the_content_of_a_report() {
    // MMSP-C-106
    let mut config = config();
    config.session.guid = uuid::Uuid::from_u128(0xABCD);
    config.session.path = "dir/film.wmv?secret=1".to_owned();
    let mut template = ClientLog::default();
    template.client.language = "de-DE".to_owned();
    template.client.os = "Linux".to_owned();
    template.client.address = Some(Ipv4Addr::new(192, 0, 2, 1).into());
    config.session.log = Some(Box::new(template));
    let mut script = Script::at(Phase::Ready, config);
    script.play(all().start(Start::Time(seconds(7))));
    script.say(started(PLAY));
    script.media(0, PLAY);
    script.media(1, PLAY);
    script.pass(seconds(2));
    script.sent();
    script.say(ended(HResult::OK, PLAY));
    let log = report(&mut script);
    assert_eq!(log.reception.transport, Transport::Tcp);
    assert_eq!(log.client.os, "Linux");
    assert_eq!(log.client.address, Some(Ipv4Addr::new(192, 0, 2, 1).into()));
    assert_eq!(log.playback.url, "mms://example.org/dir/film.wmv");
    assert_eq!(log.client.user_agent, "NSPlayer/9.0.0.2980");
    assert_eq!(log.client.client_version, LogVersion([9, 0, 0, 2980]));
    assert_eq!(log.client.guid, "{00000000-0000-0000-0000-00000000ABCD}");
    assert_eq!(log.client.language, "de-DE");
    assert_eq!(log.playback.file_duration, seconds(60));
    assert_eq!(log.playback.file_size, 20 * 100 + 23);
    assert_eq!(log.playback.start_time, seconds(7));
    // Two of twenty packets of a minute, in whatever time they came.
    assert_eq!((log.playback.played, log.playback.rate), (seconds(6), 1));
    assert_eq!((log.reception.packets_received, log.reception.bytes_received), (2, 20));
    assert_eq!((log.reception.bandwidth, log.reception.quality), (80, 100));
}

#[test]
fn a_report_tells_the_media_that_was_played() {
    // MMSP-C-106: content, not the time it took
    let played = |script: &mut Script| {
        script.say(ended(HResult::OK, PLAY));
        report(script).playback.played
    };
    // All that a file has, in no time; packets that hold other streams were left out.
    let mut script = Script::streaming();
    for number in [0, 5, 19] {
        script.media(number, PLAY);
    }
    assert_eq!(played(&mut script), seconds(60));
    // The application knows better; once said it holds for this command only.
    let mut script = Script::streaming();
    script.media(0, PLAY);
    script.machine.set_played(seconds(4));
    assert_eq!(played(&mut script), seconds(4));
    script.play(all());
    script.say(started(PLAY + 1));
    script.media(0, PLAY + 1);
    script.sent();
    script.say(ended(HResult::OK, PLAY + 1));
    assert_eq!(report(&mut script).playback.played, seconds(3));
    // A live stream comes in its own time.
    let mut script = streaming("9.1", FileAttributes::LIVE);
    script.media(0, PLAY);
    script.pass(seconds(8));
    assert_eq!(played(&mut script), seconds(8));
    // Nothing came, nothing was played.
    assert_eq!(played(&mut Script::streaming()), seconds(0));
}

#[test]
fn a_report_tells_how_much_was_of_use() {
    // MMSP-W-070, MMSP-C-106
    let quality = |script: &mut Script| {
        script.say(ended(HResult::OK, PLAY));
        let log = report(script);
        (
            log.reception.packets_received,
            log.reception.packets_lost_in_client,
            log.reception.quality,
        )
    };
    assert_eq!(quality(&mut Script::streaming()), (0, 0, 0));
    let mut script = Script::streaming();
    for number in 0..4 {
        script.media(number, PLAY);
        if number == 2 {
            script.machine.reject_packet();
        }
    }
    assert_eq!(quality(&mut script), (4, 1, 75));
}

#[test]
fn an_end_that_came_too_early_can_be_told() {
    let mut script = Script::streaming();
    for number in 0..10 {
        script.media(number, PLAY);
    }
    script.say(ended(HResult::OK, PLAY));
    let reception = script.machine.reception();
    assert_eq!((reception.packets, reception.announced), (10, Some(20)));
    assert_eq!((reception.first, reception.last), (Some(0), Some(9)));
    assert_eq!(reception.missing_at_end(), Some(10));
    // The rest on a second command.
    script.play(all().start(Start::packet(10).unwrap()));
    assert_eq!(script.machine.reception().missing_at_end(), Some(20), "nothing of it yet");
    script.say(started(PLAY + 1));
    for number in 10..20 {
        script.media(number, PLAY + 1);
    }
    script.say(ended(HResult::OK, PLAY + 1));
    assert_eq!(script.machine.reception().missing_at_end(), Some(0));
    // A broadcast has no last packet, and of a later entry it is not known.
    let script = streaming("9.1", FileAttributes::LIVE);
    assert_eq!(script.machine.reception().missing_at_end(), None);
    let mut script = Script::new_entry();
    script.media(3, ENTRY);
    let reception = script.machine.reception();
    assert_eq!((reception.packets, reception.missing_at_end()), (1, None));
}

#[test]
fn each_report_is_about_one_command() {
    // MMSP-C-106
    let mut script = Script::streaming();
    script.media(0, PLAY);
    script.media(1, PLAY);
    script.say(ended(HResult::OK, PLAY));
    assert_eq!(report(&mut script).reception.packets_received, 2);
    script.play(all().rate(Rate::new(-4.6).unwrap()));
    script.say(started(PLAY + 1));
    script.media(0, PLAY + 1);
    script.sent();
    script.say(ended(HResult::OK, PLAY + 1));
    let log = report(&mut script);
    assert_eq!((log.reception.packets_received, log.playback.rate), (1, -5));
}

#[test]
fn a_live_report_has_no_place_in_time() {
    // MMSP-C-106, MMSP-W-070
    let mut script = streaming("9.1", FileAttributes::LIVE);
    script.say(ended(HResult::OK, PLAY));
    let log = report(&mut script);
    let zero = std::time::Duration::ZERO;
    assert_eq!(
        (log.playback.file_duration, log.playback.file_size, log.playback.start_time),
        (zero, 0, zero)
    );
}

#[test]
fn servers_and_applications_that_want_no_report() {
    // MMSP-C-107
    for version in ["2.9", "", "junk"] {
        let mut script = streaming(version, FileAttributes::default());
        script.stop();
        assert_eq!(script.sent(), [stop_of(PLAY)], "{version}");
        script.say(ended(HResult::OK, PLAY));
        assert_eq!(script.sent(), []);
    }
    let mut script = streaming("3.0", FileAttributes::default());
    script.stop();
    let sent = script.sent();
    assert!(matches!(sent[..], [_, ClientMessage::Logging(_)]), "{sent:?}");
    let mut config = config();
    config.session.log = None;
    let mut script = Script::at(Phase::Streaming, config);
    script.say(ended(HResult::OK, PLAY));
    assert_eq!(script.sent(), []);
}
