//! Players that ask for more than their share: of searches, of the log, of seats, of guesses. What
//! they cost is counted, not timed.

use std::fs;
use std::io::Write as _;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use crate::attack::CLIP;
use crate::attack::raw::{Raw, open, session};
use crate::support::scratch::Scratch;
use crate::support::served::Served;
use bytes::Bytes;
use mms_asf::testing::{self, TestStream};
use mms_examples::serve::{Options, Pace};
use mms_proto::mmsp::message::{
    ClientMessage, Logging, MessageId, Pong, SecurityResponse, ServerMessage, StartPlaying,
    StreamSwitch,
};
use mms_proto::{HResult, Start, StreamNumber, StreamSelection};
use socket2::{Domain, Socket, Type};

const NAME: &str = "film.wma";
/// One a second.
const PACKETS: u32 = 1_600;
/// Streams that the header declares; one has packets.
const STREAMS: u8 = 8;

/// A file of one stream whose header declares seven more.
fn film(scratch: &Scratch) -> PathBuf {
    let streams: Vec<TestStream> = (1..=STREAMS).map(TestStream::Audio).collect();
    let mut bytes = testing::header(4_096, PACKETS.into(), &streams).to_vec();
    (0..PACKETS).for_each(|number| bytes.extend(testing::packet(number, 4_096, b"sound")));
    let path = scratch.join(NAME);
    fs::write(&path, bytes).unwrap();
    path
}

fn served(name: &str, change: impl FnOnce(&Scratch, &mut Options)) -> (Served, Scratch) {
    let scratch = Scratch::new(name);
    let mut options = Options::new(film(&scratch));
    options.pace = Pace::BitRate;
    change(&scratch, &mut options);
    (Served::start(options), scratch)
}

/// A session that has the header, and has selected all streams.
fn ready(address: SocketAddr) -> Raw {
    let mut player = Raw::after(address, NAME, 5);
    let streams = || (1..=STREAMS).filter_map(StreamNumber::new).map(StreamSelection::full);
    loop {
        player.say(StreamSwitch { selections: streams().collect() }).unwrap();
        match player.hear() {
            Some(ServerMessage::ReportStreamSwitch(report)) if report.hr == HResult::OK => {
                return player;
            }
            // The header goes at the speed of the file.
            Some(ServerMessage::ReportStreamSwitch(_)) => {
                std::thread::sleep(Duration::from_millis(50));
            }
            other => panic!("{other:?}"),
        }
    }
}

fn play(number: u32) -> ClientMessage {
    let start = Start::Time(Duration::from_secs(u64::from(number) % 1_600));
    let (open_file_id, incarnation) = (1, number);
    StartPlaying { open_file_id, start, stop: None, incarnation, accel: None }.into()
}

/// Waits until the server does nothing but play for so many players, a packet a second each.
fn rests(server: &Served, players: u64) {
    let (begun, mut before) = (Instant::now(), server.counters.turns());
    loop {
        std::thread::sleep(Duration::from_secs(1));
        let turns = server.counters.turns();
        if turns - before <= 4 * players {
            return;
        }
        assert!(begun.elapsed() < Duration::from_secs(60), "it never rests");
        before = turns;
    }
}

