//! Whatever the network and the applications do: the same events for every cut of the bytes, no
//! panic, no endless loop, no deadline in the past.

use std::mem::take;
use std::time::Duration;

use crate::pair::media::{content, seconds};
use crate::pair::{Pair, Side, everything};
use mms_proto::Pace;
use mms_proto::mmsp::{Client, ClientConfig, Server, ServerConfig};
use mms_proto::{ClientEvent, HResult, Start, StreamNumber, StreamSelection};
use proptest::prelude::*;

/// A session with everything in it: a bandwidth test, a change of streams, a seek, a stop.
pub(crate) fn eventful(pace: Pace) -> Pair {
    let mut config = ClientConfig::new("host", "file.wma");
    config.packet_pair = true;
    let mut pair = Pair::new(config, ServerConfig::default().pace(pace), content(12));
    let (mut changed, mut sought, mut stopped) = (false, false, false);
    pair.client.app.act = Box::new(move |client, now, event| match event {
        ClientEvent::Packet(packet) if packet.location_id == 2 && !changed => {
            changed = true;
            let two = StreamSelection::full(StreamNumber::new(2).unwrap());
            client.select_streams(now, &[two]).unwrap();
        }
        ClientEvent::Packet(packet) if packet.location_id == 4 && !sought => {
            sought = true;
            let start = Start::packet(8).unwrap();
            client.play(now, everything().start(start)).unwrap();
        }
        ClientEvent::Packet(packet) if packet.location_id == 10 && !stopped => {
            stopped = true;
            client.stop(now).unwrap();
        }
        ClientEvent::Stopped => client.play(now, everything()).unwrap(),
        _ => crate::pair::play_once(client, now, event),
    });
    pair
}

type Logs = (Vec<(Duration, String)>, Vec<(Duration, String)>);

fn logs(mut pair: Pair) -> Logs {
    pair.run();
    (take(&mut pair.client.app.log), take(&mut pair.server.app.log))
}

#[test]
fn byte_by_byte() {
    for pace in [Pace::Full, Pace::BitRate] {
        let whole = logs(eventful(pace));
        assert!(whole.0.len() > 20 && whole.0.last().unwrap().1 == "Closed(Local)", "{whole:?}");
        let mut pair = eventful(pace);
        pair.cut = Box::new(|_, _| 1);
        assert_eq!(logs(pair), whole);
    }
}

#[test]
fn one_cut_anywhere() {
    let short = || {
        let mut pair = Pair::simple(2);
        pair.client.app.act = Box::new(crate::pair::play_once);
        pair
    };
    let whole = logs(short());
    for side in [Side::Client, Side::Server] {
        let beyond = (1..3000_usize).find(|&place| {
            let mut pair = short();
            // Bytes until the cut.
            let left = std::rc::Rc::new(std::cell::Cell::new(place));
            let rest = left.clone();
            pair.cut = Box::new(move |to, length| {
                let piece = length.min(rest.get());
                if to != side || piece == 0 {
                    return length;
                }
                rest.set(rest.get() - piece);
                piece
            });
            assert_eq!(logs(pair), whole, "{side:?} {place}");
            left.get() > 0
        });
        assert!(beyond.is_some_and(|place| place > 500), "{side:?}: cut up to {beyond:?} only");
    }
}

/// What an application may do at any moment, sensible or not.
#[derive(Debug, Clone)]
enum Command {
    Play(u32),
    PlayAt(u64),
    Select(u8),
    Stop,
    Close,
    Wait(u64),
    Stall(bool),
    EndOfStream,
    Abort,
    CloseServer,
}

fn command() -> impl Strategy<Value = Command> {
    prop_oneof![
        4 => (0..30_u32).prop_map(Command::Play),
        2 => (0..3000_u64).prop_map(Command::PlayAt),
        3 => (1..=127_u8).prop_map(Command::Select),
        4 => Just(Command::Stop),
        1 => Just(Command::Close),
        8 => (0..2000_u64).prop_map(Command::Wait),
        1 => (20_000..100_000_u64).prop_map(Command::Wait),
        1 => any::<bool>().prop_map(Command::Stall),
        1 => Just(Command::EndOfStream),
        1 => Just(Command::Abort),
        1 => Just(Command::CloseServer),
    ]
}

