//! What one player gets of each packet.

mod samples;

use bytes::Bytes;
use mms_asf::testing::{self, TestPacket, TestPayload, TestStream};
use mms_asf::{Header, NoSuchStream, Packet, Selected, Selection, Selector};
use proptest::prelude::*;

const SIZE: u32 = 300;
const DATA: [u8; 10] = *b"0123456789";
/// Audio, two bit rates of video, commands.
const STREAMS: [TestStream; 4] =
    [TestStream::Audio(1), TestStream::Video(2), TestStream::Video(3), TestStream::Command(4)];

/// A payload in one word: the stream, `k` for a key frame, the object's number; then `<` for its
/// beginning, `-` for a middle and `>` for its end, or nothing for all of it.
fn payload(word: &str) -> TestPayload {
    let (name, part) = match word.find(['<', '-', '>']) {
        Some(at) => word.split_at(at),
        None => (word, ""),
    };
    let (stream, rest) = name.split_at(1);
    let key = rest.starts_with('k');
    let stream = stream.parse::<u8>().unwrap() | if key { 0x80 } else { 0 };
    let number = rest.trim_start_matches(['k', '.']).parse().unwrap();
    match part {
        "" => TestPayload::whole(stream, number, 3_000, &DATA),
        "<" => TestPayload::part(stream, number, 3_000, 10, 0, &DATA[..3]),
        "-" => TestPayload::part(stream, number, 3_000, 10, 3, &DATA[3..5]),
        _ => TestPayload::part(stream, number, 3_000, 10, 5, &DATA[5..]),
    }
}

fn packet(words: &str) -> Bytes {
    let payloads = words.split(' ').map(payload).collect();
    TestPacket::multiple(payloads).build(SIZE)
}

/// The payloads of a packet, in the same words.
fn words(packet: &[u8]) -> String {
    let packet = Packet::parse(packet, SIZE).unwrap();
    let words: Vec<_> = packet
        .payloads()
        .map(|payload| {
            let payload = payload.unwrap();
            let part = match (payload.offset, payload.data.len()) {
                (0, 10) => "",
                (0, _) => "<",
                (3, _) => "-",
                _ => ">",
            };
            let key = if payload.key_frame { 'k' } else { '.' };
            format!("{}{key}{}{part}", payload.stream, payload.object_number)
        })
        .collect();
    words.join(" ")
}

struct Player(Selector);

impl Player {
    fn new() -> Self {
        let header = testing::header(SIZE, 9, &STREAMS);
        Self(Selector::new(&Header::parse(&header).unwrap()))
    }

    /// A player of these streams only.
    fn of(streams: &[u8]) -> Self {
        let mut player = Self::new();
        for stream in (1..=4).filter(|stream| !streams.contains(stream)) {
            player.select(stream, Selection::Off);
        }
        player
    }

    fn select(&mut self, stream: u8, selection: Selection) {
        self.0.select(stream, selection).unwrap();
    }

    fn switch(&mut self, from: u8, to: u8) {
        self.0.switch(from, to, Selection::Full).unwrap();
    }

    fn gets(&mut self, sent: &str) -> String {
        let selected = self.0.packet(&packet(sent)).unwrap();
        let got = selected.clone().into_bytes().map_or(String::new(), |bytes| words(&bytes));
        assert_eq!(matches!(selected, Selected::Unchanged(_)), got == sent);
        assert_eq!(matches!(selected, Selected::Nothing), got.is_empty());
        got
    }
}

