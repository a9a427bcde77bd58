//! Recordings that start in the middle of a live stream, put on a timeline that starts at zero.

use crate::clock::{near, shown_near};
use crate::{Error, Header, Packet, Payload, SendClock, Shift, Shifted, TimeShifter};

/// A first send time up to here is small, and presentation times up to this much below the
/// preroll are near it, in milliseconds.
const SMALL: i64 = 1_000;
/// The longest preroll that is believed, in milliseconds: five minutes. A shorter one in units of
/// 100 ns, as milliseconds, is longer.
const MAX_PREROLL: i64 = 300_000;
/// How much send time is watched before the distance is known, in milliseconds: streams are
/// interleaved, and the earliest object need not be in the first packet.
const WATCHED: i64 = 1_000;
/// The most packets that are watched.
const MOST_WATCHED: u32 = 256;

/// When a recording is put on a timeline of its own.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Rebase {
    /// Never: packets stay as they are, byte for byte.
    None,
    /// When the first send time is more than a second: the recording was started in the middle.
    #[default]
    WhenLate,
    /// Always.
    Always,
}

/// Finds out how far the times of a recording have to be moved, and moves them: send times start
/// at 0, and presentation times follow by as much, so that the lowest is about the preroll. When
/// it would be more than a second below, presentation times count from elsewhere: they stay when
/// the lowest is within a second of the preroll, and are moved so that it is the preroll otherwise.
///
/// [`observe`](Self::observe) the first packets until it has seen enough, then
/// [`apply`](Self::apply) it to all packets in order, the first ones included. Without observing,
/// the first packet that is applied decides alone.
///
/// ```
/// use mms_asf::{Packet, Rebase, Rebaser};
/// # use mms_asf::testing;
/// # let header = testing::live_header(256, &[testing::TestStream::Audio(1)]);
/// # let header = mms_asf::Header::parse(&header)?;
/// # let mut received: Vec<_> = (70..75).map(|n| testing::packet(n, 256, b"data").to_vec()).collect();
///
/// let mut rebaser = Rebaser::new(&header, Rebase::WhenLate);
/// for packet in &received {
///     if rebaser.observe(packet) {
///         break;
///     }
/// }
/// for packet in &mut received {
///     rebaser.apply(packet)?;
/// }
/// let first = Packet::parse(&received[0], 256)?;
/// assert_eq!(first.send_time(), 0);
/// assert_eq!(first.payloads().next().unwrap()?.presentation_time, 3_000);
/// # Ok::<(), mms_asf::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Rebaser {
    rebase: Rebase,
    packet_size: u32,
    preroll: i64,
    streams: Vec<u8>,
    shifter: TimeShifter,
    watched: u32,
    seen: Option<Seen>,
    shift: Option<Shift>,
    /// Follows the send times before the shift.
    clock: SendClock,
}

/// What the first packets say, in milliseconds on a line of 64 bits.
#[derive(Debug, Clone, Copy)]
struct Seen {
    /// The lowest send time.
    first: i64,
    last: i64,
    /// The lowest presentation time of an object whose beginning is there.
    shown: Option<i64>,
}

impl Rebaser {
    /// For a recording that has no packets yet.
    pub fn new(header: &Header, rebase: Rebase) -> Self {
        let preroll = i64::try_from(header.file().preroll.as_millis()).unwrap_or(i64::MAX);
        Self {
            rebase,
            packet_size: header.file().packet_size,
            preroll,
            streams: header.stream_numbers().collect(),
            shifter: TimeShifter::new(header),
            watched: 0,
            seen: None,
            shift: (rebase == Rebase::None).then(Shift::default),
            clock: SendClock::new(),
        }
    }

    /// For a recording that goes on: with the [`shift`](Self::shift) its first part was made with.
    pub fn resume(header: &Header, shift: Shift) -> Self {
        let first = shift.send.wrapping_neg();
        Self {
            shift: Some(shift),
            clock: SendClock::at(first),
            ..Self::new(header, Rebase::Always)
        }
    }

    /// Watches one of the first packets without changing it. Returns whether the shift is known
    /// well enough to [`apply`](Self::apply) it: after one second of send time or 256 packets.
    /// Packets that cannot be read tell nothing.
    pub fn observe(&mut self, packet: &[u8]) -> bool {
        if self.shift.is_some() {
            return true;
        }
        self.watched = self.watched.saturating_add(1);
        if let Ok(packet) = Packet::parse(packet, self.packet_size) {
            self.watch(&packet);
        }
        let Some(seen) = self.seen else { return false };
        let long = seen.last.saturating_sub(seen.first) >= WATCHED && seen.shown.is_some();
        self.stays(&seen) || long || self.watched >= MOST_WATCHED
    }