fn obey(pair: &mut Pair, command: &Command) {
    // An error of a command is an answer like any other.
    let _ = match *command {
        Command::Play(number) => {
            let start = Start::packet(number).unwrap();
            pair.client
                .command(|client: &mut Client, now| client.play(now, everything().start(start)))
        }
        Command::PlayAt(at) => {
            let start = Start::Time(Duration::from_millis(at));
            pair.client.command(|client, now| client.play(now, everything().start(start)))
        }
        Command::Select(number) => {
            let selection = StreamSelection::full(StreamNumber::new(number).unwrap());
            pair.client.command(|client, now| client.select_streams(now, &[selection]))
        }
        Command::Stop => pair.client.command(Client::stop),
        Command::Close => {
            pair.client.command(Client::close);
            Ok(())
        }
        Command::Wait(milliseconds) => {
            pair.run_for(Duration::from_millis(milliseconds));
            Ok(())
        }
        Command::Stall(stalled) => {
            pair.server.app.stalled = stalled;
            Ok(())
        }
        Command::EndOfStream => pair.server.give(Server::end_of_stream),
        Command::Abort => pair.server.give(|server, now| server.abort_stream(now, HResult::FAIL)),
        Command::CloseServer => {
            pair.server.give(Server::close);
            Ok(())
        }
    };
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(64) })]

    #[test]
    fn any_cuts(sizes in prop::collection::vec(1..400_usize, 1..50), paced in any::<bool>()) {
        let pace = if paced { Pace::BitRate } else { Pace::Full };
        let whole = logs(eventful(pace));
        let mut pair = eventful(pace);
        let mut sizes = sizes.into_iter().cycle();
        pair.cut = Box::new(move |_, _| sizes.next().unwrap());
        prop_assert_eq!(logs(pair), whole);
    }

    #[test]
    fn any_bytes_changed(
        changes in prop::collection::vec((1..4000_usize, any::<u8>(), any::<bool>()), 1..6),
    ) {
        // Both ends find an end, each on its own: by an error, a time limit, or the other's end.
        let mut pair = eventful(Pace::BitRate);
        let (mut to_client, mut to_server) = (0, 0);
        pair.client.app.faithful = false;
        // Nor does the script of the application fit any more.
        pair.client.app.act = Box::new(|client, now, event| match event {
            ClientEvent::EndOfStream { more: false, .. } | ClientEvent::PlayRefused(_) => {
                client.close(now);
            }
            _ => crate::pair::play_once(client, now, event),
        });
        pair.tamper = Box::new(move |from, write| {
            let mut bytes = write.to_bytes().to_vec();
            let place = if from == Side::Client { &mut to_server } else { &mut to_client };
            for &(at, value, client) in &changes {
                let here = (from == Side::Client) == client;
                // A session has fewer bytes from the client.
                let at = if client { at / 2 } else { at };
                if let Some(byte) = at.checked_sub(*place).and_then(|at| bytes.get_mut(at)) {
                    if here {
                        *byte = value;
                    }
                }
            }
            *place += bytes.len();
            vec![bytes.into()]
        });
        pair.run_for(seconds(20_000));
        for log in [&pair.client.app.log, &pair.server.app.log] {
            prop_assert!(log.last().is_some_and(|(_, event)| event.starts_with("Closed(")), "{:?}", log);
        }
    }

    #[test]
    fn any_commands(
        commands in prop::collection::vec(command(), 1..40),
        paced in any::<bool>(),
        sizes in prop::collection::vec(1..2000_usize, 1..10),
    ) {
        let pace = if paced { Pace::BitRate } else { Pace::Full };
        let config = ServerConfig::default().pace(pace);
        let mut pair = Pair::new(ClientConfig::new("host", "file.wma"), config, content(30));
        // The Pair itself insists on progress, on deadlines to come, and on errors with a name.
        pair.client.app.act = Box::new(|_, _, _| {});
        let mut sizes = sizes.into_iter().cycle();
        pair.cut = Box::new(move |_, _| sizes.next().unwrap());
        for command in &commands {
            obey(&mut pair, command);
        }
        pair.client.command(Client::close);
        pair.run_for(seconds(4000));
        for log in [&pair.client.app.log, &pair.server.app.log] {
            let closed = log.iter().filter(|(_, event)| event.starts_with("Closed(")).count();
            prop_assert_eq!(closed, 1, "{:?}", log);
            prop_assert!(log.last().unwrap().1.starts_with("Closed("));
        }
        // Two ends of the same make find nothing to complain about in each other, but for packets
        // past the end, which this player sends if it is told to begin there.
        let complaints = |log: &[(Duration, String)]| {
            log.iter().filter(|(_, event)| event.starts_with("Deviation")).count()
        };
        prop_assert_eq!(complaints(&pair.client.app.log), 0, "{:?}", pair.client.app.log);
        prop_assert_eq!(complaints(&pair.server.app.log), 0, "{:?}", pair.server.app.log);
    }
}
