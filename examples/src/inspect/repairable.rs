//! What `repair` would put right, in the words of a finding.

use mms_asf::{Change, Deviation, Event, FileError, RepairCheck, RepairOptions, Repaired, guid};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::repair::kind;

/// What a run of `repair` without an output told.
#[derive(Debug, Default)]
pub(super) enum Check {
    /// The header is not followed by a run of its own: the packets belong to the one before it.
    #[default]
    None,
    Runs(RepairCheck),
    Done(Box<Repaired>),
    /// `repair` would write nothing.
    Refused(String),
}

/// Something that `repair` would change because it is wrong.
#[derive(Debug)]
pub(super) struct Repairable {
    pub(super) text: String,
    kind: &'static str,
    /// Nothing reads it: a reserved field, for example.
    pub(super) harmless: bool,
    /// The object after the packets that it is about.
    object: Option<(Uuid, u64)>,
}

impl Check {
    /// Of the file that starts with this header.
    pub(super) fn new(header: &mms_asf::Header) -> Self {
        match RepairCheck::new(header, &RepairOptions::default()) {
            Ok(check) => Self::Runs(check),
            Err(error) => Self::Refused(error.to_string()),
        }
    }

    /// Takes an event; false when no more of them belong to this header's file.
    pub(super) fn event(&mut self, event: Event) -> bool {
        let Self::Runs(check) = self else { return false };
        match check.event(event) {
            Ok(goes_on) => goes_on,
            Err(error) => {
                *self = Self::Refused(error.to_string());
                false
            }
        }
    }

    pub(super) fn finish(&mut self) {
        if let Self::Runs(check) = std::mem::take(self) {
            *self = match check.finish() {
                Ok(repaired) => Self::Done(Box::new(repaired)),
                Err(error) => Self::Refused(refusal(&error)),
            };
        }
    }

    /// What would be put right in a file of `len` bytes.
    pub(super) fn repairable(&self, len: u64) -> Vec<Repairable> {
        let Self::Done(repaired) = self else { return Vec::new() };
        let changes = &repaired.changes;
        let index_goes = changes.iter().any(|change| {
            matches!(change, Change::ObjectLeftOut { id, .. } if guid::name(*id).is_some())
        });
        let told = changes.iter().filter(|change| match change {
            // It follows from the others when the declared size is the one that the file has.
            Change::FileSize { declared, .. } => *declared != len,
            // The same as the old one that does not fit.
            Change::IndexMade(_) => !index_goes,
            _ => true,
        });
        let told: Vec<_> = told.map(|change| Repairable::new(change, len)).collect();
        // Whatever is changed is named.
        if told.is_empty() && !changes.is_empty() {
            return changes.iter().map(|change| Repairable::new(change, len)).collect();
        }
        told
    }
}

impl Repairable {
    fn new(change: &Change, len: u64) -> Self {
        let object = match change {
            Change::ObjectLeftOut { id, offset } => Some((*id, *offset)),
            _ => None,
        };
        let harmless = matches!(
            change,
            Change::Header(
                Deviation::Reserved { .. }
                    | Deviation::DataObjectReserved { .. }
                    | Deviation::FileIdMismatch
            )
        );
        Self { text: fault(change, len), kind: kind(change), harmless, object }
    }

    /// The object after the packets that it is about, by its place.
    pub(super) fn is_about(&self, offset: u64) -> bool {
        self.object.is_some_and(|(_, at)| at == offset)
    }

    pub(super) fn json(&self) -> Value {
        json!({ "kind": self.kind, "text": self.text, "harmless": self.harmless })
    }
}

fn refusal(error: &FileError) -> String {
    match error {
        FileError::NoPackets => "no whole packet follows the header".to_owned(),
        error => error.to_string(),
    }
}

/// What is wrong where `repair` makes this change in a file of `len` bytes.
fn fault(change: &Change, len: u64) -> String {
    let name = |id: &Uuid| match guid::name(*id) {
        Some(name) => format!("the {name}"),
        None => format!("the object {id}"),
    };
    match change {
        Change::Header(deviation) => deviation.to_string(),
        Change::Broadcast => "the header is that of a live stream or an unfinished file".to_owned(),
        Change::PacketCount { declared, found } => {
            format!("{declared} packets are declared, {found} are there")
        }
        Change::FileSize { declared, .. } => {
            format!("a size of {declared} bytes is declared, there are {len}")
        }
        Change::PlayDuration { declared, found } => format!(
            "a play duration of {:.3} s is declared, the packets end at {:.3} s",
            declared.as_secs_f64(),
            found.as_secs_f64()
        ),
        Change::SendDuration { declared, found } => format!(
            "a send duration of {:.3} s is declared, the packets are sent in {:.3} s",
            declared.as_secs_f64(),
            found.as_secs_f64()
        ),
        Change::DataObject { declared, found } => {
            format!("the Data Object declares {declared} bytes, with its packets it has {found}")
        }
        Change::Blanked { id } => {
            format!("{} in the header is about something that is not there", name(id))
        }
        Change::Seekable => "not marked as seekable, though players can seek".to_owned(),
        Change::Rebased(_) => "the times of the packets do not start near zero".to_owned(),
        Change::Restarted { offset, restart } => {
            format!("the clock of the packets starts anew at byte {offset}: {:+} ms", restart.step)
        }
        Change::Damage { offset, len, cause } => format!("{len} bytes at byte {offset}: {cause}"),
        Change::Repeated { offset, len } => {
            format!("{len} bytes at byte {offset}: the header again")
        }
        Change::Cut { offset, len } => format!("{len} bytes at byte {offset}: a cut packet"),
        Change::Filled { offset, missing, .. } => {
            format!("a cut packet at byte {offset}, which lacks {missing} bytes")
        }
        Change::Kept { offset, len } => {
            format!("the packet at byte {offset} is damaged after its first {len} bytes")
        }
        Change::Padded { packets, missing } => {
            format!("{packets} packets are stored without their padding of {missing} bytes")
        }
        Change::PacketLengths { packets } => {
            format!("the packet length of {packets} packets does not count their padding")
        }
        Change::ObjectLeftOut { id, offset } => {
            format!("{} at byte {offset} does not fit the packets", name(id))
        }
        Change::IndexMade(bytes) => {
            format!("an index that leads to the key frames is missing, of {bytes} bytes")
        }
        other => other.to_string(),
    }
}
