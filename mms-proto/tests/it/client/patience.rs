//! What makes the client wait longer, and for how long at most.

use mms_proto::mmsp::message::Ping;
use mms_proto::{HResult, Input, Machine as _, Missing, Phase};

use super::harness::*;
use super::timers::{passes, timed_out, times};

#[test]
fn a_server_that_only_shows_that_it_is_there() {
    // T49: for as long as the content lasts it may have a reason.
    let mut script = Script::at(Phase::Streaming, times());
    script.pass(seconds(10));
    script.media(0, PLAY);
    assert_eq!(packets(&script.events()), [0]);
    for _ in 0..4 {
        script.pass(seconds(39));
        script.say(Ping);
        script.events();
    }
    passes(&mut script, 100 + 60 - 4 * 39);
    script.assert_failed(&timed_out(Phase::Streaming, Missing::Media, 160));
}

#[test]
fn how_long_a_later_entry_lasts_is_not_known() {
    // T49: the minute that the first one lasted says nothing about it.
    let mut script = Script::at(Phase::ChangingEntry, times());
    script.say(change());
    script.feed(&data(0, ENTRY, 0x0C, b"new"));
    script.play(all());
    script.say(switched(HResult::OK));
    script.say(started(PLAY + 1));
    script.events();
    let longest = 24 * 60 * 60 + 100;
    for _ in 0..longest / 39 {
        script.pass(seconds(39));
        script.say(Ping);
    }
    assert_eq!(script.events(), []);
    passes(&mut script, longest % 39);
    script.assert_failed(&timed_out(Phase::Streaming, Missing::Media, longest));
}

#[test]
fn a_deadline_that_has_passed_stays_where_it_is() {
    // A driver may look at its socket once more before it believes a deadline. Pings that never
    // stop must not give it a new one each time.
    let mut script = Script::at(Phase::Streaming, times());
    script.media(0, PLAY);
    script.late = true;
    let end = script.now + seconds(160);
    for _ in 0..200 {
        script.now += seconds(1);
        script.say(Ping);
        assert!(script.deadline.unwrap() <= end);
    }
    assert_eq!(script.deadline, Some(end));
    script.events();
    script.input(Input::Timeout).unwrap();
    script.assert_failed(&timed_out(Phase::Streaming, Missing::Media, 160));
}

#[test]
fn a_stop_whose_answer_stands_behind_much_media() {
    for seek in [false, true] {
        let mut script = Script::at(Phase::Streaming, times());
        script.media(0, PLAY);
        if seek {
            script.play(all());
        } else {
            script.stop();
        }
        // A slow network still delivers what the server had sent before it heard us.
        for number in 0..15 {
            script.pass(seconds(9));
            script.media(number, PLAY);
        }
        assert_eq!(script.machine.phase(), Phase::Stopping);
        script.events();
        // Stale packets are no sign, and silence is none.
        script.pass(seconds(5));
        script.media(0, PLAY + 7);
        script.events();
        passes(&mut script, 5);
        script.assert_failed(&timed_out(Phase::Stopping, Missing::Reply, 10));
    }
    // A server that never stops is not waited for.
    let mut script = Script::at(Phase::Streaming, times());
    script.play(all());
    let packet = data(0, PLAY, 0, &[0; 60_000]);
    for _ in 0..290 {
        script.pass(seconds(1));
        if script.machine.phase() == Phase::Closed {
            break;
        }
        script.feed(&packet);
    }
    script.pass(seconds(1));
    script.assert_failed(&timed_out(Phase::Stopping, Missing::Reply, 10));
}
