//! Requests in every wrong order, at every moment, again and again; and players that keep a
//! session busy with nothing.

use mms_proto::MessageKind;
use std::time::Duration;

use crate::hostile_player::requests::{
    COOKIE, MISSING, full_of, one_of_each, packet, packet_of, passed_over, request,
};
use crate::hostile_player::victim::{AFTER_END, Stage, Victim, expected_phase};
use crate::hostile_player::watch::Said;
use crate::hostile_player::{memory, within};
use crate::pair::media::seconds;
use crate::pair::script::{funnel, open, play};
use bytes::Bytes;
use mms_proto::mmsp::message::{
    ClientMessage, MessageId, ReadBlock, SecurityResponse, ServerMessage,
};
use mms_proto::{CloseReason, Error, Machine as _, Missing, Phase, Start};

/// An hour without a play command.
const IDLE: Duration = Duration::from_secs(3600);
/// How long the end of an entry is held back from a player that has not played it.
const UNPLAYED: Duration = Duration::from_secs(30);
/// Silence until the first question, and both answers that do not come.
const UNANSWERED: Duration = Duration::from_secs(90);

/// A session that is not over can be played to its end, whatever was asked before.
fn can_play(victim: &mut Victim, what: &str) {
    victim.answer();
    victim.pass(seconds(3));
    if matches!(victim.machine.phase(), Phase::Closed | Phase::Connecting) {
        return;
    }
    victim.feed(&packet(funnel("\\\\h\\TCP\\1")));
    if matches!(victim.machine.phase(), Phase::ChoosingTransport | Phase::Authenticating) {
        victim.feed(&packet(open(9, "file.wma")));
    }
    victim.feed(&packet(request(MessageId::STOP_PLAYING)));
    victim.feed(&packet(ReadBlock { open_file_id: 1, incarnation: 2 }));
    victim.pass(seconds(1));
    assert_eq!(victim.machine.phase(), Phase::Ready, "{what}");
    victim.app.said.clear();
    victim.feed(&packet(play(33, Start::Beginning)));
    victim.pass(seconds(2));
    let packets = victim.app.said.iter().filter(|said| matches!(said, Said::Data(_, 33))).count();
    assert_eq!(packets, 20, "{what}");
}

#[test]
fn pairs_at_any_moment() {
    // MMSP-S-092: each in a packet of its own, and both in one.
    let requests = one_of_each();
    for stage in Stage::ALL {
        for (first, second) in requests.iter().flat_map(|a| requests.iter().map(move |b| (a, b))) {
            let pair = [first.clone(), second.clone()];
            let what = format!("{stage:?}, {:?}, {:?}", first.id(), second.id());
            let mut apart = Victim::at(stage);
            pair.iter().for_each(|request| apart.feed(&packet(request.clone())));
            apart.answer();
            let mut together = Victim::at(stage);
            together.feed(&packet_of(&pair));
            together.answer();
            for victim in [&mut apart, &mut together] {
                let missed = passed_over(&pair, &victim.app.said);
                assert_eq!(missed, None, "{what}: {:?}", victim.app.said);
                can_play(victim, &what);
                victim.ends_after();
            }
        }
    }
}

#[test]
fn triples_at_any_moment() {
    // MMSP-S-092
    let requests = one_of_each();
    let each = 0..requests.len();
    let pairs = each.clone().flat_map(|a| each.clone().map(move |b| (a, b)));
    for (a, b, c) in pairs.flat_map(|(a, b)| each.clone().map(move |c| (a, b, c))) {
        let triple = [a, b, c].map(|index| requests[index].clone());
        // Every triple in every third phase, so that each pair that begins or ends one is tried
        // in all of them.
        for stage in Stage::ALL.into_iter().skip((a + b + c) % 3).step_by(3) {
            let mut victim = Victim::at(stage);
            for request in &triple {
                victim.feed(&packet(request.clone()));
            }
            victim.answer();
            let missed = passed_over(&triple, &victim.app.said);
            assert_eq!(missed, None, "{stage:?}, {triple:?}: {:?}", victim.app.said);
            victim.pass(seconds(1));
            victim.hang_up();
            victim.ends_after();
        }
    }
}

/// The cookie of the challenge among what was said.
fn cookie(victim: &Victim) -> Option<u32> {
    victim.app.said.iter().find_map(|said| match said {
        Said::Message(ServerMessage::SecurityChallenge(challenge)) => Some(challenge.cookie),
        _ => None,
    })
}

