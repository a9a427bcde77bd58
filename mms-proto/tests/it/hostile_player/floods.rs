//! Floods and garbage: much of the same, much of nothing, and claims of more than there is. Memory
//! stays bounded, and the session ends or goes on.

use crate::hostile_player::requests::{
    full_of, one_of_each, packet, packet_of, packet_of_bytes, passed_over, request,
};
use crate::hostile_player::victim::{FRAME, Stage, Victim};
use crate::hostile_player::{memory, within};
use bytes::Bytes;
use mms_proto::mmsp::message::{ClientMessage, MessageId};
use mms_proto::{CloseReason, ConnectionId, Error, Machine as _, Problem};

/// Floods a session with these bytes; what became of it.
fn flooded(stage: Stage, bytes: &Bytes, times: u32) -> Victim {
    within(memory(stage), || {
        let mut victim = Victim::at(stage);
        victim.app.quiet = true;
        for _ in 0..times {
            victim.feed(bytes);
        }
        victim.answer();
        victim
    })
}

/// Reads too much, while the application owes an answer.
fn is_too_much(reason: &CloseReason) -> bool {
    let what = "bytes that wait to be decoded";
    matches!(reason, CloseReason::Failed(Error::Limit { what: limit, .. }) if *limit == what)
}

/// True when the message ends a session that has come so far.
fn is_the_end(stage: Stage, id: MessageId) -> bool {
    match id {
        MessageId::CONNECT => false,
        MessageId::CLOSE_FILE => true,
        // Who asks for the header of no file is disconnected, which MPlayer needs (T44).
        MessageId::READ_BLOCK => stage.has_no_file(),
        _ => stage == Stage::Silent,
    }
}

#[test]
fn packets_full_of_one_message() {
    for stage in Stage::ALL {
        for message in one_of_each() {
            let mut victim = flooded(stage, &full_of(&message), 1);
            let what = format!("{stage:?}, {:?}: {:?}", message.id(), victim.closed);
            assert_eq!(victim.closed.is_some(), is_the_end(stage, message.id()), "{what}");
            victim.ends_after();
        }
    }
}

#[test]
fn floods_of_the_smallest_packets() {
    // Packets without a message, and of the smallest message there is, 400 KiB of them.
    let empty = packet_of_bytes(&[]);
    let smallest = packet_of_bytes(&[1, 0, 0, 0, 0x30, 0, 3, 0]);
    let pong = packet(request(MessageId::PONG));
    for stage in Stage::ALL {
        for one in [&empty, &smallest, &pong] {
            let many: Bytes = one.repeat((64 << 10) / one.len()).into();
            let mut victim = flooded(stage, &many, 6);
            let first = stage == Stage::Silent && one.len() > 32;
            assert_eq!(victim.closed.is_some(), first, "{stage:?}, {:?}", victim.closed);
            victim.ends_after();
        }
    }
}

#[test]
fn pongs_are_never_answered() {
    // MMSP-S-083, T52
    for stage in Stage::ALL.into_iter().filter(|&stage| stage != Stage::Silent) {
        let mut victim = Victim::at(stage);
        let before = (victim.outputs, victim.machine.stats());
        for _ in 0..1000 {
            victim.feed(&packet(request(MessageId::PONG)));
        }
        assert_eq!((victim.outputs, victim.machine.stats()), before, "{stage:?}");
    }
}

#[test]
fn unknown_messages_of_every_size() {
    // MMSP-S-092: ids of nobody, of the server, and close to a known one.
    let ids = [0, 1, 0x0003_0000, 0x0003_0003, 0x0003_0034, 0x0004_0001, 0x0005_0001, u32::MAX];
    for stage in Stage::ALL {
        for id in ids.map(MessageId) {
            for size in [0, 1, 8, 1000, 65_400] {
                let unknown = ClientMessage::Unknown { id, body: vec![0xA5; size].into() };
                let mut victim = flooded(stage, &packet(unknown), 1);
                let first = stage == Stage::Silent;
                assert_eq!(victim.closed.is_some(), first, "{stage:?}, {id:?}: {size}");
                assert_eq!(victim.machine.stats().deviations, u64::from(!first));
                victim.ends_after();
            }
        }
    }
}

