//! Packets rewritten in place, and what has to stay as it was.

#![cfg(test)]

mod forms;

use mms_asf::{Packet, Payload};
use proptest::prelude::*;

use self::forms::form;

fn payloads<'a>(packet: &Packet<'a>) -> Vec<Payload<'a>> {
    packet.payloads().collect::<Result<_, _>>().unwrap()
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
}
