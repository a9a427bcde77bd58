//! Packets rewritten in place, and what has to stay as it was.

#![cfg(test)]

mod forms;

use bytes::BytesMut;
use mms_asf::{Packet, Payload, Removal, Restorer, remove_padding};
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
}
