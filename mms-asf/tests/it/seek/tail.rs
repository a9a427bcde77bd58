//! What lies behind the packets, where it is found, and what of it is no object.

use std::time::Duration;

use mms_asf::{Deviation, guid, testing};
use proptest::prelude::*;

use crate::seek::{SIZE, built, example, file, open};

#[test]
fn objects_are_found_where_the_data_really_ends() {
    let objects = built(&example(), Duration::from_secs(8));
    let whole = file(&example(), &objects);
    let header = open(whole.clone()).header().len();
    let end = (header + 7 * SIZE as usize) as u64;
    let with = |size: u64, count: Option<u64>, flags: Option<u8>| {
        let mut bytes = whole.clone();
        bytes[header - 34..header - 26].copy_from_slice(&size.to_le_bytes());
        if let Some(count) = count {
            bytes[30 + 56..30 + 64].copy_from_slice(&count.to_le_bytes());
        }
        bytes[30 + 88] = flags.unwrap_or(2);
        open(bytes)
    };
    let mut reader = with(50 + 7 * u64::from(SIZE), None, None);
    assert_eq!(reader.indexes().unwrap(), objects);
    assert_eq!(reader.deviations(), []);
    // Too short, too long, all of the file, and sizes that do not know.
    let sizes = [(51, true), (u64::MAX, true), (whole.len() as u64, true), (0, false)];
    for (size, reported) in sizes {
        for count in [None, Some(0)] {
            let mut reader = with(size, count, None);
            assert_eq!(reader.indexes().unwrap(), objects, "{size}, {count:?}");
            let declared = (header as u64 - 50).saturating_add(size);
            let elsewhere = [Deviation::DataEnd { declared, found: end }];
            assert_eq!(reader.deviations(), if reported { &elsewhere[..] } else { &[] });
        }
    }
    let mut live = with(50, Some(0), Some(1));
    assert_eq!(live.indexes().unwrap(), objects);
}

#[test]
fn what_is_no_object_is_reported() {
    let objects = built(&example(), Duration::from_secs(8));
    let whole = file(&example(), &objects);
    let end = whole.len() as u64;
    let check = |more: &[u8], wanted: &[Deviation]| {
        let mut reader = open([&whole[..], more].concat());
        assert_eq!(reader.indexes().unwrap(), objects);
        assert_eq!(reader.deviations(), wanted);
    };
    let unknown = |len| Deviation::UnknownBytes { offset: end, len };
    check(b"", &[]);
    check(&[0; 23], &[unknown(23)]);
    check(&[0; 100], &[unknown(100)]);
    let mut long = testing::object(guid::INDEX, &[0; 9]).to_vec();
    long[16] += 1;
    check(&long, &[unknown(33)]);
    check(&whole, &[unknown(end)]);
    let claims = testing::object(guid::SIMPLE_INDEX, &[0xFF; 40]);
    let what = "Simple Index Object";
    check(&claims, &[Deviation::Unreadable { what, offset: end }]);

    let garbage = [&file(&example(), &[])[..], &[0; 99]].concat();
    let mut reader = open(garbage.clone());
    assert_eq!(reader.indexes().unwrap(), []);
    let offset = garbage.len() as u64 - 99;
    assert_eq!(reader.deviations(), [Deviation::UnknownBytes { offset, len: 99 }]);
}

proptest! {
    #[test]
    fn any_tail_is_read_without_panic(
        tail in prop::collection::vec(prop_oneof![Just(0), Just(1), any::<u8>()], 0..200),
        id in prop::sample::select(vec![
            guid::SIMPLE_INDEX,
            guid::INDEX,
            guid::MEDIA_OBJECT_INDEX,
            guid::TIMECODE_INDEX,
        ]),
        time in any::<u64>(),
    ) {
        let tail = testing::object(id, &tail);
        let mut reader = open([&file(&example(), &[])[..], &tail].concat());
        let count = reader.packet_count();
        let point = reader.seek(Duration::from_millis(time), 1).unwrap();
        prop_assert!(point.packet < count);
        for packet in [reader.packet_of_object(time, 1), reader.packet_of_timecode(0, 1, 1)] {
            prop_assert!(packet.unwrap().is_none_or(|packet| packet < count));
        }
    }
}
