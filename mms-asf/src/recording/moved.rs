//! What the header says about times, when all times of the packets were moved.

use std::time::Duration;

use bytes::BytesMut;

use crate::object::{HEAD, Object};
use crate::objects::{Body, Markers, ScriptCommands};
use crate::{Shift, guid};

/// The body of an object with its times moved, as long as before; `None` for objects without times,
/// and for those that cannot be read.
///
/// What would come before the start of the file is left out, and zeros behind the last entry fill
/// the object.
pub(super) fn moved(object: &Object, by: Shift) -> Option<BytesMut> {
    let encoded = match object.id {
        guid::SCRIPT_COMMAND => {
            let mut script = ScriptCommands::decode(object).ok()?;
            script.commands.retain_mut(|command| {
                let time = milliseconds(command.time, by.presentation);
                command.time = time.unwrap_or_default();
                time.is_some()
            });
            script.encode().ok()?
        }
        guid::MARKER => {
            let mut markers = Markers::decode(object).ok()?;
            markers.markers.retain_mut(|marker| {
                // The packets lie elsewhere now, and players go by the time.
                marker.offset = 0;
                marker.send_time = milliseconds(marker.send_time, by.send).unwrap_or_default();
                let time = duration(marker.presentation_time, by.presentation);
                marker.presentation_time = time.unwrap_or_default();
                time.is_some()
            });
            markers.encode().ok()?
        }
        _ => return None,
    };
    let mut body = BytesMut::from(encoded.body());
    let len = object.bytes.len().checked_sub(HEAD)?;
    if body.len() > len {
        return None;
    }
    body.resize(len, 0);
    Some(body)
}

fn milliseconds(time: u32, by: i64) -> Option<u32> {
    u32::try_from(i64::from(time).checked_add(by)?).ok()
}

fn duration(time: Duration, by: i64) -> Option<Duration> {
    let distance = Duration::from_millis(by.unsigned_abs());
    if by < 0 { time.checked_sub(distance) } else { time.checked_add(distance) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::objects::{Marker, ScriptCommand};

    fn after(object: &Object, by: Shift) -> Object {
        let mut bytes = object.bytes.to_vec();
        bytes[HEAD..].copy_from_slice(&moved(object, by).unwrap());
        Object::from_bytes(bytes.into()).unwrap()
    }

    #[test]
    fn script_commands_move_with_the_packets() {
        let kinds = vec![crate::Text::unterminated("URL")];
        let early = ScriptCommand::new(900, 0, "early");
        let commands = vec![early, ScriptCommand::new(5_000, 0, "late")];
        let object = ScriptCommands { kinds: kinds.clone(), commands }.encode().unwrap();
        let shifted = after(&object, Shift::all(-1_000));
        let wanted = ScriptCommands { kinds, commands: vec![ScriptCommand::new(4_000, 0, "late")] };
        assert_eq!(ScriptCommands::decode(&shifted), Ok(wanted));
        assert_eq!(shifted.bytes.len(), object.bytes.len());
        assert_eq!(after(&object, Shift::default()), object);
    }

    #[test]
    fn markers_move_with_the_packets() {
        let mut markers = Markers::default();
        let mut late = Marker::new(Duration::from_secs(9), "late");
        (late.offset, late.send_time) = (4_000, 6_000);
        markers.markers = vec![Marker::new(Duration::from_millis(2_999), "early"), late];
        let object = markers.encode().unwrap();
        let moved = Markers::decode(&after(&object, Shift::all(-3_000))).unwrap();
        let [marker] = moved.markers.as_slice() else { panic!("{moved:?}") };
        assert_eq!(marker.presentation_time, Duration::from_secs(6));
        assert_eq!((marker.send_time, marker.offset), (3_000, 0));
        assert_eq!(marker.description.to_string(), "late");
    }

    #[test]
    fn what_cannot_be_read_stays() {
        let broken = Object::from_bytes(crate::testing::object(guid::MARKER, &[1, 2])).unwrap();
        assert_eq!(moved(&broken, Shift::all(-5)), None);
        let other = Object::from_bytes(crate::testing::object(guid::PADDING, &[1, 2])).unwrap();
        assert_eq!(moved(&other, Shift::all(-5)), None);
    }
}
