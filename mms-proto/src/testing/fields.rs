//! Random values of what is asked for and streamed, in no transport's words.

use std::time::Duration;

use bytes::Bytes;
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

use crate::event::Redirect;
use crate::hresult::HResult;
use crate::request::{Accel, Position, Rate, Start, Stop};
use crate::stream::{Delivery, StreamNumber, StreamSelection};

/// A result code: known ones, and any.
pub fn hresult() -> impl Strategy<Value = HResult> {
    prop_oneof![
        Just(HResult::OK),
        Just(HResult::FALSE),
        Just(HResult::FILE_NOT_FOUND),
        any::<u32>().prop_map(HResult),
    ]
}

/// Text of up to 40 characters, also outside the BMP and with NULs in it.
pub fn text() -> impl Strategy<Value = String> {
    let character = prop_oneof![
        8 => proptest::char::range('!', '~'),
        2 => any::<char>(),
        1 => Just('\0'),
    ];
    vec(character, 0..40).prop_map(String::from_iter)
}

/// Bytes without a meaning.
pub fn blob(most: usize) -> impl Strategy<Value = Bytes> {
    vec(any::<u8>(), 0..=most).prop_map(Bytes::from)
}

/// A time: usual ones in milliseconds, and any, to the nanosecond.
pub fn duration() -> impl Strategy<Value = Duration> {
    prop_oneof![
        Just(Duration::ZERO),
        Just(Duration::MAX),
        any::<u32>().prop_map(|milliseconds| Duration::from_millis(milliseconds.into())),
        (any::<u64>(), 0..1_000_000_000_u32)
            .prop_map(|(seconds, nanoseconds)| Duration::new(seconds, nanoseconds)),
    ]
}

/// A stream number.
pub fn stream_number() -> impl Strategy<Value = StreamNumber> {
    (1..=127_u8).prop_filter_map("1 to 127", StreamNumber::new)
}

/// What to deliver of a stream.
pub fn stream_selection() -> impl Strategy<Value = StreamSelection> {
    let delivery =
        prop_oneof![Just(Delivery::Full), Just(Delivery::KeyFramesOnly), Just(Delivery::Off)];
    (stream_number(), delivery, option::of(stream_number())).prop_map(
        |(stream, delivery, replaces)| StreamSelection {
            replaces,
            ..StreamSelection::new(stream, delivery)
        },
    )
}

/// A packet number or byte offset.
pub fn position() -> impl Strategy<Value = Position> {
    prop_oneof![Just(0), any::<u32>()].prop_filter_map("u32::MAX is none", Position::new)
}

/// Where playing begins.
pub fn start() -> impl Strategy<Value = Start> {
    prop_oneof![
        Just(Start::Beginning),
        duration().prop_map(Start::Time),
        position().prop_map(|offset| Start::ByteOffset(offset.get().into())),
        position().prop_map(Start::Packet),
    ]
}

/// Where playing ends.
pub fn stop() -> impl Strategy<Value = Stop> {
    let milliseconds = prop_oneof![Just(0x00FF_FFFF), Just(0x7FFF_FFFF), 1..=0x7FFF_FFFF_u64];
    (milliseconds, any::<bool>()).prop_filter_map("within range", |(milliseconds, relative)| {
        let time = Duration::from_millis(milliseconds);
        if relative { Stop::after(time) } else { Stop::at(time) }
    })
}

/// Speed and direction.
pub fn rate() -> impl Strategy<Value = Rate> {
    (-5.0..=5.0).prop_filter_map("not 0", Rate::new)
}

/// A start faster than real time.
pub fn accel() -> impl Strategy<Value = Accel> {
    (any::<u32>(), any::<u32>(), option::of(any::<u32>())).prop_map(
        |(bandwidth, duration, link_bandwidth)| Accel { bandwidth, duration, link_bandwidth },
    )
}

/// Where a redirect leads: sometimes nowhere, rarely to a place too long to say.
pub fn redirect() -> impl Strategy<Value = Redirect> {
    let long = || (32_760..32_775_usize).prop_map(|length| "x".repeat(length));
    prop_oneof![
        8 => text().prop_map(Redirect::Url),
        8 => option::of(text()).prop_map(Redirect::Proxy),
        1 => long().prop_map(Redirect::Url),
        1 => long().prop_map(|proxy| Redirect::Proxy(Some(proxy))),
    ]
}
