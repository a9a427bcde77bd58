//! The streams that a client selected.

use crate::stream::StreamSelection;

/// Selections of a session, merged: each says only what changes.
#[derive(Debug, Default)]
pub(crate) struct Selection {
    /// `None` until something is selected.
    selected: Option<Vec<StreamSelection>>,
    /// It was selected for an earlier entry.
    is_old: bool,
}

impl Selection {
    /// Merges a selection into what was selected before for the same entry.
    pub(crate) fn select(&mut self, selections: &[StreamSelection]) {
        if std::mem::take(&mut self.is_old) {
            self.selected = None;
        }
        let selected = self.selected.get_or_insert_default();
        for selection in selections {
            let replaced = selection.replaces.map(StreamSelection::off);
            let plain = StreamSelection::new(selection.stream, selection.delivery);
            for entry in replaced.into_iter().chain([plain]) {
                match selected.iter_mut().find(|known| known.stream == entry.stream) {
                    Some(known) => *known = entry,
                    None => selected.push(entry),
                }
            }
        }
    }

    /// Another entry begins: what is selected from here on is for it alone.
    pub(crate) fn entry_begins(&mut self) {
        self.is_old = true;
    }

    /// The merged selection; `None` until something is selected.
    pub(crate) fn selected(&self) -> Option<&[StreamSelection]> {
        self.selected.as_deref()
    }
}
