//! A live recording that goes on over another connection.
//!
//! A live stream cannot be asked for what was sent meanwhile, so a break leaves a gap. Servers
//! begin with packets from the last key frame on, some of which came before the break: those are
//! [known](super::recent) by their bytes.

use std::borrow::Cow;
use std::time::{Duration, Instant};

use mms_asf::{Packet, SendClock, filter_header};

use super::recent::{Fingerprint, RecentPackets};
use super::{Recording, RecordingError};
use crate::error::Error;
use crate::session::Entry;

/// Breaks that are listed; more are only counted.
pub(super) const MAX_LISTED_BREAKS: usize = 1_000;

/// A gap in a recording: the connection broke and another one went on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Break {
    /// Number of the file, from 0 ([`Progress::entry`](super::Progress::entry)).
    pub entry: u32,
    /// Duration of the media in the file before the break.
    pub at: Duration,
    /// Distance of send times from the last packet before the break to the first one after it. It
    /// is that of two packets that follow each other where the clock of the stream started anew.
    pub gap: Duration,
    /// Time from the break to the first packet after it, by the clock of this machine.
    pub outage: Duration,
}

/// The last packets of a live recording, and its breaks.
#[derive(Debug, Default)]
pub(super) struct Rejoin {
    recent: RecentPackets,
    /// When the connection broke, until a new packet has come.
    broke: Option<Instant>,
    /// Send time of the last packet in milliseconds, as it is in the file.
    sent: Option<u32>,
    breaks: Vec<Break>,
}

impl Recording {
    /// Prepares a live recording to [go on](Self::rejoin) over another connection: it remembers the
    /// last 4,096 packets by 16 bytes each. Say it before the first packet.
    #[must_use]
    pub fn reconnectable(mut self) -> Self {
        self.rejoin = self.live.then(Rejoin::default);
        self
    }

    /// Notes that the connection broke, and writes what has been gathered.
    ///
    /// # Errors
    /// As [`flush`](Self::flush).
    pub fn interrupted(&mut self) -> Result<(), RecordingError> {
        if let Some(rejoin) = &mut self.rejoin {
            rejoin.broke();
        }
        self.flush()
    }

    /// Whether the recording can go on with this entry: the stream is live, the recording was
    /// made [reconnectable](Self::reconnectable), and the header is the same, apart from what a
    /// recording changes. Packets that were written before are left out when they come again, and
    /// the others follow with their distance in time. Content that has begun anew, so that its
    /// packets are those of long before the break, is recorded once more.
    ///
    /// # Errors
    /// When the header cannot be read.
    pub fn rejoin(&mut self, entry: &Entry) -> Result<bool, RecordingError> {
        let Some(rejoin) = &mut self.rejoin else { return Ok(false) };
        let header = entry.recorded_header()?;
        let header = match &self.chosen {
            Some(chosen) => Cow::Owned(filter_header(&header, |number| chosen.contains(number))?),
            None => header,
        };
        if !header.same_stream(&self.header) {
            return Ok(false);
        }
        rejoin.broke();
        Ok(true)
    }

    /// Identifies a packet, as it came, where the recording can go on after a break.
    pub(super) fn identify(
        &mut self,
        payload: &[u8],
        parsed: Option<&Packet<'_>>,
    ) -> Option<Fingerprint> {
        self.rejoin.as_mut().map(|rejoin| rejoin.recent.identify(payload, parsed))
    }

    /// The gaps so far, at most the first 1,000.
    pub fn breaks(&self) -> &[Break] {
        self.rejoin.as_ref().map_or(&[], |rejoin| &rejoin.breaks)
    }
}

impl Rejoin {
    /// The connection broke, or another one begins.
    fn broke(&mut self) {
        self.broke.get_or_insert_with(Instant::now);
        self.recent.interrupted();
    }

    /// Notes a packet, by what it is known by and its send time in the file, which `finalizer` does
    /// not know yet.
    pub(super) fn written(
        &mut self,
        fingerprint: Fingerprint,
        send_time: Option<u32>,
        finalizer: &mms_asf::Finalizer,
    ) {
        self.recent.add(fingerprint);
        let Some(send_time) = send_time else { return };
        let sent = self.sent.replace(send_time);
        let Some((broke, sent)) = self.broke.take().zip(sent) else { return };
        if self.breaks.len() < MAX_LISTED_BREAKS {
            // A packet from before the last one leaves no gap.
            let gap = u64::try_from(SendClock::distance(sent, send_time)).unwrap_or(0);
            self.breaks.push(Break {
                entry: 0,
                at: finalizer.media_duration(),
                gap: Duration::from_millis(gap),
                outage: broke.elapsed(),
            });
        }
    }
}

/// Whether a live stream may go on over another connection after this.
pub(super) fn is_break(error: &Error) -> bool {
    match error {
        Error::Protocol { source, .. } => !matches!(source, mms_proto::Error::Unauthorized),
        Error::Io { .. }
        | Error::Closed { .. }
        | Error::PlayRefused { .. }
        | Error::EndedEarly { .. } => true,
        _ => false,
    }
}
