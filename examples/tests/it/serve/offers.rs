//! What can be asked for besides files: lists, live streams, names that are elsewhere; and who may
//! ask.

use std::fs;

use crate::support::pipe::{broadcast, piped};
use crate::support::player::{NEW, OLD, Player};
use crate::support::scratch::Scratch;
use crate::support::served::Served;
use mms_asf::guid;
use mms_examples::serve::feed::{FeedSource, UpstreamOptions};
use mms_examples::serve::{Options, Pace, Redirection};
use mms_proto::{CloseReason, HResult, Redirect};

const CLIP: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/clips/test-pattern.wmv");
const NAME: &str = "test-pattern.wmv";
const PACKETS: usize = 85;
const PACKET: usize = 3200;
const HEADER: usize = 875;

/// Plays to the end.
fn play(mut player: Player) -> Player {
    player.run(0x1_0000, |_| false);
    player
}

#[test]
fn a_name_that_is_elsewhere() {
    let mut options = Options::new(CLIP);
    let to = "mmst://127.0.0.1:9/new.wmv".to_owned();
    options.redirects.push(Redirection { from: "old name.wmv".to_owned(), to: to.clone() });
    let server = Served::start(options);
    let player = play(Player::connect(server.address, "old%20name.wmv?x=y"));
    assert_eq!(player.redirect, Some(Redirect::Url(to)));
    assert_eq!(player.closed, Some(CloseReason::Redirected));
    server.says(|line| line.ends_with("refused: sent to mmst://127.0.0.1:9/new.wmv"));
    assert_eq!(play(Player::connect(server.address, NAME)).packets, PACKETS);
}

/// A server for those whom this list of users names.
fn guarded(scratch: &Scratch, list: &str) -> Served {
    let users = scratch.join("users.txt");
    fs::write(&users, list).unwrap();
    let mut options = Options::new(CLIP);
    options.users = Some(users);
    Served::start(options)
}

#[test]
fn only_those_who_may_play_do() {
    let scratch = Scratch::new("users");
    let server = guarded(&scratch, "# who\nanna:secret\n");
    for (credentials, packets, said) in [
        (None, 0, "no name and password"),
        (Some(("anna", "guess")), 0, "wrong name or password"),
        (Some(("bert", "secret")), 0, "wrong name or password"),
        (Some(("anna", "secret")), PACKETS, "\"anna\" left after"),
    ] {
        let mut player = Player::connect(server.address, NAME);
        player.credentials = credentials;
        let who = player.socket.local_addr().unwrap().to_string();
        let player = play(player);
        assert_eq!(player.packets, packets, "{credentials:?}");
        drop(player);
        let line = server.says(|line| line.starts_with(&who) && line.contains("left after"));
        assert!(line.contains(said) && !line.contains("secret"), "{line}");
    }
    // Nobody learns which files there are.
    let missing = play(Player::connect(server.address, "missing.wmv"));
    assert_eq!(missing.closed, Some(CloseReason::Local), "it was challenged");
}

#[test]
fn a_fast_start() {
    // Both play six seconds of content: four times faster, and as fast as they play.
    let paced = |seconds| {
        let mut options = Options::new(CLIP);
        options.pace = Pace::BitRate;
        options.fast_start = std::time::Duration::from_secs(seconds);
        let server = Served::start(options);
        let player = Player::connect(server.address, NAME);
        std::thread::spawn(move || (play(player).packets, server))
    };
    let (slow, fast) = (paced(0), paced(60));
    let (packets, _server) = fast.join().unwrap();
    assert!(!slow.is_finished(), "it was no faster");
    assert_eq!((packets, slow.join().unwrap().0), (PACKETS, PACKETS));
}

