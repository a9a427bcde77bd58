//! Packets that are thrown away: no sign of life.

use mms_proto::mmsp::message::Ping;
use mms_proto::{Missing, Phase};

use super::harness::*;
use super::timers::{passes, timed_out, times};

#[test]
fn what_is_thrown_away_is_no_sign_of_life() {
    // Empty, past the announced count, of no use to the application: one each 30 s.
    for kind in 0..3 {
        let mut script = Script::at(Phase::Streaming, times());
        script.pass(seconds(10));
        script.media(0, PLAY);
        assert_eq!(packets(&script.events()), [0]);
        script.pass(seconds(30));
        match kind {
            0 => script.feed(&data(1, PLAY, 0, b"")),
            1 => script.media(20, PLAY),
            _ => {
                script.media(1, PLAY);
                script.machine.reject_packet();
                script.poll();
            }
        }
        script.events();
        passes(&mut script, 10);
        script.assert_failed(&timed_out(Phase::Streaming, Missing::Media, 40));
    }
    // One that is of use counts, also after one that is not.
    let mut script = Script::at(Phase::Streaming, times());
    script.media(0, PLAY);
    script.machine.reject_packet();
    script.machine.reject_packet();
    script.pass(seconds(39));
    script.media(1, PLAY);
    script.pass(seconds(39));
    assert_eq!(packets(&script.events()), [0, 1]);
    passes(&mut script, 1);
    script.assert_failed(&timed_out(Phase::Streaming, Missing::Media, 40));
}

#[test]
fn pings_beside_packets_of_no_use() {
    // The server is there, and has nothing: as patient as with one that sends no packet at all.
    let mut script = Script::at(Phase::Streaming, times());
    for _ in 0..5 {
        script.pass(seconds(30));
        script.say(Ping);
        script.feed(&data(0, PLAY, 0, b""));
        script.media(1, PLAY);
        script.machine.reject_packet();
        script.events();
        script.poll();
    }
    passes(&mut script, 10);
    script.assert_failed(&timed_out(Phase::Streaming, Missing::Media, 160));
}

#[test]
fn a_stop_behind_packets_of_no_use() {
    let mut script = Script::at(Phase::Stopping, times());
    script.pass(seconds(9));
    script.feed(&data(0, PLAY, 0, b""));
    script.events();
    passes(&mut script, 1);
    script.assert_failed(&timed_out(Phase::Stopping, Missing::Reply, 10));
    // Small ones that never end: as long as the content may last, and no longer.
    let mut script = Script::at(Phase::Stopping, times());
    for _ in 0..18 {
        script.pass(seconds(9));
        script.media(0, PLAY);
    }
    script.events();
    passes(&mut script, 1);
    script.assert_failed(&timed_out(Phase::Stopping, Missing::Reply, 10));
}
