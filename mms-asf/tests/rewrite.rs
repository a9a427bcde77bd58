//! Packets rewritten in place, and what has to stay as it was.

#![cfg(test)]

mod forms;

use bytes::BytesMut;
use mms_asf::{Kept, Packet, Payload, Removal, Restorer, keep_payloads, remove_padding};
use proptest::prelude::*;

use self::forms::form;

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

            let mut restored = BytesMut::new();
            Restorer::new(form.size).unwrap().restore(&sent, &mut restored).unwrap();
            let view = Packet::parse(&restored, form.size).unwrap();
            prop_assert_eq!(contents(&view), contents(&wanted), "{:?}", how);
        }
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
            _ => {
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
                prop_assert_eq!(view.padding_field().value as usize, made.len() - end);
                prop_assert!(view.padding_field().width >= packet.padding_field().width
                    || packet.length_field().width != 0);
                prop_assert!(made[end..].iter().all(|&byte| byte == 0));
            }
        }
    }

}