#[test]
fn garbage() {
    let mut state = 0x2545_F491_u32;
    let mut random = move || {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        state.to_le_bytes()[0]
    };
    let noise: Vec<u8> = (0..4096).map(|_| random()).collect();
    let http = b"GET /file.wma HTTP/1.0\r\nUser-Agent: NSPlayer/9.0\r\n\r\n".repeat(20);
    let tls = [&[0x16, 3, 1, 2, 0, 1, 0, 1, 0xFC][..], &noise].concat();
    let data = [&[0, 0, 0, 0, 4, 0, 0xFF, 0xFF][..], &[7; 70_000]].concat();
    for bytes in [vec![0; 4096], vec![0xFF; 4096], noise, http, tls, data] {
        for stage in Stage::ALL {
            let mut victim = flooded(stage, &bytes.clone().into(), 2);
            let Some(CloseReason::Failed(Error::Decode(error))) = &victim.closed else {
                panic!("{stage:?}: {:?}", victim.closed)
            };
            assert!(["sessionId", "seal", "rep"].contains(&error.field), "{error}");
            victim.stays_closed();
            // Behind a good packet it is no better.
            let pong = packet(request(MessageId::CONNECT));
            let mut victim = flooded(stage, &[&pong[..], &bytes].concat().into(), 1);
            assert!(matches!(victim.closed, Some(CloseReason::Failed(Error::Decode(_)))));
            victim.stays_closed();
        }
    }
}

#[test]
fn garbage_inside_good_packets() {
    let mut state = 0x1234_5678_u32;
    let mut random = move |most: u32| {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        state % most
    };
    for stage in Stage::ALL {
        for message in one_of_each() {
            for _ in 0..30 {
                let mut bytes = packet(message.clone()).to_vec();
                for _ in 0..=random(4) {
                    let at = 32 + random(u32::try_from(bytes.len()).unwrap() - 32) as usize;
                    bytes[at] = random(256).to_le_bytes()[0];
                }
                let mut victim = Victim::at(stage);
                victim.feed(&bytes);
                victim.answer();
                victim.ends_after();
            }
        }
    }
}

#[test]
fn claims_of_four_gigabytes() {
    // Refused before any memory is reserved for them.
    for stage in Stage::ALL {
        for claim in [65_537_u32, 1 << 20, 0x7FFF_FFFF, u32::MAX - 15, u32::MAX] {
            let mut huge = packet(request(MessageId::PONG)).to_vec();
            huge[8..12].copy_from_slice(&claim.to_le_bytes());
            let victim = flooded(stage, &huge.into(), 1);
            let Some(CloseReason::Failed(Error::Decode(error))) = victim.closed else { panic!() };
            let problem = Problem::AboveLimit { found: claim.into(), limit: 65_536 };
            assert_eq!((error.field, error.problem), ("messageLength", problem));
        }
    }
}

#[test]
fn all_messages_in_one_packet() {
    // MMSP-S-090
    let mut all = one_of_each();
    let close = all.remove(13);
    all.push(close);
    for stage in Stage::ALL {
        for first in 0..14 {
            let mut victim = Victim::at(stage);
            let mut messages = all.clone();
            messages[..14].rotate_left(first);
            victim.feed(&packet_of(&messages));
            victim.answer();
            let missed = passed_over(&messages, &victim.app.said);
            assert_eq!(missed, None, "{stage:?}, {first}: {:?}", victim.app.said);
            assert!(victim.closed.is_some());
        }
    }
}

#[test]
fn what_waits_for_the_application_is_bounded() {
    // 3 MiB, handed over as a driver without a limit of its own would.
    let megabytes = packet(request(MessageId::LOGGING)).repeat(16);
    let victim = flooded(Stage::OpenAsked, &megabytes.clone().into(), 120);
    assert!(victim.closed.as_ref().is_some_and(is_too_much), "{:?}", victim.closed);
    // One that reads where it is told to has no room then, and everything is there in the end.
    within(memory(Stage::OpenAsked), || {
        let mut victim = Victim::at(Stage::OpenAsked);
        victim.app.quiet = true;
        for _ in 0..120 {
            victim.feed_in_place(&megabytes);
        }
        assert!(victim.machine.recv_buffer(ConnectionId::MAIN).is_empty());
        let before = victim.outputs;
        victim.answer();
        assert_eq!(victim.closed, None);
        // 1 MiB of reports, and the answer.
        let reports = victim.outputs - before - 1;
        assert!((600..=750).contains(&reports), "{reports}");
        assert!(!victim.machine.recv_buffer(ConnectionId::MAIN).is_empty());
    });
}

#[test]
fn a_flood_does_not_stop_the_clock() {
    // Half a packet, and a look at the socket every second that finds nothing.
    let stump = packet(request(MessageId::OPEN_FILE));
    for stage in Stage::ALL.into_iter().filter(|&stage| stage != Stage::OpenAsked) {
        let mut victim = Victim::at(stage);
        victim.feed(&stump[..40]);
        let begin = victim.now;
        while victim.closed.is_none() && victim.now - begin <= 2 * FRAME {
            victim.feed(&[]);
            victim.pass(crate::pair::media::seconds(1));
        }
        assert!(victim.closed.is_some() && victim.now - begin >= FRAME, "{stage:?}");
    }
}
