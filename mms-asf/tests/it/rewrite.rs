//! Packets rewritten in place, and what has to stay as it was.

use bytes::BytesMut;
use mms_asf::testing::{self, TestPacket, TestStream};
use mms_asf::{
    Error, Header, Kept, Packet, Payload, Removal, Restorer, Shift, TimeShifter, guid,
    keep_payloads, remove_padding, remove_restorable_padding,
};
use proptest::prelude::*;

use crate::forms::{Form, form};

const REMOVALS: [Removal; 4] =
    [Removal::ExplicitLength, Removal::FieldCleared, Removal::FieldKept, Removal::FieldRemoved];

fn payloads<'a>(packet: &Packet<'a>) -> Vec<Payload<'a>> {
    packet.payloads().collect::<Result<_, _>>().unwrap()
}

/// What a payload says, without the place where it lies.
type Content<'a> = (u8, bool, [u32; 3], Option<u32>, Option<u8>, &'a [u8], &'a [u8]);

fn content<'a>(payload: &Payload<'a>) -> Content<'a> {
    let numbers = [payload.object_number, payload.offset, payload.presentation_time];
    let Payload { stream, key_frame, object_size, compressed, extensions, data, .. } = *payload;
    (stream, key_frame, numbers, object_size, compressed, extensions, data)
}

fn contents<'a>(packet: &Packet<'a>) -> Vec<Content<'a>> {
    payloads(packet).iter().map(content).collect()
}

/// Stream 3 has the timing extension behind two bytes, stream 4 behind one of variable size.
fn header(size: u32) -> Header {
    let streams =
        [TestStream::Audio(1), TestStream::Video(2), TestStream::Video(3), TestStream::Video(4)];
    let timing = (guid::RECORDED_TV_TIMING, 48);
    let more = [
        testing::extended_stream_properties(3, &[(guid::SAMPLE_DURATION, 2), timing]),
        testing::extended_stream_properties(4, &[(guid::PADDING, 0xFFFF), timing]),
    ];
    Header::parse(&testing::header_with(size, 0, 9, &streams, &more)).unwrap()
}

/// What a shift has to make of a packet: the times in it, one by one.
#[derive(Debug, Default)]
struct Expected {
    below_zero: bool,
    beyond: bool,
    does_not_fit: bool,
}

impl Expected {
    fn packet(&mut self, packet: &TestPacket, by: Shift) -> TestPacket {
        let mut moved = packet.clone();
        moved.send_time = self.time(packet.send_time, by.send);
        for payload in &mut moved.payloads {
            match payload.replicated.len() {
                0 => {}
                1 if packet.offset_width == 4 => {
                    payload.offset = self.time(payload.offset, by.presentation);
                }
                1 => {
                    let most = [0, 0xFF, 0xFFFF][packet.offset_width];
                    let time = i128::from(payload.offset) + i128::from(by.presentation);
                    match u32::try_from(time).ok().filter(|&time| time <= most) {
                        Some(time) => payload.offset = time,
                        None => self.does_not_fit = true,
                    }
                }
                _ => {
                    let time = u32::from_le_bytes(payload.replicated[4..8].try_into().unwrap());
                    let time = self.time(time, by.presentation);
                    payload.replicated[4..8].copy_from_slice(&time.to_le_bytes());
                    let data = &mut payload.replicated[8..];
                    let start = match payload.stream & 0x7F {
                        3 => 2,
                        4 if data.len() >= 2 => {
                            2 + usize::from(u16::from_le_bytes([data[0], data[1]]))
                        }
                        _ => usize::MAX / 2,
                    };
                    for field in [8, 16] {
                        if data.len() >= start + 24 {
                            self.ticks(&mut data[start + field..][..8], by.presentation);
                        }
                    }
                }
            }
        }
        moved
    }

    fn time(&mut self, time: u32, by: i64) -> u32 {
        let moved = i128::from(time) + i128::from(by);
        self.below_zero |= moved < 0;
        self.beyond |= moved > i128::from(u32::MAX);
        u32::try_from(moved.rem_euclid(1 << 32)).unwrap()
    }

    fn ticks(&mut self, field: &mut [u8], by: i64) {
        let ticks = u64::from_le_bytes(field.try_into().unwrap());
        if ticks != 0 && ticks != u64::MAX {
            let moved = i128::from(ticks) + i128::from(by) * 10_000;
            self.below_zero |= moved < 0;
            self.beyond |= moved > i128::from(u64::MAX);
            let moved = u64::try_from(moved.rem_euclid(1 << 64)).unwrap();
            field.copy_from_slice(&moved.to_le_bytes());
        }
    }
}