#[test]
fn backlogs_of_play_commands_cost_one_search_each() {
    const CONNECTIONS: u64 = 20;
    let (server, _scratch) = served("backlog", |_, _| {});
    let mut players: Vec<Raw> = (0..CONNECTIONS).map(|_| ready(server.address)).collect();
    let counters = server.counters.clone();
    let (turns, searches, read) = (counters.turns(), counters.searches(), counters.packets_read());
    // 100 KB each, and silence.
    let count = u32::try_from(100_000 / players[0].packet(play(1)).len()).unwrap();
    let begun = Instant::now();
    for player in &mut players {
        let plays: Vec<u8> = (1..=count).flat_map(|number| player.packet(play(number))).collect();
        player.socket.write_all(&plays).unwrap();
    }
    rests(&server, CONNECTIONS);
    let seconds = begun.elapsed().as_secs() + 1;
    let turns = counters.turns() - turns;
    let searches = counters.searches() - searches;
    let read = counters.packets_read() - read;
    // The last one is answered and plays, and few of those before it.
    let mut answered = 0;
    for player in &mut players {
        while let Some(ServerMessage::ReportStartedPlaying(report)) = player.hear() {
            answered += 1;
            if report.incarnation == count {
                break;
            }
        }
    }
    println!("{turns} turns, {searches} searches, {read} packets read, {answered} answers");
    assert!(answered <= CONNECTIONS * 4 * (1 + seconds), "{answered} answers in {seconds} s");
    // One search each when all was heard; another where the system was slow to deliver it.
    assert!((CONNECTIONS..=answered).contains(&searches), "{searches} searches");
    // A search reads each packet once for each stream, at the most.
    let most = u64::from(STREAMS) * u64::from(PACKETS) + 100;
    assert!(read <= searches * most, "{read} packets read in {searches} searches");
    // A read brings 1 KiB at least, an answer is a turn at most, a search goes on by 64 packets a
    // turn, and a player that plays has some turns a second.
    let most = CONNECTIONS * 100 + answered + read / 64 + 8 * searches + 4 * CONNECTIONS * seconds;
    assert!(turns <= most, "{turns} turns, {most} may be");
}

#[test]
fn reports_fill_no_log() {
    let (server, scratch) = served("reports", |scratch, options| {
        fs::copy(CLIP, scratch.join("clip.wmv")).unwrap();
        options.root = Some(scratch.to_path_buf());
        options.pace = Pace::Full;
    });
    let report = || ClientMessage::from(Logging { open_file_id: 0, log: Box::default() });
    let logged = || server.all_lines().iter().filter(|line| line.contains(" reports ")).count();
    // In every state before anything was played.
    let mut names = Vec::new();
    for requests in 1..=6 {
        let mut player = Raw::after(server.address, "clip.wmv", requests);
        (0..100).for_each(|_| player.say(report()).unwrap());
        names.push(player.name());
    }
    names.iter().for_each(|name| {
        drop(server.says(|line| line.starts_with(name.as_str()) && line.contains("left after")))
    });
    assert_eq!(logged(), 0);
    // One for each play command, when something was sent.
    let mut player = Raw::after(server.address, "clip.wmv", 7);
    for round in 1..=2 {
        while !matches!(player.hear(), Some(ServerMessage::ReportEndOfStream(_))) {}
        (0..500).for_each(|_| player.say(report()).unwrap());
        player.say(session("clip.wmv")[6].clone()).unwrap();
        assert_eq!(player.hear().unwrap().id(), MessageId::REPORT_STARTED_PLAYING);
        assert_eq!(logged(), round);
    }
    drop(scratch);
}

/// A connection from another address of this machine, 127.0.0.`last`.
fn from(last: u8, address: SocketAddr) -> Raw {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, None).unwrap();
    let local = SocketAddr::from((Ipv4Addr::new(127, 0, 0, last), 0));
    socket.bind(&local.into()).unwrap();
    socket.connect(&address.into()).unwrap();
    Raw::over(socket.into())
}

/// The server's answer to the first words of a player.
fn connected(mut player: Raw) -> (Raw, HResult) {
    player.say(session(NAME)[0].clone()).unwrap();
    match player.hear() {
        Some(ServerMessage::ReportConnectedEx(report)) => (player, report.hr),
        other => panic!("{other:?}"),
    }
}

#[test]
fn one_address_has_so_many_seats() {
    let (server, _scratch) = served("seats", |_, options| {
        options.max_players = 10;
        options.max_per_address = 3;
    });
    let address = server.address;
    let mut seated: Vec<Raw> = (0..3)
        .map(|_| {
            let (player, hr) = connected(Raw::connect(address));
            assert_eq!(hr, HResult::OK);
            player
        })
        .collect();
    let (refused, hr) = connected(Raw::connect(address));
    assert_eq!(hr, HResult::MAX_CLIENTS);
    let name = refused.name();
    drop(refused);
    let left = |line: &str| line.starts_with(&name) && line.contains("left after");
    let line = server.says(left);
    assert!(line.contains("3 players of its address are here already"), "{line}");
    // Others are let in.
    assert_eq!(connected(from(2, address)).1, HResult::OK);
    let name = seated.remove(0).name();
    server.says(|line| line.starts_with(&name) && line.contains("left after"));
    assert_eq!(connected(Raw::connect(address)).1, HResult::OK);
}

