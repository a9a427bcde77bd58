//! Players that wish ill, over real sockets: each is refused or bounded, the server serves on, and
//! the one that goes by the rules gets every byte.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{Shutdown, SocketAddr};
use std::time::{Duration, Instant};

use crate::attack::honest::Honest;
use crate::attack::raw::{PATIENCE, Raw, open, session};
use crate::attack::{CLIP, long_clip};
use crate::support::scratch::Scratch;
use crate::support::served::Served;
use bytes::Bytes;
use mms_examples::serve::feed::FeedSource;
use mms_examples::serve::{Live, Options, Pace};
use mms_proto::mmsp::message::{
    CancelReadBlock, ClientMessage, CloseFile, Logging, MessageId, Pong, SecurityResponse,
    StartStriding, StopPlaying,
};
use mms_proto::{Rate, Start};

const NAME: &str = "clip.wmv";
/// So many clips in a row are 16 MB, more than any system takes at once.
const LONG: &str = "long.wmv";
const REPEATED: usize = 60;
/// Requests of a session up to the play command.
const REQUESTS: usize = 7;
/// Short for the one that waits for it, long for everything that goes as it should.
const SHORT: Duration = Duration::from_secs(5);
/// The honest player, an attacker, and two that may just be leaving: one place that is not given
/// back after each attack would be missed.
const PLACES: usize = 4;

/// A server of a short file, a long one, both in a list, and a broadcast; and its honest player.
struct Siege {
    server: Served,
    honest: Honest,
    _scratch: Scratch,
}

impl Siege {
    fn new(name: &str, change: impl FnOnce(&mut Options)) -> Self {
        let scratch = Scratch::new(name);
        fs::copy(CLIP, scratch.join(NAME)).unwrap();
        long_clip(&scratch, REPEATED);
        fs::write(scratch.join("list.m3u"), "clip.wmv\nclip.wmv\nlong.wmv\n").unwrap();
        let mut options = Options::new(&*scratch);
        options.playlist = Some(scratch.join("list.m3u"));
        let source = FeedSource::Files { paths: vec![scratch.join(NAME)], repeat: true };
        options.live = Some(Live { name: "live".to_owned(), source });
        change(&mut options);
        let server = Served::start(options);
        let honest = Honest::new(server.address, NAME);
        Self { server, honest, _scratch: scratch }
    }

    fn address(&self) -> SocketAddr {
        self.server.address
    }

    /// Waits for the report about one that has left, and returns it.
    #[track_caller]
    fn left(&self, who: &str) -> String {
        let left =
            |line: &str| line.starts_with(&format!("{who} ")) && line.contains(" left after ");
        self.server.says(left)
    }
}

#[test]
fn resets_in_every_phase() {
    let siege = Siege::new("resets", |options| options.max_players = PLACES);
    siege.honest.undisturbed_by(|| {
        for requests in 0..=REQUESTS {
            for in_a_packet in [false, true] {
                let mut player = Raw::after(siege.address(), LONG, requests);
                if in_a_packet && requests > 0 {
                    let packet = player.packet(Pong);
                    player.socket.write_all(&packet[..20]).unwrap();
                }
                let who = player.name();
                player.reset();
                // One that never said a word is not worth a line.
                if requests > 0 {
                    siege.left(&who);
                }
            }
        }
    });
}

#[test]
fn the_end_of_what_a_player_says_in_every_phase() {
    let siege = Siege::new("ends", |options| options.max_players = PLACES);
    siege.honest.undisturbed_by(|| {
        for requests in 1..=REQUESTS {
            let mut player = Raw::after(siege.address(), LONG, requests);
            player.socket.shutdown(Shutdown::Write).unwrap();
            player.hears_the_end();
            siege.left(&player.name());
        }
    });
}

#[test]
fn senders_of_a_byte_now_and_then() {
    let siege = Siege::new("drip", |options| {
        options.timeouts = options.timeouts.clone().with_frame(SHORT);
        // Long after the rest of the packet.
        options.close_after_end = PATIENCE;
    });
    siege.honest.undisturbed_by(|| {
        std::thread::scope(|scope| {
            for requests in 0..=REQUESTS {
                let siege = &siege;
                scope.spawn(move || {
                    let mut player = Raw::after(siege.address(), NAME, requests);
                    let who = player.name();
                    // A report is the longest message: it would take two minutes.
                    let packet = player.packet(Logging { open_file_id: 0, log: Box::default() });
                    let mut socket = player.socket.try_clone().unwrap();
                    let begun = Instant::now();
                    let slowly = packet.chunks(1).take_while(|byte| {
                        std::thread::sleep(Duration::from_millis(100));
                        socket.write_all(byte).is_ok() && begun.elapsed() < PATIENCE
                    });
                    assert!(slowly.count() < packet.len());
                    let line = siege.left(&who);
                    assert!(line.contains("no complete packet for 5 s"), "{line}");
                });
            }
        });
    });
}