fn distance() -> impl Strategy<Value = i64> {
    prop_oneof![
        2 => -300..300_i64,
        2 => -70_000..70_000_i64,
        2 => -(1_i64 << 33)..1_i64 << 33,
        1 => any::<i64>(),
    ]
}

proptest! {
    #[test]
    fn every_form_is_read_as_it_was_built(form in form(63)) {
        let bytes = form.build();
        let packet = Packet::parse(&bytes, form.size).unwrap();
        prop_assert_eq!(packet.send_time(), form.packet.send_time);
        prop_assert_eq!(packet.duration(), form.packet.duration);
        prop_assert_eq!(packet.payload_end(), Some(form.packet.used()));
        let read = payloads(&packet);
        prop_assert_eq!(read.len(), form.packet.payloads.len());
        for (read, built) in read.iter().zip(&form.packet.payloads) {
            prop_assert_eq!(read.stream, built.stream & 0x7F);
            prop_assert_eq!(read.key_frame, built.stream & 0x80 != 0);
            prop_assert_eq!(read.object_number, built.object);
            prop_assert_eq!(read.data, &built.data);
            if read.compressed.is_some() {
                prop_assert_eq!(read.presentation_time, built.offset);
            } else {
                prop_assert_eq!(read.offset, built.offset);
                prop_assert_eq!(read.extensions, built.replicated.get(8..).unwrap_or_default());
            }
        }
    }

    #[test]
    fn padding_of_every_form_comes_back(form in form(6)) {
        let bytes = form.build();
        let wanted = Packet::parse(&bytes, form.size).unwrap();
        for how in REMOVALS {
            let mut sent = BytesMut::new();
            remove_padding(&bytes, how, &mut sent).unwrap();
            let view = Packet::parse(&sent, form.size).unwrap();
            prop_assert_eq!(contents(&view), contents(&wanted), "{:?}", how);
            // Without a padding field nobody says that unclaimed bytes are none.
            let unclaimed =
                if form.packet.padding_width == 0 { 0 } else { form.packet.unclaimed };
            let end = view.payload_end().unwrap() + unclaimed;
            prop_assert!(sent.len() == end || sent == bytes, "{:?}", how);

            let mut restored = BytesMut::new();
            Restorer::new(form.size).unwrap().restore(&sent, &mut restored).unwrap();
            let view = Packet::parse(&restored, form.size).unwrap();
            prop_assert_eq!(contents(&view), contents(&wanted), "{:?}", how);
        }
    }

    #[test]
    fn the_head_tells_whether_padding_comes_back(form in form(6), odd in proptest::option::of(any::<u16>())) {
        let mut bytes = form.build().to_vec();
        if let Some(at) = odd {
            let at = usize::from(at) % bytes.len();
            bytes[at] ^= 1;
        }
        let Ok(packet) = Packet::parse(&bytes, form.size) else { return Ok(()) };
        // By the long way: taken out, put back, compared.
        let mut sent = BytesMut::new();
        let removed = remove_padding(&bytes, Removal::ExplicitLength, &mut sent);
        let restored = Restorer::new(form.size).unwrap().restored(&sent);
        let comes_back = removed.is_ok() && restored.is_some_and(|restored| restored == bytes);
        let expected = comes_back.then(|| sent.freeze());
        prop_assert_eq!(remove_restorable_padding(&packet), expected);
    }

    #[test]
    fn a_shift_moves_the_times_and_nothing_else(
        form in form(20),
        send in distance(),
        presentation in distance(),
    ) {
        let by = Shift { send, presentation };
        let before = form.build();
        let mut expected = Expected::default();
        let moved = Form { packet: expected.packet(&form.packet, by), ..form };

        let mut shifter = TimeShifter::new(&header(form.size));
        let mut bytes = before.to_vec();
        let shifted = shifter.shift(&mut bytes, by);
        if expected.does_not_fit {
            prop_assert!(matches!(shifted, Err(Error::Unsupported { .. })), "{:?}", shifted);
            prop_assert_eq!(bytes, before);
            return Ok(());
        }
        let shifted = shifted.unwrap();
        prop_assert_eq!(&bytes, &moved.build());
        prop_assert_eq!(shifted.below_zero, expected.below_zero);
        prop_assert_eq!(shifted.beyond, expected.beyond);
        prop_assert!(!shifted.incomplete);

        shifter.shift(&mut bytes, by.reversed()).unwrap();
        prop_assert_eq!(bytes, before);
    }

    #[test]
    fn a_shift_needs_no_padding(form in form(6), by in distance(), how in 0..4_usize) {
        let (how, by) = (REMOVALS[how], Shift::all(by));
        let mut shifter = TimeShifter::new(&header(form.size));
        let mut moved = form.build().to_vec();
        prop_assume!(shifter.shift(&mut moved, by).is_ok());
        let (mut wanted, mut sent) = (BytesMut::new(), BytesMut::new());
        remove_padding(&moved, how, &mut wanted).unwrap();
        remove_padding(&form.build(), how, &mut sent).unwrap();
        shifter.shift(&mut sent, by).unwrap();
        prop_assert_eq!(sent, wanted);
    }

    #[test]
    fn kept_payloads_stay_and_the_others_go(form in form(63), mask in any::<u64>()) {
        let bytes = form.build();
        let packet = Packet::parse(&bytes, form.size).unwrap();
        let mut asked = 0;
        let mut out = BytesMut::from(&b"before"[..]);
        let kept = keep_payloads(&packet, |_| {
            asked += 1;
            mask >> (asked - 1) & 1 != 0
        }, &mut out).unwrap();
        let all = contents(&packet);
        prop_assert_eq!(asked, all.len());
        let wanted: Vec<_> =
            (0..).zip(&all).filter(|(n, _)| mask >> n & 1 != 0).map(|(_, p)| *p).collect();
        let made = out.split_off(6);
        prop_assert_eq!(&out[..], b"before");
        match kept {
            Kept::All => {
                prop_assert_eq!(wanted.len(), all.len());
                prop_assert_eq!(made, bytes);
            }
            Kept::None => {
                prop_assert!(wanted.is_empty());
                prop_assert!(made.is_empty());
            }
            Kept::Part => {
                prop_assert!(!wanted.is_empty() && wanted.len() < all.len());
                prop_assert_eq!(made.len(), bytes.len());
                let view = Packet::parse(&made, form.size).unwrap();
                prop_assert_eq!(contents(&view), wanted);
                prop_assert_eq!(view.send_time(), packet.send_time());
                prop_assert_eq!(view.duration(), packet.duration());
                prop_assert!(view.is_multiple());
                // All bytes are accounted for, as in the packets of Windows encoders.
                prop_assert_eq!(view.length_field().width, 0);
                let end = view.payload_end().unwrap();
                let field = view.padding_field();
                prop_assert_eq!(field.value as usize, made.len() - end);
                // No narrower than it was, and no wider than needed.
                let before = match packet.length_field().width {
                    0 => packet.padding_field().width,
                    _ => 0,
                };
                let narrowest = match field.width {
                    1 => before <= 1,
                    2 => before == 2 || before < 2 && field.value >= 255,
                    _ => before == 4,
                };
                prop_assert!(narrowest, "{:?}", field);
                prop_assert!(made[end..].iter().all(|&byte| byte == 0));
            }
        }
    }

    #[test]
    fn damaged_packets_are_rewritten_or_refused(
        form in form(6),
        edits in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        cut in any::<prop::sample::Index>(),
        by in distance(),
    ) {
        let mut bytes = form.build().to_vec();
        for (at, value) in edits {
            let at = at.index(bytes.len());
            bytes[at] = value;
        }
        for len in [bytes.len(), cut.index(bytes.len())] {
            let before = &bytes[..len];
            let mut moved = before.to_vec();
            let mut shifter = TimeShifter::new(&header(form.size));
            if shifter.shift(&mut moved, Shift::all(by)).is_ok() {
                shifter.shift(&mut moved, Shift::all(by).reversed()).unwrap();
            }
            prop_assert_eq!(&moved, before);
            let mut out = BytesMut::new();
            if let Ok(packet) = Packet::parse(before, form.size) {
                let done = keep_payloads(&packet, |payload| payload.stream == 1, &mut out);
                let whole = matches!(done, Ok(Kept::All | Kept::Part));
                prop_assert_eq!(out.len(), if whole { form.size as usize } else { 0 });
                prop_assert!(done.is_err() || len == form.size as usize);
            }
        }
    }
}