    /// Moves the times of one packet, whole or with its padding removed. Packets belong here in
    /// the order of their recording: their times are taken near those of the packet before, so a
    /// wrap at 32 bits is no step back.
    ///
    /// [`Shifted::below_zero`] tells of a packet that is earlier than the recording's start, or
    /// holds a part of an object that is.
    ///
    /// Fails, with nothing changed, where [`TimeShifter::shift`] does.
    pub fn apply(&mut self, packet: &mut [u8]) -> Result<Shifted, Error> {
        let shift = self.decide(packet)?;
        if shift == Shift::default() {
            return Ok(Shifted::default());
        }
        let (shifted, sent) = self.shifter.shift_near(packet, shift, self.reference())?;
        self.clock = SendClock::at(sent);
        Ok(shifted)
    }

    /// [`apply`](Self::apply) for a packet that was read: `bytes` are those of the packet from its
    /// send time on. Returns how far its times were moved.
    pub(crate) fn apply_read(
        &mut self,
        packet: &Packet<'_>,
        bytes: &mut [u8],
    ) -> Result<Shift, Error> {
        let shift = match self.shift {
            Some(shift) => shift,
            None => {
                let seen = self.seen.unwrap_or_else(|| self.watch(packet));
                self.decided(&seen)
            }
        };
        if shift != Shift::default() {
            let (_, sent) = self.shifter.plan(packet, shift, self.reference())?;
            self.shifter.write(bytes, packet.send_time_offset());
            self.clock = SendClock::at(sent);
        }
        Ok(shift)
    }

    /// How far times are moved; `None` before the first packet is applied. What the header says
    /// about times (script commands, markers) moves by the presentation part.
    pub fn shift(&self) -> Option<Shift> {
        self.shift
    }

    fn decide(&mut self, packet: &[u8]) -> Result<Shift, Error> {
        if let Some(shift) = self.shift {
            return Ok(shift);
        }
        let seen = match self.seen {
            Some(seen) => seen,
            None => self.watch(&Packet::parse(packet, self.packet_size)?),
        };
        Ok(self.decided(&seen))
    }

    fn decided(&mut self, seen: &Seen) -> Shift {
        let shift = if self.stays(seen) { Shift::default() } else { self.distance(seen) };
        self.shift = Some(shift);
        shift
    }

    /// A send time on the line near which the next one is.
    fn reference(&self) -> Option<i64> {
        self.clock.last().or_else(|| self.seen.map(|seen| seen.first))
    }

    fn stays(&self, seen: &Seen) -> bool {
        self.rebase == Rebase::WhenLate && (0..=SMALL).contains(&seen.first)
    }

    fn distance(&self, seen: &Seen) -> Shift {
        let shift = Shift::all(seen.first.saturating_neg());
        let lead = |shown: i64| shown.saturating_sub(seen.first);
        // One that cannot be true has the wrong unit.
        let preroll = match seen.shown {
            Some(shown) if self.preroll > MAX_PREROLL => lead(shown).clamp(0, MAX_PREROLL),
            _ => self.preroll,
        };
        match seen.shown {
            Some(shown) if lead(shown) < preroll.saturating_sub(SMALL) => {
                let presentation = preroll.saturating_sub(shown);
                // Nothing is gained by moving them by less than what encoders differ by.
                let near = (-SMALL..=SMALL).contains(&presentation);
                Shift { presentation: if near { 0 } else { presentation }, ..shift }
            }
            _ => shift,
        }
    }

    fn watch(&mut self, packet: &Packet<'_>) -> Seen {
        let time = packet.send_time();
        let sent = self.seen.map_or_else(|| SendClock::first(time), |seen| near(seen.last, time));
        let mut seen = self.seen.unwrap_or(Seen { first: sent, last: sent, shown: None });
        seen.first = seen.first.min(sent);
        seen.last = sent;
        // Fields of 16 bits hold what is left of a time, if that.
        let wide = packet.head().properties & 0x0C == 0x0C;
        let begins = |payload: &Payload<'_>| match payload.compressed {
            Some(_) => wide,
            None => payload.offset == 0 && payload.object_size.is_some(),
        };
        for payload in packet.payloads().map_while(Result::ok) {
            if begins(&payload) && self.streams.contains(&payload.stream) {
                let shown = shown_near(sent, payload.presentation_time);
                seen.shown = Some(seen.shown.map_or(shown, |lowest| lowest.min(shown)));
            }
        }
        self.seen = Some(seen);
        seen
    }
}