#[test]
fn players_that_stop_talking() {
    let siege = Siege::new("silent", |options| {
        options.timeouts = options.timeouts.clone().with_handshake(SHORT);
    });
    siege.honest.undisturbed_by(|| {
        let mut players: Vec<Raw> =
            (0..=3).map(|requests| Raw::after(siege.address(), NAME, requests)).collect();
        // One that was refused, and does not say what else it would like.
        let mut refused = Raw::after(siege.address(), "", 3);
        refused.say(session("missing.wmv")[3].clone()).unwrap();
        players.push(refused);
        for player in &mut players {
            player.hears_the_end();
            let line = siege.left(&player.name());
            assert!(line.contains("no request for 5 s"), "{line}");
        }
    });
}

#[test]
fn readers_of_nothing_or_next_to_nothing() {
    let siege = Siege::new("deaf", |options| options.stall = SHORT);
    siege.honest.undisturbed_by(|| {
        let mut deaf: Vec<Raw> = (0..10).map(|_| Raw::with_small_buffer(siege.address())).collect();
        for player in &mut deaf {
            player.goes_through(LONG, REQUESTS);
        }
        // A byte a second opens no window.
        let mut slow = Raw::with_small_buffer(siege.address());
        slow.goes_through(LONG, REQUESTS);
        let mut socket = slow.socket.try_clone().unwrap();
        std::thread::scope(|scope| {
            scope.spawn(move || {
                let mut byte = [0];
                let begun = Instant::now();
                while begun.elapsed() < 4 * SHORT {
                    if !socket.read(&mut byte).is_ok_and(|count| count > 0) {
                        return;
                    }
                    std::thread::sleep(Duration::from_secs(1));
                }
            });
            for player in deaf.iter().chain([&slow]) {
                let line = siege.left(&player.name());
                assert!(line.contains("; it took nothing for 5s"), "{line}");
            }
        });
    });
}

#[test]
fn askers_that_never_listen() {
    // Each answer is larger than its question, and nobody takes it: no more is read then.
    let siege = Siege::new("askers", |options| options.stall = SHORT);
    siege.honest.undisturbed_by(|| {
        let mut player = Raw::with_small_buffer(siege.address());
        player.goes_through(NAME, 3);
        let missing: Vec<u16> = "x".encode_utf16().collect();
        let questions = player.packet(open(&missing)).repeat(1000);
        // It asks until it is thrown out.
        let begun = Instant::now();
        while player.socket.write_all(&questions).is_ok() {
            assert!(begun.elapsed() < PATIENCE, "it may go on for ever");
        }
        let line = siege.left(&player.name());
        assert!(line.contains("; it took nothing for 5s"), "{line}");
    });
}

/// Every message of a client.
fn requests() -> Vec<ClientMessage> {
    let mut all: Vec<ClientMessage> = session(NAME).into();
    let (open_file_id, incarnation) = (1, 5);
    let (start, rate) = (Start::Beginning, Rate::new(-2.0).unwrap());
    all.extend([
        SecurityResponse { incarnation, cookie: 1, token: Bytes::from_static(b"x") }.into(),
        CancelReadBlock { incarnation }.into(),
        StartStriding { open_file_id, start, incarnation, rate }.into(),
        StopPlaying { open_file_id, incarnation }.into(),
        Pong.into(),
        Logging { open_file_id: 0, log: Box::default() }.into(),
        CloseFile { open_file_id }.into(),
        ClientMessage::Unknown { id: MessageId(0x0003_0030), body: Bytes::from_static(&[0; 8]) },
    ]);
    all
}

/// Numbers that are the same each time.
struct Numbers(u32);

impl Numbers {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 17;
        self.0 ^= self.0 << 5;
        self.0 as usize % limit
    }
}

