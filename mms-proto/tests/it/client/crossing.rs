//! A playlist entry whose header crosses what we say.

use mms_proto::mmsp::message::ClientMessage;
use mms_proto::{ClientEvent, HResult, Machine as _, Phase, Start};

use super::harness::*;

#[test]
fn the_next_entry_crosses_our_stop() {
    // MMSP-C-091: the header is taken and the session goes on: 3.1.5.18 takes the end for the stop's answer.
    let mut script = Script::streaming();
    script.stop();
    script.say(ended(HResult::FALSE, PLAY));
    assert_eq!(script.events(), [ClientEvent::Stopped]);
    script.say(change());
    script.feed(&data(0, ENTRY, 4, b"n"));
    script.feed(&data(1, ENTRY, 0x0C, b"ew"));
    assert_eq!(content(script.events()).header(), &b"new"[..]);
    // It began before the server saw our stop: nobody wants these, and nobody is at fault.
    script.media(0, ENTRY);
    assert_eq!((script.events(), script.machine.stats().dropped), (vec![], 1));
    script.say(ended(HResult::OK, PLAY));
    assert_eq!((script.events(), script.machine.phase()), (vec![], Phase::Ready));
    // Ready at the new entry, wherever the application wants it.
    script.sent();
    script.play(all().start(Start::packet(3).unwrap()));
    assert_eq!(script.sent_play().start, Start::packet(3).unwrap());
    script.say(switched(HResult::OK));
    script.say(started(PLAY + 1));
    script.media(3, PLAY + 1);
    assert_eq!(packets(&script.events()), [3]);
    assert_eq!(script.machine.stats().deviations, 0, "strict mode would not mind");
}

#[test]
fn the_next_entry_is_played_before_the_stop_is_answered() {
    // MMSP-C-094: and an end that is missing before the entry is the entry itself.
    for end in [true, false] {
        let mut script = Script::streaming();
        script.stop();
        if end {
            script.say(ended(HResult::FALSE, PLAY));
        }
        script.say(change());
        assert_eq!(script.events(), [ClientEvent::Stopped]);
        script.feed(&data(0, ENTRY, 0x0C, b"new"));
        assert!(matches!(script.events()[..], [ClientEvent::NextEntry(_)]));
        script.sent();
        script.play(all());
        assert_eq!(script.sent_play().incarnation, u32::from(PLAY) + 1);
        script.say(ended(HResult::OK, PLAY));
        assert_eq!(script.machine.phase(), Phase::Starting);
        script.say(switched(HResult::OK));
        script.say(started(PLAY + 1));
        script.media(0, PLAY + 1);
        let events = script.events();
        assert_eq!((packets(&events), events.len()), (vec![0], 3), "{events:?}");
    }
}

#[test]
fn a_stop_that_is_answered_amid_the_next_header() {
    // MMSP-C-092
    let mut script = Script::streaming();
    script.stop();
    script.say(ended(HResult::FALSE, PLAY));
    script.say(change());
    script.feed(&data(0, ENTRY, 4, b"n"));
    script.say(ended(HResult::OK, PLAY));
    script.events();
    script.feed(&data(1, ENTRY, 0x0C, b"ew"));
    assert_eq!(content(script.events()).header(), &b"new"[..]);
    assert_eq!((script.machine.phase(), script.deadline), (Phase::Ready, None));
}

#[test]
fn the_next_entry_crosses_our_seek() {
    // MMSP-C-091
    for end in [true, false] {
        let mut script = Script::streaming();
        script.play(all().start(Start::packet(7).unwrap()));
        if end {
            script.say(ended(HResult::FALSE, PLAY));
        }
        script.say(change());
        script.feed(&data(0, ENTRY, 0x0C, b"new"));
        assert_eq!(content(script.events()).header(), &b"new"[..]);
        assert_eq!(script.machine.phase(), Phase::ChangingEntry);
        script.media(0, ENTRY);
        // The server obeys: the new entry from the place that was meant for the old one.
        script.say(ended(HResult::OK, PLAY));
        script.say(switched(HResult::OK));
        script.say(started(PLAY + 1));
        script.media(7, PLAY + 1);
        assert_eq!(script.events(), [ClientEvent::StreamsSelected]);
        script.sent();
        // The application chooses for the entry that there is: from its beginning.
        script.play(all());
        let sent = script.sent();
        let [ClientMessage::StopPlaying(stop), ClientMessage::Logging(_)] = &sent[..] else {
            panic!("{sent:?}");
        };
        assert_eq!(stop.incarnation, u32::from(PLAY) + 1);
        script.media(8, PLAY + 1);
        script.say(ended(HResult::OK, PLAY + 1));
        assert_eq!(script.sent_play().start, Start::Beginning);
        script.say(switched(HResult::OK));
        script.say(started(PLAY + 2));
        script.media(0, PLAY + 2);
        let events = script.events();
        assert_eq!((packets(&events), events.len()), (vec![0], 3), "{events:?}");
        assert_eq!(script.machine.stats().deviations, 0);
        assert_eq!(script.machine.phase(), Phase::Streaming);
    }
}