#[test]
fn what_is_kept_whole_is_shared() {
    let bytes = packet("1.0 2k0 3k0 4.0");
    for _ in 0..3 {
        match Player::new().0.packet(&bytes).unwrap() {
            Selected::Unchanged(same) => assert_eq!(same.as_ptr(), bytes.as_ptr()),
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn streams_are_full_key_frames_or_off() {
    let mut player = Player::of(&[1, 2, 4]);
    player.select(2, Selection::KeyFrames);
    player.select(1, Selection::KeyFrames);
    assert_eq!(player.gets("1.0 2k0 3k0 4.0"), "1.0 2k0 4.0");
    assert_eq!(player.gets("2.1 2k2< 3.1"), "2k2<");
    // The flag may be on the first fragment only.
    assert_eq!(player.gets("2.2> 2.3"), "2.2>");
    assert_eq!(player.gets("2.4 3.2"), "");
    assert_eq!(player.0.selection(2), Some(Selection::KeyFrames));
    assert_eq!(player.0.selection(3), Some(Selection::Off));
}

#[test]
fn the_start_of_a_file_needs_no_key_frame() {
    assert_eq!(Player::new().gets("1.0 2.0 2.1"), "1.0 2.0 2.1");
    assert_eq!(Player::new().gets("1.0> 2k0> 2.1"), "2.1", "but beginnings");
}

#[test]
fn a_start_in_the_middle_waits_for_a_key_frame() {
    let mut player = Player::of(&[1, 2, 4]);
    player.gets("2k0");
    player.0.seek();
    assert_eq!(player.gets("1.5> 2k5> 4.5"), "4.5");
    assert_eq!(player.gets("1.6 2.6 1.7<"), "1.6 1.7<");
    assert_eq!(player.gets("2.7 1.7- 2k8<"), "1.7- 2k8<");
    assert_eq!(player.gets("2.8> 1.7> 2.9"), "2.8> 1.7> 2.9");
    player.0.seek();
    assert_eq!(player.gets("2.8> 2.9 1.8"), "1.8");
}

#[test]
fn what_was_begun_is_finished() {
    let mut player = Player::of(&[1, 2]);
    assert_eq!(player.gets("2k0 2.1< 1.0<"), "2k0 2.1< 1.0<");
    player.select(2, Selection::Off);
    player.select(1, Selection::Off);
    assert_eq!(player.gets("2.1- 1.0>"), "2.1- 1.0>");
    assert_eq!(player.gets("2.1> 2k2< 1.1"), "2.1>");
    player.select(2, Selection::Full);
    player.select(1, Selection::Full);
    assert_eq!(player.gets("2k2> 2.3 1.1 2k4"), "1.1 2k4");
}

#[test]
fn more_of_a_stream_begins_at_a_key_frame() {
    let mut player = Player::of(&[2]);
    player.select(2, Selection::KeyFrames);
    assert_eq!(player.gets("2k0 2.1 2.2"), "2k0");
    player.select(2, Selection::Full);
    assert_eq!(player.gets("2.3 2k4 2.5"), "2k4 2.5");
    // Nothing was left out in between: nothing to wait for.
    player.select(2, Selection::KeyFrames);
    assert_eq!(player.gets("2k6"), "2k6");
    player.select(2, Selection::Off);
    player.select(2, Selection::Full);
    assert_eq!(player.gets("2.7"), "2.7");
}

#[test]
fn a_switch_waits_for_a_key_frame() {
    let mut player = Player::of(&[1, 2]);
    player.gets("2k0 3k0");
    player.switch(2, 3);
    assert_eq!(player.0.selection(2), Some(Selection::Full));
    assert_eq!(player.gets("1.1 2.1 3.1"), "1.1 2.1");
    assert_eq!(player.gets("2.2< 3k2< 1.2"), "2.2< 3k2< 1.2");
    assert_eq!(player.0.selection(2), Some(Selection::Off));
    assert_eq!(player.0.selection(3), Some(Selection::Full));
    assert_eq!(player.gets("2.2> 3.2> 2k3 3.3"), "2.2> 3.2> 3.3");

    // To key frames only.
    player.0.switch(3, 2, Selection::KeyFrames).unwrap();
    assert_eq!(player.gets("3.4 2.4 2k5 2.6 3k5"), "3.4 2k5");
    // Audio can be entered anywhere.
    player.switch(1, 4);
    assert_eq!(player.gets("1.6 4.6 1.7 4.7"), "1.6 4.6 4.7");
}

#[test]
fn a_switch_can_be_replaced() {
    let mut player = Player::of(&[1, 2]);
    player.switch(2, 3);
    player.switch(2, 1);
    assert_eq!(player.gets("2.0 3k0 1.0 2.1"), "2.0 1.0", "another target");

    let mut player = Player::of(&[2]);
    player.switch(2, 3);
    player.switch(3, 1);
    assert_eq!(player.gets("2.0 3k0 1.0 2.1"), "2.0 1.0", "from the target on");

    let mut player = Player::of(&[2, 3]);
    player.switch(2, 3);
    player.switch(3, 1);
    assert_eq!(player.gets("2.0 3.0 1.0 3.1"), "3.0 1.0", "the target was on already");

    let mut player = Player::of(&[2]);
    player.switch(2, 3);
    player.switch(3, 2);
    assert_eq!(player.gets("2.0 3k0 2.1"), "2.0 2.1", "back");

    let mut player = Player::of(&[2]);
    player.switch(2, 3);
    player.select(3, Selection::Off);
    assert_eq!(player.gets("2.0 3k0 2.1"), "2.0 2.1", "taken back");

    let mut player = Player::of(&[2]);
    player.switch(2, 3);
    player.select(2, Selection::Off);
    assert_eq!(player.gets("2.0 3.0 3k1"), "3k1", "the old one is off");

    let mut player = Player::of(&[2]);
    player.0.switch(2, 3, Selection::Off).unwrap();
    assert_eq!(player.gets("2.0 3k0"), "", "to nothing");
}

#[test]
fn a_switch_from_nothing_is_a_selection() {
    let mut player = Player::of(&[1]);
    player.gets("2.0");
    player.switch(3, 2);
    assert_eq!(player.0.selection(2), Some(Selection::Full));
    assert_eq!(player.gets("2.1 2k2"), "2k2");
    player.0.switch(2, 2, Selection::KeyFrames).unwrap();
    assert_eq!(player.gets("2.3 2k4"), "2k4");
}

#[test]
fn a_seek_completes_a_switch() {
    let mut player = Player::of(&[1, 2]);
    player.switch(2, 3);
    player.0.seek();
    assert_eq!(player.0.selection(2), Some(Selection::Off));
    assert_eq!(player.gets("2k0 3.0 3k1"), "3k1");
}

#[test]
fn unknown_streams_are_left_out() {
    let mut player = Player::new();
    assert_eq!(player.gets("9k0 1.0 5.0"), "1.0");
    assert_eq!(player.gets("9k0"), "");
    for (from, to, number) in [(5, 1, 5), (1, 9, 9)] {
        let error = player.0.switch(from, to, Selection::Off).unwrap_err();
        assert!(matches!(error, NoSuchStream { number: n, .. } if n == number));
    }
    assert!(player.0.select(0, Selection::Off).is_err());
    assert!(player.0.select(255, Selection::Off).is_err());
    assert_eq!(player.0.selection(9), None);
    assert_eq!(player.gets("1.1"), "1.1");
}

#[test]
fn a_packet_that_cannot_be_read_changes_nothing() {
    let mut player = Player::of(&[1, 2]);
    player.gets("2k0 1.0<");
    player.switch(2, 3);
    let whole = packet("2.1 3k1 1.1");
    // Too short; then the length of the last payload is too large.
    assert!(player.0.packet(&whole.slice(..250)).is_err());
    let mut damaged = whole.to_vec();
    let end = Packet::parse(&whole, SIZE).unwrap().payload_end().unwrap();
    damaged[end - 11] = 0xFF;
    assert!(player.0.packet(&damaged.into()).is_err());
    assert_eq!(player.0.selection(2), Some(Selection::Full));
    assert_eq!(player.gets("1.0> 1.1> 2.2"), "1.0> 2.2");
}

#[test]
fn compressed_payloads_stay_together() {
    let list = TestPayload::compressed(1, 7, 3_000, 20, &[b"one", b"two"]);
    let other = TestPayload::whole(3, 0, 3_000, b"other");
    let packet = TestPacket::multiple(vec![list, other]).build(SIZE);
    let made = Player::of(&[1]).0.packet(&packet).unwrap().into_bytes().unwrap();
    let view = Packet::parse(&made, SIZE).unwrap();
    let payload = view.payloads().next().unwrap().unwrap();
    assert_eq!(payload.pieces().count(), 2);
    assert_eq!(view.payloads().count(), 1);
}

/// What a player does in front of a packet.
#[derive(Debug, Clone, Copy)]
enum Action {
    Select(u8, Selection),
    Switch(u8, u8, Selection),
    Seek,
    Nothing,
}

fn action() -> impl Strategy<Value = Action> {
    let selection =
        || prop::sample::select(vec![Selection::Full, Selection::KeyFrames, Selection::Off]);
    prop_oneof![
        2 => (1..6_u8, selection()).prop_map(|(stream, to)| Action::Select(stream, to)),
        3 => (1..6_u8, 1..6_u8, selection()).prop_map(|(a, b, to)| Action::Switch(a, b, to)),
        1 => Just(Action::Seek),
        6 => Just(Action::Nothing),
    ]
}

/// What a player does, and the packet that follows: the stream of each payload, whether its object
/// is a key frame, and whether it is whole.
type Step = (Action, Vec<(u8, bool, bool)>);

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let payloads = prop::collection::vec((1..6_u8, prop::bool::weighted(0.3), any::<bool>()), 1..6);
    prop::collection::vec((action(), payloads), 1..40)
}

proptest! {
    #[test]
    fn what_is_sent_can_be_decoded(steps in steps()) {
        let mut player = Player::new();
        // By stream: the object that is being made with its part, whether the newest object was
        // sent, and whether the one before it was.
        let mut made = [(0_u32, 2_u8); 6];
        let mut sent = [true; 6];
        for (action, payloads) in steps {
            match action {
                Action::Select(stream, to) => {
                    prop_assert_eq!(player.0.select(stream, to).is_ok(), stream < 5);
                    prop_assert_eq!(player.0.selection(stream), (stream < 5).then_some(to));
                }
                Action::Switch(from, to, selection) => {
                    let done = player.0.switch(from, to, selection);
                    prop_assert_eq!(done.is_ok(), from < 5 && to < 5);
                }
                Action::Seek => {
                    player.0.seek();
                    sent = [false; 6];
                }
                Action::Nothing => {}
            }
            let words: Vec<_> = payloads
                .iter()
                .map(|&(stream, key, whole)| {
                    let key = if key { 'k' } else { '.' };
                    let (number, part) = &mut made[usize::from(stream)];
                    let text = match *part {
                        0 => "-",
                        1 => ">",
                        _ if whole => "",
                        _ => "<",
                    };
                    if matches!(text, "" | "<") {
                        *number = (*number + 1) % 256;
                    }
                    *part = match text {
                        "<" => 0,
                        "-" => 1,
                        _ => 2,
                    };
                    format!("{stream}{key}{number}{text}")
                })
                .collect();
            // Gets the same payloads one by one: several switches may take effect in one packet.
            let mut single = Player(player.0.clone());
            let got = player.gets(&words.join(" "));
            let mut got = got.split(' ').filter(|word| !word.is_empty()).peekable();
            for word in &words {
                let stream = usize::from(word.as_bytes()[0] - b'0');
                let was_sent = got.next_if_eq(&word.as_str()).is_some();
                let selection =
                    |player: &Player| player.0.selection(u8::try_from(stream).unwrap());
                let before = selection(&single);
                prop_assert_eq!(single.gets(word) == *word, was_sent, "{}", word);
                let after = selection(&single);
                if word.ends_with(['-', '>']) {
                    // An object is sent whole or not at all.
                    prop_assert_eq!(was_sent, sent[stream], "{}", word);
                    continue;
                }
                let key = word.contains('k') || !(2..=3).contains(&stream);
                prop_assert!(key || !was_sent || sent[stream], "{}", word);
                sent[stream] = was_sent;
                if stream == 5 {
                    prop_assert!(!was_sent, "{}", word);
                    continue;
                }
                // Where nothing took effect, the selection says it all.
                if after == before {
                    match after {
                        Some(Selection::Off) => prop_assert!(!was_sent, "{}", word),
                        _ => prop_assert!(was_sent || !key, "{}", word),
                    }
                }
            }
            prop_assert_eq!(got.next(), None, "only what was there, in the same order");
        }
    }
}
