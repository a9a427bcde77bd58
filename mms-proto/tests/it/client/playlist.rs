//! From one playlist entry to the next.

use mms_proto::MessageKind;
use mms_proto::mmsp::message::FileAttributes;
use std::time::Duration;

use mms_proto::mmsp::message::{
    ClientMessage, MessageId, OpenedFile, ReportStartedPlaying, ReportStreamChange,
};
use mms_proto::{
    ClientEvent, CloseReason, Deviation, Error, HResult, Machine as _, Phase, PlayRequest, Rate,
    Start, StreamSelection,
};

use super::harness::*;

fn more(more: bool) -> ClientEvent {
    let hr = if more { HResult::FALSE } else { HResult::OK };
    ClientEvent::EndOfStream { more, hr }
}

fn reported(script: &mut Script) -> u32 {
    match script.sent_one() {
        ClientMessage::Logging(logging) => logging.log.reception.packets_received,
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_next_entry_with_its_packets_at_once() {
    // MMSP-C-075, MMSP-C-092, MMSP-C-094, MMSP-C-095, MMSP-C-111
    let mut script = Script::streaming();
    script.media(0, PLAY);
    script.events();
    script.say(ended(HResult::FALSE, PLAY));
    assert_eq!(script.events(), [more(true)]);
    assert_eq!(reported(&mut script), 1);
    script.say(change());
    assert_eq!(script.sent(), [], "no ReadBlock on TCP");
    script.feed(&data(0, ENTRY, 4, b"n"));
    script.feed(&data(1, ENTRY, 0x0C, b"ew"));
    let content = content(script.events());
    assert_eq!(content.header(), &b"new"[..]);
    assert_eq!((content.packet_size(), content.packet_count()), (Some(50), None));
    assert_eq!((content.duration(), content.bit_rate()), (None, 1000));
    // Its packets do not wait for us. Numbers past the old file's last are no surprise.
    script.media(100, ENTRY);
    let selections = [StreamSelection::full(stream(1)), StreamSelection::off(stream(3))];
    // Where to begin cannot be chosen.
    let start = Start::Time(seconds(5));
    script.play(PlayRequest::select(selections).start(start));
    let sent = script.sent();
    let [ClientMessage::StreamSwitch(switch), ClientMessage::StartPlaying(play)] = &sent[..] else {
        panic!("{sent:?}");
    };
    assert_eq!(switch.selections, selections);
    assert_eq!(play.start, Start::Beginning);
    assert_eq!(play.incarnation, u32::from(PLAY) + 1);
    assert_eq!(script.machine.phase(), Phase::Starting);
    script.media(101, ENTRY);
    script.say(switched(HResult::OK));
    script.media(102, ENTRY);
    script.say(started(PLAY + 1));
    script.media(103, PLAY + 1);
    let events = script.events();
    assert_eq!(packets(&events), [100, 101, 102, 103]);
    assert_eq!(events.len(), 4 + 2, "StreamsSelected and Started: {events:?}");
    assert_eq!(script.machine.phase(), Phase::Streaming);
    // The report of this entry has its beginning too.
    script.say(ended(HResult::OK, PLAY + 1));
    assert_eq!(reported(&mut script), 4);
    assert_eq!(script.events(), [more(false)]);
}

#[test]
fn the_report_of_a_later_entry_does_not_tell_of_the_first() {
    // MMSP-C-106
    let mut script = Script::new_entry();
    script.media(0, ENTRY);
    script.play(all());
    script.say(switched(HResult::OK));
    script.say(started(PLAY + 1));
    script.sent();
    script.say(ended(HResult::OK, PLAY + 1));
    let ClientMessage::Logging(logging) = script.sent_one() else { panic!() };
    let log = logging.log;
    assert_eq!((log.playback.file_duration, log.playback.file_size), (Duration::ZERO, 3));
}

#[test]
fn the_next_entry_with_its_packets_held_back() {
    // MMSP-C-111, MMSP-C-086
    let mut script = Script::new_entry();
    assert_eq!(script.machine.phase(), Phase::ChangingEntry);
    script.play(all().rate(Rate::new(2.0).unwrap()));
    assert!(matches!(
        script.sent()[..],
        [ClientMessage::StreamSwitch(_), ClientMessage::StartStriding(_)]
    ));
    script.say(switched(HResult::OK));
    script.say(started(PLAY + 1));
    script.media(0, PLAY + 1);
    let events = script.events();
    assert_eq!(packets(&events), [0]);
    assert_eq!(events.len(), 3, "{events:?}");
}

#[test]
fn an_entry_without_an_end_before_it() {
    // MMSP-C-092
    let mut script = Script::streaming();
    script.say(change());
    script.feed(&data(0, ENTRY, 0x0C, b"new"));
    assert!(matches!(script.events()[..], [ClientEvent::NextEntry(_)]));
}

#[test]
fn the_next_entry_never_comes() {
    // MMSP-C-087
    let mut script = Script::at(Phase::ChangingEntry, config());
    script.pass(seconds(59));
    assert_eq!(script.events(), []);
    script.pass(seconds(1));
    let broken = ClientEvent::Deviation(Deviation::NoNextEntry);
    assert_eq!(script.events(), [broken.clone(), more(false)]);
    assert_eq!((script.machine.phase(), script.deadline), (Phase::Ready, None));
    script.play(all());
    let mut script = Script::at(Phase::ChangingEntry, config());
    script.hang_up();
    assert_eq!(script.events()[..2], [broken, more(false)]);
    assert_eq!(script.machine.phase(), Phase::Closed);
    // Cut in the middle of a packet is something else.
    let mut script = Script::at(Phase::ChangingEntry, config());
    script.feed(&[1]);
    script.hang_up();
    let (phase, mid_frame) = (Phase::ChangingEntry, true);
    script.assert_failed(&Error::Disconnected { phase, mid_frame });
}

#[test]
fn a_broadcast_of_an_old_server_promises_nothing() {
    // Its end looks as if another entry were to follow: 3.1.5.18.
    let broadcast = OpenedFile { attributes: FileAttributes::BROADCAST, ..file() };
    let mut script = Script::ready_with("4.1", broadcast);
    script.play(all());
    script.say(started(PLAY));
    script.events();
    script.say(ended(HResult::OK, PLAY));
    script.pass(seconds(60));
    let (more, hr) = (true, HResult::OK);
    let ends =
        [ClientEvent::EndOfStream { more, hr }, ClientEvent::EndOfStream { more: false, hr }];
    assert_eq!(script.events(), ends);
}

#[test]
fn an_entry_that_is_refused() {
    // MMSP-C-105; the phase is the one that it came in
    let hr = HResult::FAIL;
    let mut script = Script::at(Phase::ChangingEntry, config());
    script.say(ReportStreamChange { hr, packet_size: 0, header_size: 0, bit_rate: 0 });
    let phase = Phase::ChangingEntry;
    script.assert_failed(&Error::Refused { phase, hr });
}

#[test]
fn a_new_entry_can_be_stopped() {
    // MMSP-C-079, MMSP-C-081
    let mut script = Script::new_entry();
    script.media(0, ENTRY);
    script.stop();
    let sent = script.sent();
    let [ClientMessage::StopPlaying(stop), ClientMessage::Logging(log)] = &sent[..] else {
        panic!("{sent:?}");
    };
    assert_eq!(stop.incarnation, PLAY.into());
    assert_eq!(log.log.reception.packets_received, 1, "only the new entry's");
    script.media(1, ENTRY);
    assert_eq!(packets(&script.events()), [0, 1]);
    script.say(ended(HResult::OK, PLAY));
    assert_eq!(script.events(), [ClientEvent::Stopped]);
    assert_eq!(script.machine.phase(), Phase::Ready);
}

#[test]
fn an_entry_that_ends_before_it_is_chosen() {
    // MMSP-C-087, MMSP-C-088
    let mut script = Script::new_entry();
    script.media(0, ENTRY);
    script.events();
    script.say(ended(HResult::FALSE, ENTRY));
    assert_eq!(script.events(), [more(true)]);
    assert_eq!(reported(&mut script), 1);
    script.say(change());
    script.feed(&data(0, ENTRY, 0x0C, b"third"));
    let events = script.events();
    assert!(matches!(events.last(), Some(ClientEvent::NextEntry(_))));
}

#[test]
fn an_entry_that_ends_while_the_play_command_is_on_its_way() {
    // MMSP-C-094, MMSP-C-095, MMSP-C-111
    let mut script = Script::new_entry();
    script.media(0, ENTRY);
    script.play(all());
    script.sent();
    script.events();
    // The server has not seen it yet and goes on to the third entry.
    script.say(ended(HResult::FALSE, ENTRY));
    assert_eq!(script.events(), [more(true)]);
    assert_eq!(reported(&mut script), 1);
    script.say(change());
    script.feed(&data(0, ENTRY, 4, b"th"));
    script.feed(&data(1, ENTRY, 0x0C, b"i"));
    let content = content(script.events());
    assert_eq!(content.header(), &b"thi"[..], "the header is no media");
    script.media(0, ENTRY);
    // Now it answers the command that was meant for the second.
    script.say(switched(HResult::OK));
    script.say(started(PLAY + 1));
    script.media(1, PLAY + 1);
    assert_eq!(script.machine.phase(), Phase::ChangingEntry);
    script.play(all());
    script.media(2, PLAY + 1);
    script.say(switched(HResult::OK));
    script.say(started(PLAY + 2));
    script.media(3, PLAY + 2);
    let events = script.events();
    assert_eq!(packets(&events), [0, 1, 2, 3]);
    let odd = |event: &&ClientEvent| matches!(event, ClientEvent::Deviation(_));
    assert_eq!(events.iter().filter(odd).count(), 0, "{events:?}");
    assert_eq!(script.machine.phase(), Phase::Streaming);
}

#[test]
fn the_late_answer_comes_after_the_next_command() {
    // MMSP-C-094, MMSP-C-111
    for hr in [HResult::OK, HResult::FAIL] {
        let mut script = Script::new_entry();
        script.play(all());
        script.say(ended(HResult::FALSE, ENTRY));
        script.say(change());
        script.feed(&data(0, ENTRY, 0x0C, b"thi"));
        script.play(all());
        script.events();
        script.say(switched(HResult::OK));
        script.say(ReportStartedPlaying {
            hr,
            incarnation: u32::from(PLAY) + 1,
            open_file_id: FILE,
        });
        let label = if hr == HResult::OK { PLAY + 1 } else { ENTRY };
        script.media(0, label);
        assert_eq!(script.machine.phase(), Phase::Starting);
        script.say(switched(HResult::OK));
        script.say(started(PLAY + 2));
        script.media(1, PLAY + 2);
        let events = script.events();
        assert_eq!(packets(&events), [0, 1]);
        assert_eq!(events.len(), 5, "{events:?}");
        assert_eq!(script.machine.phase(), Phase::Streaming);
    }
}

#[test]
fn closing_between_two_entries() {
    // MMSP-C-102
    let strict = config().strictness(mms_proto::Strictness::Strict);
    let mut script = Script::at(Phase::Streaming, strict);
    script.media(0, PLAY);
    script.say(ended(HResult::FALSE, PLAY));
    assert_eq!(reported(&mut script), 1);
    script.events();
    script.close();
    let sent = script.sent();
    let [ClientMessage::StopPlaying(_), ClientMessage::Logging(log)] = &sent[..] else {
        panic!("{sent:?}");
    };
    assert_eq!(log.log.reception.packets_received, 0, "reported already");
    // The next entry was on its way already.
    script.say(change());
    script.feed(&data(0, ENTRY, 0x0C, b"new"));
    script.media(0, ENTRY);
    assert_eq!(script.events(), []);
    script.say(ended(HResult::OK, PLAY));
    assert!(matches!(script.sent_one(), ClientMessage::CloseFile(_)));
    script.assert_closed(CloseReason::Local);
}

#[test]
fn what_belongs_to_no_entry() {
    // MMSP-C-074
    let mut script = Script::new_entry();
    script.media(0, PLAY);
    let odd = ClientEvent::Deviation(Deviation::UnexpectedData);
    assert_eq!(script.events(), [odd]);
    // A change while nothing is played.
    let mut script = Script::at(Phase::Ready, config());
    script.say(change());
    let odd = Deviation::OutOfPlace(MessageKind::Mmsp(MessageId::REPORT_STREAM_CHANGE));
    assert_eq!(script.events(), [ClientEvent::Deviation(odd)]);
    assert_eq!(script.machine.phase(), Phase::Ready);
}

#[test]
fn the_size_of_a_packet_of_the_new_entry() {
    // MMSP-C-073
    let mut script = Script::new_entry();
    script.feed(&data(0, ENTRY, 0, &[1; 51]));
    let (announced, found) = (50, 51);
    let odd = Deviation::PacketAboveAnnouncedSize { announced, found };
    let events = script.events();
    assert_eq!(events[0], ClientEvent::Deviation(odd));
    assert_eq!(packets(&events), [0]);
}

#[test]
fn an_entry_without_an_end_while_the_play_command_is_on_its_way() {
    // MMSP-C-092, MMSP-C-111: the header of the third entry is no packet of the second.
    let mut script = Script::new_entry();
    script.media(0, ENTRY);
    script.play(all());
    script.events();
    script.say(change());
    script.feed(&data(0, ENTRY, 0x0C, b"thi"));
    assert_eq!(content(script.events()).header(), &b"thi"[..]);
    script.say(switched(HResult::OK));
    script.say(started(PLAY + 1));
    script.media(0, PLAY + 1);
    script.play(all());
    script.say(switched(HResult::OK));
    script.say(started(PLAY + 2));
    script.media(1, PLAY + 2);
    let events = script.events();
    assert_eq!(packets(&events), [0, 1]);
    let odd = |event: &&ClientEvent| matches!(event, ClientEvent::Deviation(_));
    assert_eq!(events.iter().filter(odd).count(), 0, "{events:?}");
    assert_eq!(script.machine.phase(), Phase::Streaming);
}

#[test]
fn a_play_command_for_a_new_entry_that_is_refused() {
    // MMSP-C-069: the entry goes on.
    let mut script = Script::new_entry();
    script.play(all());
    script.say(switched(HResult::OK));
    let (hr, incarnation) = (HResult::FAIL, u32::from(PLAY) + 1);
    script.say(ReportStartedPlaying { hr, incarnation, open_file_id: FILE });
    script.media(1, ENTRY);
    let events = script.events();
    assert_eq!(packets(&events), [1], "{events:?}");
    script.stop();
}