#[test]
fn passwords_cannot_be_guessed_at_speed() {
    let scratch = Scratch::new("guesses");
    let server = guarded(&scratch, "anna:secret\n");
    let begun = std::time::Instant::now();
    let mut player = Player::connect(server.address, NAME);
    player.guesses = (0..100).map(|n| ("anna", format!("guess {n}"))).collect();
    let player = play(player);
    // One a second, and four on one connection.
    assert_eq!(player.guesses.len(), 96, "{:?}", player.closed);
    assert!(matches!(player.closed, Some(CloseReason::Failed(_))), "{:?}", player.closed);
    assert!(begun.elapsed() >= std::time::Duration::from_secs(4));
    // Who mistypes once gets in all the same.
    let mut player = Player::connect(server.address, NAME);
    player.guesses = [("anna", "secrte".to_owned()), ("anna", "secret".to_owned())].into();
    assert_eq!(play(player).packets, PACKETS);
}

#[test]
fn a_list_is_played_to_its_end() {
    let scratch = Scratch::new("list");
    for name in ["a.wmv", "b.wmv", "c.wmv"] {
        fs::copy(CLIP, scratch.join(name)).unwrap();
    }
    let list = scratch.join("evening.m3u");
    fs::write(&list, "a.wmv\nb.wmv\nmissing.wmv\nc.wmv\n").unwrap();
    let mut options = Options::nothing();
    options.playlist = Some(list);
    let server = Served::start(options);
    for product in [OLD, NEW] {
        for path in ["evening.m3u", ""] {
            let player = play(Player::connect_as(product, server.address, path));
            assert_eq!(player.closed, Some(CloseReason::Local), "{product}");
            assert_eq!((player.packets, player.end), (3 * PACKETS, Some(HResult::OK)), "{product}");
            assert_eq!(player.headers.len(), 3);
        }
    }
    assert!(play(Player::connect(server.address, "a.wmv")).closed != Some(CloseReason::Local));
}

#[test]
fn players_join_a_live_stream_in_the_middle() {
    let clip = fs::read(CLIP).unwrap();
    let packets = |range: std::ops::Range<usize>| {
        clip[HEADER + range.start * PACKET..HEADER + range.end * PACKET].to_vec()
    };
    let (server, pipe) = broadcast();
    // Nothing has come yet: this one waits for it.
    let mut first = Player::connect(server.address, "live");
    let early = std::thread::spawn(move || {
        first.run(1_000, |player| player.packets > 0);
        first
    });
    std::thread::sleep(std::time::Duration::from_millis(200));
    pipe.send(clip[..HEADER].to_vec()).unwrap();
    server.says(|line| line.contains(" opened \"live\""));
    // What comes before it plays is not lost: a player begins at the last key frame.
    pipe.send(packets(0..10)).unwrap();
    let first = early.join().unwrap();
    let mut second = Player::connect_as(NEW, server.address, "");
    second.run(1_000, |player| player.packets > 0);
    // One that opens it and does not play does not keep the server when it has ended.
    let mut idle = Player::connect(server.address, "live");
    idle.waits = true;
    idle.run(1_000, |player| player.headers.len() == 1);
    pipe.send(packets(10..PACKETS)).unwrap();
    drop(pipe);
    let (first, second) = (play(first), play(second));
    for player in [&first, &second] {
        assert_eq!(player.end, Some(HResult::OK), "{:?}", player.closed);
        assert!(player.packets >= PACKETS - 10, "{}", player.packets);
    }
    // To the end, byte for byte.
    let end = packets(PACKETS - 5..PACKETS);
    assert!(first.media.ends_with(&end));
    assert!(play(idle).closed.is_some());
    // There is nothing left to serve.
    server.stopped().unwrap();
}