#[test]
fn responses_that_prove_nothing() {
    // MMSP-S-026: what answers no challenge of this server is not looked at.
    let response = |cookie, token| SecurityResponse { incarnation: 9, cookie, token };
    let mut victim = Victim::at(Stage::Challenged);
    for wrong in [0, COOKIE - 1, COOKIE + 1, u32::MAX] {
        victim.feed(&packet(response(wrong, Bytes::from_static(b"Og==\0"))));
        assert_eq!(victim.machine.phase(), Phase::Authenticating, "{:?}", victim.app.said);
    }
    // And who cannot say who it is, is not asked for ever.
    let mut asked = Some(COOKIE);
    let mut challenges = 1;
    while let Some(cookie_of_the_last) = asked {
        victim.app.said.clear();
        victim.feed(&packet(response(cookie_of_the_last, Bytes::from_static(&[0; 8]))));
        asked = cookie(&victim);
        challenges += usize::from(asked.is_some());
        assert!(challenges <= 4, "{challenges}");
    }
    assert_eq!((challenges, victim.machine.phase()), (4, Phase::ChoosingTransport));
}

#[test]
fn nothing_but_connect_comes_first() {
    for message in one_of_each() {
        let id = message.id();
        let mut victim = Victim::at(Stage::Silent);
        victim.feed(&packet(message));
        let expected =
            (id != MessageId::CONNECT).then_some(CloseReason::Failed(Error::Unexpected {
                message: MessageKind::Mmsp(id),
                phase: Phase::Connecting,
            }));
        assert_eq!(victim.closed, expected);
    }
}

#[test]
fn every_request_a_thousand_times() {
    for stage in Stage::ALL {
        for message in one_of_each() {
            let bytes = packet(message.clone());
            within(memory(stage), || {
                let mut victim = Victim::at(stage);
                for _ in 0..1000 {
                    victim.app.said.clear();
                    victim.feed(&bytes);
                    let missed = passed_over(std::slice::from_ref(&message), &victim.app.said);
                    let held = stage == Stage::OpenAsked;
                    assert!(missed.is_none() || held, "{stage:?}, {missed:?}");
                    if victim.closed.is_some() {
                        break;
                    }
                }
                victim.app.quiet = true;
                victim.answer();
                victim.app.quiet = false;
                can_play(&mut victim, &format!("{stage:?}, {:?}", message.id()));
                victim.ends_after();
            });
        }
    }
}

#[test]
fn selections_do_not_pile_up() {
    // A session remembers what was selected of each stream, not each selection.
    let mut body = 10_000_u32.to_le_bytes().to_vec();
    for entry in 0..10_000_u16 {
        let stream = entry % 127 + 1;
        [0xFFFF, stream, 0].iter().for_each(|word: &u16| body.extend(word.to_le_bytes()));
    }
    let selection = ClientMessage::Unknown { id: MessageId::STREAM_SWITCH, body: body.into() };
    let selection = packet(selection);
    let measure = |times: u32| {
        let mut left = 0;
        let memory = allocation_counter::measure(|| {
            let mut victim = Victim::at(Stage::Ready);
            victim.app.quiet = true;
            (0..times).for_each(|_| victim.feed(&selection));
            assert_eq!(victim.closed, None);
            left = victim.outputs;
        });
        (memory.bytes_max, left)
    };
    let ((once, few), (often, many)) = (measure(2), measure(40));
    assert!(many > few);
    assert_eq!(often, once);
}