#[test]
fn who_never_plays_loses_the_seat() {
    let (server, _scratch) = served("never", |_, options| {
        options.timeouts = options.timeouts.clone().with_first_play(Duration::from_secs(5));
    });
    let mut idle = Raw::after(server.address, NAME, 5);
    let mut plays = ready(server.address);
    plays.say(play(1)).unwrap();
    assert_eq!(plays.hear().unwrap().id(), MessageId::REPORT_STARTED_PLAYING);
    let begun = Instant::now();
    while idle.say(Pong).is_ok() && begun.elapsed() < Duration::from_secs(60) {
        std::thread::sleep(Duration::from_millis(200));
    }
    let name = idle.name();
    let left = |line: &str| line.starts_with(&name) && line.contains("left after");
    let line = server.says(left);
    assert!(line.contains("idle for too long"), "{line}");
    // One that has played may stay.
    plays.say(session(NAME)[5].clone()).unwrap();
    assert_eq!(plays.hear().unwrap().id(), MessageId::REPORT_STREAM_SWITCH);
}

/// Asks for the file, and answers the challenge; the answer to that.
fn guess(mut player: Raw, password: &str) -> ServerMessage {
    for request in session(NAME).into_iter().take(3) {
        player.say(request).unwrap();
        player.hear().unwrap();
    }
    player.say(open(&NAME.encode_utf16().collect::<Vec<_>>())).unwrap();
    let Some(ServerMessage::SecurityChallenge(challenge)) = player.hear() else { panic!() };
    let token = base64(format!("anna:{password}").as_bytes());
    let (incarnation, cookie) = (challenge.incarnation, challenge.cookie);
    player.say(SecurityResponse { incarnation, cookie, token }).unwrap();
    player.hear().unwrap()
}

/// As it is in a BASIC token, with a NUL behind it.
fn base64(bytes: &[u8]) -> Bytes {
    const SIGNS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = Vec::new();
    for chunk in bytes.chunks(3) {
        let bits = (0..3)
            .fold(0_usize, |bits, n| bits << 8 | usize::from(chunk.get(n).copied().unwrap_or(0)));
        let signs = [18, 12, 6, 0].map(|shift| SIGNS[bits >> shift & 63]);
        text.extend_from_slice(&signs[..=chunk.len()]);
        text.extend(std::iter::repeat_n(b'=', 3 - chunk.len()));
    }
    text.push(0);
    text.into()
}

#[test]
fn guesses_over_many_connections_are_no_faster() {
    let (server, _scratch) = served("guesses", |scratch, options| {
        fs::write(scratch.join("users"), "anna:right\n").unwrap();
        options.users = Some(scratch.join("users"));
    });
    let address = server.address;
    // Eight are looked at at once, the others after a second each.
    let begun = Instant::now();
    std::thread::scope(|scope| {
        let wrong: Vec<_> = (0..12)
            .map(|number| scope.spawn(move || guess(Raw::connect(address), &number.to_string())))
            .collect();
        std::thread::sleep(Duration::from_millis(500));
        // Other addresses do not wait, not even with this one.
        let answer = guess(from(2, address), "right");
        let ServerMessage::ReportOpenFile(report) = answer else { panic!("{answer:?}") };
        assert!(report.result.is_ok());
        let others = begun.elapsed();
        for guess in wrong {
            let answer = guess.join().unwrap();
            assert_eq!(answer.id(), MessageId::SECURITY_CHALLENGE, "it may try again");
        }
        let all = begun.elapsed();
        assert!(all >= Duration::from_secs(5), "{all:?}");
        assert!(others < all, "{others:?}");
    });
    // The right one as well, when its turn has come.
    let answer = guess(Raw::connect(address), "right");
    let ServerMessage::ReportOpenFile(report) = answer else { panic!("{answer:?}") };
    assert!(report.result.is_ok());
}
