//! Client and server together while nothing happens, in simulated time.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use crate::pair::media::{content, seconds};
use crate::pair::{Pair, Side, everything};
use mms_proto::mmsp::{ClientConfig, ServerConfig};
use mms_proto::{ClientEvent, Machine as _, Phase};

/// Counts messages with this command number in either direction.
fn count(pair: &mut Pair, low: u16) -> Rc<Cell<usize>> {
    let count = Rc::new(Cell::new(0));
    let counter = count.clone();
    pair.tamper = Box::new(move |_, write| {
        let bytes = write.to_bytes();
        if bytes.get(36..38) == Some(&low.to_le_bytes()) {
            counter.set(counter.get() + 1);
        }
        vec![bytes]
    });
    count
}

#[test]
fn a_silent_hour() {
    // MMSP-S-080, MMSP-S-084, MMSP-S-085: asked every 30 seconds, closed after an hour.
    let mut pair = Pair::simple(3);
    pair.client.app.act = Box::new(|_, _, _| {});
    let asked = count(&mut pair, 0x1B);
    pair.run();
    // The question of the last second goes out together with the end.
    assert!((119 * 2..=120 * 2).contains(&asked.get()), "{}", asked.get());
    assert_eq!(pair.server.app.log.last().unwrap(), &(seconds(3600), "Closed(Idle)".to_owned()));
    assert_eq!(pair.client.app.log.last().unwrap(), &(seconds(3600), "Closed(Peer)".to_owned()));
    assert_eq!(
        (pair.client.machine.stats().deviations, pair.server.machine.stats().deviations),
        (0, 0)
    );
}

#[test]
fn a_server_that_has_nothing_to_send_for_most_of_an_hour() {
    // Pings count as activity: the client does not give up before an hour is over, and no idle
    // time runs.
    let mut pair = Pair::simple(3);
    pair.server.app.stalled = true;
    let asked = count(&mut pair, 0x1B);
    pair.run_for(seconds(3570));
    assert_eq!(asked.get(), 119 * 2);
    assert_eq!(
        (pair.client.machine.phase(), pair.server.machine.phase()),
        (Phase::Streaming, Phase::Streaming)
    );
    assert_eq!(pair.server.app.wanted, 1, "asked once, not again and again");
    // Then it has.
    pair.server.app.stalled = false;
    let now = pair.now();
    pair.server.machine.send_packet(now, 0, crate::pair::media::packet(0)).unwrap();
    pair.server.app.next = 1;
    pair.run();
    assert_eq!(pair.packets(), [0, 1, 2]);
}

#[test]
fn a_pause_of_half_an_hour() {
    let mut pair = Pair::simple(3);
    pair.client.app.act = Box::new(|client, now, event| {
        if let ClientEvent::Ready(_) = event {
            client.play(now, everything()).unwrap();
        }
    });
    pair.run_for(seconds(1800));
    assert_eq!(pair.client.machine.phase(), Phase::Ready);
    pair.client.app.act = Box::new(crate::pair::play_once);
    pair.client.command(|client, now| client.play(now, everything())).unwrap();
    pair.run();
    assert_eq!(pair.packets(), [0, 1, 2, 0, 1, 2]);
    assert_eq!(pair.now(), pair.begun + seconds(1800));
}

#[test]
fn a_client_that_went_silent() {
    let mut config = ServerConfig::default();
    config.max_unanswered_pings = Some(3);
    let mut pair = Pair::new(ClientConfig::new("host", "file.wma"), config, content(3));
    pair.server.app.stalled = true;
    pair.run_for(seconds(100));
    pair.tamper = Box::new(|from, write| match from {
        Side::Client => vec![],
        Side::Server => vec![write.to_bytes()],
    });
    pair.run();
    // Heard for the last time at 90 seconds; asked at 120, 150 and 180; given up at 210.
    let expected = "Closed(Failed(TimedOut { phase: Streaming, missing: Reply, after: 90s }))";
    assert_eq!(pair.server.app.log.last().unwrap(), &(seconds(210), expected.to_owned()));
    let expected = "Closed(Failed(Disconnected { phase: Streaming, mid_frame: false }))";
    assert_eq!(pair.client.app.log.last().unwrap(), &(seconds(210), expected.to_owned()));
}

#[test]
fn a_server_that_went_silent() {
    // After any number of writes: the client names what did not come, within its own time limits.
    for writes in 0..20 {
        let mut pair = Pair::simple(10);
        let mut left = writes;
        pair.tamper = Box::new(move |from, write| {
            if from == Side::Server {
                if left == 0 {
                    return vec![];
                }
                left -= 1;
            }
            vec![write.to_bytes()]
        });
        pair.run();
        let (at, event) = pair.client.app.log.last().unwrap();
        if event == "Closed(Local)" {
            assert!(writes >= 19, "{writes}");
            continue;
        }
        assert!(event.starts_with("Closed(Failed(TimedOut { phase: "), "{event}");
        let limit = if event.contains("Streaming") { 90 } else { 60 };
        assert!(*at <= seconds(limit), "{event} at {at:?}");
    }
}

#[test]
fn one_byte_a_second() {
    for slow in [Side::Client, Side::Server] {
        let mut pair = Pair::simple(10);
        let mut writes = 0;
        pair.tamper = Box::new(move |from, write| {
            writes += usize::from(from == slow);
            // One byte of the fifth write, and nothing more.
            let bytes = write.to_bytes();
            match writes {
                _ if from != slow => vec![bytes],
                0..5 => vec![bytes],
                5 => vec![bytes.slice(..1)],
                _ => vec![],
            }
        });
        pair.run();
        let log = if slow == Side::Client { &pair.server.app.log } else { &pair.client.app.log };
        let (at, event) = log.last().unwrap();
        let text = event.starts_with("Closed(Failed(TimedOut {");
        // The client's limit for an answer is the shorter one.
        let peer = event.starts_with("Closed(Peer)");
        assert!(text || peer, "{slow:?}: {event}");
        assert!(*at <= Duration::from_secs(30));
    }
}