#[test]
fn players_keep_through_a_change_of_the_header() {
    let clip = fs::read(CLIP).unwrap();
    let (server, pipe) = broadcast();
    pipe.send(clip[..HEADER + 10 * PACKET].to_vec()).unwrap();
    let players = [OLD, NEW].map(|product| {
        let mut player = Player::connect_as(product, server.address, "live");
        player.run(1_000, |player| player.packets > 0);
        player
    });
    // This one has the header, and does not play before another one has come.
    let mut late = Player::connect(server.address, "live");
    late.waits = true;
    late.run(1_000, |player| player.headers.len() == 1);

    let mut again = clip[..HEADER + PACKETS * PACKET].to_vec();
    // Another time of creation: 48 bytes into the File Properties Object.
    let id = guid::FILE_PROPERTIES.to_bytes_le();
    let properties = again.windows(16).position(|window| window == id).unwrap();
    again[properties + 48] ^= 1;
    let packets = again.split_off(HEADER);
    pipe.send(again).unwrap();
    let mut players: Vec<_> = players.into_iter().collect();
    for player in &mut players {
        player.run(1_000, |player| player.started == 2);
    }
    late.waits = false;
    late.play();
    late.run(1_000, |player| player.started == 2);
    players.push(late);
    pipe.send(packets.clone()).unwrap();
    drop(pipe);
    for player in players {
        let player = play(player);
        assert_eq!((player.end, player.headers.len()), (Some(HResult::OK), 2));
        assert_ne!(player.headers[0], player.headers[1]);
        assert!(player.packets >= PACKETS);
        // Without padding they are others.
        assert!(player.strips || player.media.ends_with(&packets));
    }
    server.stopped().unwrap();
}

#[test]
fn a_player_that_is_too_slow_for_a_live_stream_loses_packets() {
    // Far more than the system and the server keep for one player.
    const REPEATED: usize = 60;
    let clip = fs::read(CLIP).unwrap();
    let (server, pipe) = broadcast();
    pipe.send(clip[..HEADER + PACKET].to_vec()).unwrap();
    let mut slow = Player::connect(server.address, "live");
    let mut fast = Player::connect(server.address, "live");
    for player in [&mut slow, &mut fast] {
        player.run(1_000, |player| player.packets > 0);
    }
    let packets = clip[HEADER..HEADER + PACKETS * PACKET].repeat(REPEATED);
    pipe.send(packets).unwrap();
    drop(pipe);
    // It reads on when everything has been sent to others.
    assert_eq!(play(fast).end, Some(HResult::OK));
    let who = slow.socket.local_addr().unwrap().to_string();
    let slow = play(slow);
    assert_eq!(slow.end, Some(HResult::OK));
    assert!(slow.packets < PACKETS * REPEATED, "{}", slow.packets);
    let line = server.says(|line| line.starts_with(&who) && line.contains("left after"));
    assert!(line.ends_with("packets dropped, it was too slow"), "{line}");
}

#[test]
fn a_relay_hands_on_every_byte() {
    let mut options = Options::new(CLIP);
    options.pace = Pace::BitRate;
    let origin = Served::start(options);
    let url = format!("mms://{}/{NAME}", origin.address).parse().unwrap();
    let upstream = FeedSource::Upstream(UpstreamOptions::new(url));
    let relay = Served::start(Options::live(NAME, upstream));
    let players = [NAME, ""].map(|path| {
        let player = Player::connect(relay.address, path);
        std::thread::spawn(move || play(player))
    });
    let clip = fs::read(CLIP).unwrap();
    let packets = &clip[HEADER..HEADER + PACKETS * PACKET];
    for player in players {
        let player = player.join().unwrap();
        assert_eq!(player.end, Some(HResult::OK), "{:?}", player.closed);
        assert!(!player.media.is_empty() && packets.ends_with(&player.media));
    }
    // One session there, whatever there is here.
    origin.says(|line| line.contains(" left after "));
    assert_eq!(origin.lines().len(), 1);
    relay.stopped().unwrap();
}

#[test]
fn a_live_stream_that_never_begins_refuses_in_time() {
    let (mut options, sender) = piped();
    options.timeouts = options.timeouts.clone().with_handshake(std::time::Duration::from_secs(3));
    let server = Served::start(options);
    let Some(CloseReason::Failed(error)) = play(Player::connect(server.address, "live")).closed
    else {
        panic!()
    };
    assert!(error.to_string().contains("busy"), "{error}");
    server.says(|line| line.contains("refused: it has not begun"));
    drop(sender);
}

#[test]
fn a_stream_that_is_none_ends_the_server_with_a_reason() {
    let (server, pipe) = broadcast();
    pipe.send(b"GET / HTTP/1.0\r\n\r\n".repeat(100)).unwrap();
    drop(pipe);
    let error = server.stopped().unwrap_err();
    assert!(error.to_string().contains("the input is no ASF"), "{error}");
}
