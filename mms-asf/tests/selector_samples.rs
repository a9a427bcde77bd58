//! Real files, played as a server would send them.

#![cfg(test)]

mod support;

use mms_asf::{Selected, Selector};

use self::support::each_file;

#[test]
fn a_player_of_everything_gets_the_file() {
    each_file(|name, mut reader| {
        let mut selector = Selector::new(reader.header());
        for number in 0..reader.packet_count() {
            let packet = reader.packet(number).unwrap();
            let selected = selector.packet(&packet).unwrap();
            assert_eq!(selected, Selected::Unchanged(packet), "{name}, packet {number}");
        }
    });
}