/// How a session ends whose player says nothing any more.
fn after_silence(stage: Stage) -> (CloseReason, Duration) {
    let timed_out = |phase, missing, after: Duration| {
        CloseReason::Failed(Error::TimedOut { phase, missing, after })
    };
    let handshake = seconds(30);
    match stage {
        Stage::Silent | Stage::Connected | Stage::Funnel | Stage::Refused => {
            (timed_out(expected_phase(stage), Missing::Request, handshake), handshake)
        }
        Stage::Challenged => {
            (timed_out(Phase::Authenticating, Missing::Reply, handshake), handshake)
        }
        // The application never answers.
        Stage::OpenAsked => (CloseReason::Idle, IDLE),
        Stage::Opened => (timed_out(Phase::Opening, Missing::Reply, seconds(60)), UNANSWERED),
        Stage::SendingHeader => (timed_out(Phase::Ready, Missing::Reply, seconds(60)), UNANSWERED),
        // A second of the time has passed.
        Stage::Ready => {
            (timed_out(Phase::Ready, Missing::Reply, seconds(60)), UNANSWERED - seconds(1))
        }
        // The last packet is due after 1.9 s, of which half a second has passed, or 2.5 s.
        Stage::Streaming => (CloseReason::Local, AFTER_END + Duration::from_millis(1400)),
        Stage::Ended => (CloseReason::Local, AFTER_END - Duration::from_millis(600)),
        Stage::BetweenEntries => {
            let reason = timed_out(Phase::Streaming, Missing::Reply, seconds(60));
            (reason, UNANSWERED - Duration::from_millis(600))
        }
        // A header of 0.2 s, 1.9 s of media, and their end when nobody has played them.
        Stage::EntryHeader => {
            (CloseReason::Local, UNPLAYED + AFTER_END + Duration::from_millis(2100))
        }
        Stage::EntryFollows => {
            (CloseReason::Local, UNPLAYED + AFTER_END + Duration::from_millis(1600))
        }
        Stage::EntryWaits => (CloseReason::Local, AFTER_END - Duration::from_millis(300)),
        // Its packets come to an end as well.
        Stage::Live => {
            let reason = timed_out(Phase::Streaming, Missing::Reply, seconds(60));
            (reason, UNANSWERED - Duration::from_millis(500))
        }
    }
}

#[test]
fn silence_at_any_moment() {
    for stage in Stage::ALL {
        let mut victim = Victim::at(stage);
        let after = victim.ends_after();
        assert_eq!((victim.closed.clone().unwrap(), after), after_silence(stage), "{stage:?}");
    }
}

/// A broadcast goes on for as long as somebody listens.
fn without_broadcasts() -> impl Iterator<Item = Stage> {
    Stage::ALL.into_iter().filter(|&stage| stage != Stage::Live)
}

#[test]
fn a_player_that_only_proves_that_it_lives() {
    // Each question is answered at once, and nothing else is ever asked for.
    let pong = packet(request(MessageId::PONG));
    for stage in without_broadcasts() {
        let mut victim = Victim::at(stage);
        victim.answer();
        let begin = victim.now;
        while victim.closed.is_none() && victim.now - begin < 2 * IDLE {
            victim.pass(seconds(1));
            victim.feed(&pong);
        }
        let silence = after_silence(stage);
        let (reason, after) = match stage {
            Stage::Silent => {
                let error = Error::Unexpected {
                    message: MessageKind::Mmsp(MessageId::PONG),
                    phase: Phase::Connecting,
                };
                (CloseReason::Failed(error), seconds(1))
            }
            Stage::OpenAsked | Stage::Opened | Stage::SendingHeader => (CloseReason::Idle, IDLE),
            Stage::BetweenEntries => after_silence(Stage::EntryHeader),
            Stage::Ready => (CloseReason::Idle, IDLE - seconds(1)),
            _ => silence,
        };
        assert_eq!(victim.closed, Some(reason), "{stage:?}");
        assert!(victim.now - begin < after + seconds(1), "{stage:?}");
    }
}

#[test]
fn a_player_that_is_busy_with_nothing() {
    // Whatever it asks for every 20 seconds, without ever playing: an hour after the last media
    // it is over.
    let mut busy = one_of_each();
    busy.push(open(7, MISSING).into());
    busy.retain(|message| message.id() != MessageId::START_PLAYING);
    busy.retain(|message| message.id() != MessageId::START_STRIDING);
    for stage in without_broadcasts() {
        for message in &busy {
            let bytes = packet(message.clone());
            let mut victim = Victim::at(stage);
            victim.answer();
            let begin = victim.now;
            let most = IDLE + UNPLAYED + seconds(20);
            while victim.closed.is_none() && victim.now - begin <= most {
                victim.app.said.clear();
                victim.feed(&bytes);
                victim.pass(seconds(20));
            }
            assert!(victim.closed.is_some(), "{stage:?}, {:?}", message.id());
        }
    }
}

#[test]
fn a_player_that_asks_for_missing_files_is_bounded() {
    // A thousand names in one packet, each refused.
    within(memory(Stage::Funnel), || {
        let mut victim = Victim::at(Stage::Funnel);
        victim.app.quiet = true;
        victim.feed(&full_of(&open(7, MISSING).into()));
        assert_eq!(victim.closed, None);
        assert!(victim.outputs > 1000, "{}", victim.outputs);
    });
}