#[test]
fn requests_in_every_wrong_order_at_full_speed() {
    let siege = Siege::new("orders", |_| {});
    let all = requests();
    let close = MessageId::CLOSE_FILE;
    siege.honest.undisturbed_by(|| {
        let attack = |seed: u32| {
            let mut numbers = Numbers(seed);
            for round in 0..100 {
                let name = [NAME, "list.m3u", "live", LONG][round % 4];
                // Some begin as they should, so that they come far.
                let honest = numbers.below(2) * numbers.below(REQUESTS + 1);
                let mut player = Raw::connect(siege.address());
                let who = player.name();
                let mut bytes = Vec::new();
                for request in session(name).into_iter().take(honest) {
                    bytes.extend_from_slice(&player.packet(request));
                }
                for _ in 0..numbers.below(60) {
                    let request = match all[numbers.below(all.len())].clone() {
                        request if request.id() == MessageId::OPEN_FILE => session(name)[3].clone(),
                        request => request,
                    };
                    let rarely = request.id() == close && numbers.below(5) > 0;
                    if !rarely {
                        bytes.extend_from_slice(&player.packet(request));
                    }
                }
                // The server may have had enough before the last of it.
                let _ = player.socket.write_all(&bytes);
                if round % 3 == 0 {
                    player.reset();
                    continue;
                }
                let _ = player.socket.shutdown(Shutdown::Write);
                player.hears_the_end();
                if !bytes.is_empty() {
                    siege.left(&who);
                }
            }
        };
        std::thread::scope(|scope| {
            scope.spawn(|| attack(0x1234_5678));
            attack(0x9E37_79B9);
        });
    });
}

#[test]
fn pairs_of_requests_behind_a_play_command() {
    let siege = Siege::new("pairs", |_| {});
    let all = requests();
    siege.honest.undisturbed_by(|| {
        for first in &all {
            for second in &all {
                let mut player = Raw::connect(siege.address());
                let mut bytes = Vec::new();
                let both = [first.clone(), second.clone()];
                for request in session(NAME).into_iter().chain(both) {
                    bytes.extend_from_slice(&player.packet(request));
                }
                player.socket.write_all(&bytes).unwrap();
                player.socket.shutdown(Shutdown::Write).unwrap();
                player.hears_the_end();
            }
        }
    });
}

#[test]
fn garbage() {
    let siege = Siege::new("garbage", |options| options.max_players = PLACES);
    let mut numbers = Numbers(0x2545_F491);
    let noise: Vec<u8> = (0..1 << 20).map(|_| numbers.below(256).to_le_bytes()[0]).collect();
    let http = b"GET /clip.wmv HTTP/1.0\r\nUser-Agent: NSPlayer/9.0\r\n\r\n".to_vec();
    let tls = [&[0x16, 3, 1, 2, 0, 1, 0, 1, 0xFC][..], &noise[..512]].concat();
    let mut huge = vec![1, 0, 0, 0];
    for word in [0xB00B_FACE_u32, u32::MAX, 0x2053_4D4D] {
        huge.extend(word.to_le_bytes());
    }
    siege.honest.undisturbed_by(|| {
        for bytes in [&http, &tls, &vec![0; 1 << 20], &vec![0xFF; 1 << 20], &noise, &huge] {
            for requests in [0, 1, 4, REQUESTS] {
                let mut player = Raw::after(siege.address(), NAME, requests);
                let _ = player.socket.write_all(bytes);
                player.hears_the_end();
                let line = siege.left(&player.name());
                assert!(line.contains("malformed data from the peer"), "{line}");
            }
        }
    });
}

#[test]
fn a_paced_player_among_floods() {
    let siege = Siege::new("floods", |options| options.pace = Pace::BitRate);
    siege.honest.undisturbed_by(|| {
        let begun = Instant::now();
        let flood = |message: ClientMessage| {
            while begun.elapsed() < Duration::from_secs(3) {
                let mut player = Raw::after(siege.address(), NAME, REQUESTS);
                player.socket.set_write_timeout(Some(Duration::from_secs(1))).unwrap();
                let bytes = player.packet(message.clone()).repeat(1000);
                for _ in 0..20 {
                    if player.socket.write_all(&bytes).is_err() {
                        break;
                    }
                }
                player.reset();
            }
        };
        std::thread::scope(|scope| {
            for id in [MessageId::PONG, MessageId::START_PLAYING, MessageId::LOGGING] {
                let message = requests().into_iter().find(|message| message.id() == id).unwrap();
                scope.spawn(move || flood(message));
            }
        });
    });
}
