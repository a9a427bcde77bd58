//! A server behind a server: its packets unchanged, and its players untouched when the connection
//! between the two breaks.

use std::time::Duration;

use crate::support::cutter::Cutter;
use crate::support::player::{NEW, OLD, Player};
use crate::support::served::Served;
use mms_asf::FileReader;
use mms_client::MmsUrl;
use mms_examples::serve::feed::{FeedSource, UpstreamOptions};
use mms_examples::serve::{Options, Pace};
use mms_proto::{CloseReason, HResult};

const CLIP: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/clips/test-pattern.wmv");
const NAME: &str = "test-pattern.wmv";

#[test]
fn an_upstream_that_is_cut_twice() {
    let mut reader = FileReader::open(std::fs::File::open(CLIP).unwrap()).unwrap();
    let count = reader.packet_count();
    let packets: Vec<_> = (0..count).map(|number| reader.packet(number).unwrap()).collect();
    let (header, media) = (reader.header().as_bytes().clone(), packets.concat());

    // Six seconds in real time, cut in the middle of packets.
    let mut options = Options::new(CLIP);
    options.pace = Pace::BitRate;
    let origin = Served::start(options);
    let cutter = Cutter::start(origin.address, &[70_000, 90_000]);
    let url = MmsUrl::parse(&format!("mms://{}/{NAME}", cutter.address)).unwrap();
    let mut upstream = UpstreamOptions::new(url);
    upstream.first_pause = Duration::from_millis(100);
    let relay = Served::start(Options::live(NAME, FeedSource::Upstream(upstream)));

    let address = relay.address;
    let watch = move |player: &str, path: &str| {
        let mut player = Player::connect_as(player, address, path);
        std::thread::spawn(move || {
            player.run(4096, |_| false);
            player
        })
    };
    let mut early = vec![watch(OLD, NAME), watch(NEW, "")];
    relay.says(|line| line.contains("trying again"));
    // These join between the cuts, or behind them.
    let late = [watch(OLD, ""), watch(NEW, NAME)];
    early.extend(late);
    let players: Vec<_> = early.into_iter().map(|player| player.join().unwrap()).collect();

    assert_eq!(cutter.connections(), 3, "{:#?}", relay.all_lines());
    let again = relay.all_lines().iter().filter(|line| line.contains("trying again")).count();
    assert_eq!(again, 2, "{:#?}", relay.all_lines());
    for (number, player) in players.iter().enumerate() {
        let what = format!("player {number}: {:#?}", relay.all_lines());
        assert_eq!(player.closed, Some(CloseReason::Local), "{what}");
        assert_eq!(player.end, Some(HResult::OK), "{what}");
        assert_eq!(player.headers.as_slice(), std::slice::from_ref(&header), "{what}");
    }
    // Who was there from the beginning got everything, who came later the rest.
    let [old, new, late_old, late_new] = &players[..] else { panic!() };
    assert_eq!((old.packets, new.packets), (packets.len(), packets.len()));
    assert!(old.media == media, "byte for byte");
    assert!(new.media.len() < media.len(), "without padding");
    // The beginning of a join may lack what cannot be decoded; what follows is the same.
    let rest = late_old.media.len().saturating_sub(20 * packets[0].len());
    assert!(rest > 0 && media.ends_with(&late_old.media[late_old.media.len() - rest..]));
    assert!(late_old.packets < packets.len() || late_old.media == media);
    assert!(new.media.ends_with(&late_new.media[late_new.media.len() - 20_000..]));
}
