//! Packets of an encoder that starts its clock anew, on one line of time.

mod track;

use std::borrow::Borrow;
use std::time::Duration;

use self::track::{Track, tracks};
use crate::{Error, Header, Packet, Payload, SendClock, Shift, TimeShifter};

/// Send times that step back by no more than this are out of order, in milliseconds: packets that
/// overtook each other on their way. Those of encoders never step back. A step forward by no more
/// than this needs no explanation.
const MAX_JITTER: i64 = 3_000;
/// The longest default pause in a stream: one day. A recording that is interrupted overnight keeps
/// its gap; a clock that goes on elsewhere in its 49.7 days does not add days without media.
const DEFAULT_MAX_GAP: Duration = Duration::from_secs(24 * 60 * 60);
/// Packets in a row whose send times alone are elsewhere, before that is no longer taken for damage.
const MAX_STRAYS: u8 = 8;
/// The longest distance from one packet to the next that is taken from a packet's duration or its
/// neighbours, in milliseconds.
const MAX_DISTANCE: u32 = 10_000;
/// The most that a join is delayed so that presentation times do not step back, in milliseconds.
const MAX_LEAD: i64 = 10_000;

/// Keeps the times of a stream on one line that never runs back: when an encoder, or the server
/// that a relay plays from, starts its clock anew, the packets from there on continue where the
/// stream was, at the last send time plus the last packet's duration.
///
/// [`join`](Self::join) it to all packets of a stream in the order of their arrival. Without a
/// restart no packet changes.
///
/// A clock has started anew when the send time steps back by more than three seconds, or forward
/// by more than a day (see [`set_max_gap`](Self::set_max_gap)), and the presentation times step
/// with it. Everything else stays as it is: packets out of order, the wrap of a 32-bit time, a
/// pause in the stream, and the damaged send time of a single packet, which its presentation times
/// do not follow. When send times alone are elsewhere for eight packets in a row, send times alone
/// are moved.
///
/// ```
/// use mms_asf::{Continuity, Packet};
/// # use mms_asf::testing;
/// # let header = testing::live_header(256, &[testing::TestStream::Audio(1)]);
/// # let header = mms_asf::Header::parse(&header)?;
/// # let mut received: Vec<_> = [70, 71, 0, 1].map(|n| testing::packet(n, 256, b"data").to_vec()).into();
///
/// let mut continuity = Continuity::new(&header);
/// let mut restarts = Vec::new();
/// for packet in &mut received {
///     restarts.extend(continuity.join(packet)?);
/// }
/// let times = received.iter().map(|packet| Ok(Packet::parse(packet, 256)?.send_time()));
/// assert_eq!(times.collect::<Result<Vec<_>, mms_asf::Error>>()?, [70_000, 71_000, 72_000, 73_000]);
/// assert_eq!(restarts[0].step, -71_000);
/// # Ok::<(), mms_asf::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Continuity {
    packet_size: u32,
    max_gap: i64,
    tracks: Vec<Track>,
    shifter: TimeShifter,
    /// Added to the times of all packets.
    shift: Shift,
    /// The last packet on the line.
    last: Option<Last>,
    /// Packets in a row whose send times alone are elsewhere.
    strays: u8,
    restarts: u64,
}

/// A clock that started anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Restart {
    /// Distance from the last send time to the one that the clock started with, in milliseconds;
    /// negative when it stepped back.
    pub step: i64,
    /// Distance by which the packets are moved from here on, in milliseconds.
    pub shift: Shift,
}

/// Times are those of the wire, after the shift.
#[derive(Debug, Clone, Copy)]
struct Last {
    sent: u32,
    /// Distance to the packet that follows, as far as this is known.
    distance: u32,
}

/// Relation of a packet to the line.
enum Place {
    /// It continues the line.
    OnLine,
    /// Its send time alone is elsewhere.
    Stray,
    /// Its clock started anew.
    Restarted(Shift),
}

impl Continuity {
    /// For the packets of a stream with this header, from its first packet on.
    pub fn new(header: &Header) -> Self {
        let mut continuity = Self {
            packet_size: header.file().packet_size,
            max_gap: 0,
            tracks: tracks(header),
            shifter: TimeShifter::new(header),
            shift: Shift::default(),
            last: None,
            strays: 0,
            restarts: 0,
        };
        continuity.set_max_gap(DEFAULT_MAX_GAP);
        continuity
    }

    /// The longest step forward that is a pause in the stream, at least three seconds; one day
    /// unless this is called. Callers that know how much time has passed since the last packet can
    /// say so before each [`join`](Self::join).
    pub fn set_max_gap(&mut self, gap: Duration) {
        let gap = i64::try_from(gap.as_millis()).unwrap_or(i64::MAX);
        self.max_gap = gap.max(MAX_JITTER);
    }

    /// Puts the next packet of the stream on the line, whole or with its padding removed: its times
    /// are moved when a clock has started anew at this packet or before. Returns the restart when it
    /// is at this packet.
    ///
    /// # Errors
    /// Fails where [`TimeShifter::shift`] does, with the packet unchanged: it is best passed on as
    /// it is.
    pub fn join(&mut self, packet: &mut [u8]) -> Result<Option<Restart>, Error> {
        let parsed = Packet::parse(packet, self.packet_size)?;
        let (moves, restart) = self.plan(&parsed, Shift::default())?;
        if moves {
            self.shifter.write(packet, 0);
        }
        Ok(restart)
    }

    /// [`join`](Self::join) for a packet that was read, and whose times have been moved since:
    /// `bytes` are those of the packet from its send time on, which were moved by `before`. Returns
    /// the distance by which they are moved now, too.
    pub(crate) fn join_read(
        &mut self,
        packet: &Packet<'_>,
        bytes: &mut [u8],
        before: Shift,
    ) -> Result<(Shift, Option<Restart>), Error> {
        let (moves, restart) = self.plan(packet, before)?;
        if moves {
            self.shifter.write(bytes, packet.send_time_offset());
        }
        Ok((before.and(self.shift), restart))
    }

    /// Takes down the next packet of the stream as [`join`](Self::join) does, without changing its
    /// bytes. Returns the distance by which its times have to be moved.
    pub fn follow(&mut self, packet: &Packet<'_>) -> (Shift, Option<Restart>) {
        let restart = match self.advance(packet, Shift::default()) {
            Place::Restarted(shift) => Some(self.restart(packet, Shift::default(), shift)),
            _ => None,
        };
        (self.shift, restart)
    }

    /// Takes down a packet whose times were moved by `before`, and plans how its bytes change; false
    /// when they do not.
    fn plan(
        &mut self,
        packet: &Packet<'_>,
        before: Shift,
    ) -> Result<(bool, Option<Restart>), Error> {
        let Place::Restarted(shift) = self.advance(packet, before) else {
            let moves = self.shift != Shift::default();
            if moves {
                self.shifter.plan(packet, before.and(self.shift), None)?;
            }
            return Ok((moves, None));
        };
        self.shifter.plan(packet, before.and(shift), None)?;
        Ok((true, Some(self.restart(packet, before, shift))))
    }

    /// Finds the place of a packet whose times were moved by `before`, and notes it there, unless
    /// its clock started anew.
    fn advance(&mut self, packet: &Packet<'_>, before: Shift) -> Place {
        let payloads = || packet.payloads().map_while(Result::ok);
        let by = before.and(self.shift);
        let place = self.place(packet, payloads(), by);
        if !matches!(place, Place::Restarted(_)) {
            self.note(packet, payloads(), by, matches!(place, Place::Stray));
        }
        place
    }

    /// Notes that the clock started anew at this packet.
    fn restart(&mut self, packet: &Packet<'_>, before: Shift, shift: Shift) -> Restart {
        let sent = before.and(self.shift).send_time(packet.send_time());
        let step = self.last.map_or(0, |last| SendClock::distance(last.sent, sent));
        self.shift = shift;
        self.restarts = self.restarts.saturating_add(1);
        self.strays = 0;
        self.note_on_line(packet, packet.payloads().map_while(Result::ok), before.and(shift));
        Restart { step, shift }
    }

    /// Number of restarts so far.
    pub fn restarts(&self) -> u64 {
        self.restarts
    }

    /// Distance by which packets are moved at present, in milliseconds.
    pub fn shift(&self) -> Shift {
        self.shift
    }

    /// Goes on after packets that were [joined](Self::join) to another line before: `written` holds
    /// the times of the last of them on that line, and `received` those that it arrives with again,
    /// each the packet of the full size. This is for a recording that is resumed; `self` has seen
    /// the packets that are in the file.
    ///
    /// Returns false, with nothing changed, when the two do not differ by a restart: in their
    /// times alone, by one distance of more than three seconds.
    pub fn resume(&mut self, received: &[u8], written: &[u8]) -> bool {
        let size = self.packet_size;
        let sent = |packet| Packet::parse(packet, size).map(|packet| packet.send_time());
        let (Ok(from), Ok(to)) = (sent(received), sent(written)) else { return false };
        let shift = Shift::all(SendClock::distance(from, to));
        let mut moved = received.to_vec();
        let plausible = !(-MAX_JITTER..=MAX_JITTER).contains(&shift.send);
        if !plausible || self.shifter.shift(&mut moved, shift).is_err() || moved != written {
            return false;
        }
        self.shift = shift;
        self.restarts = self.restarts.saturating_add(1);
        true
    }

    /// Takes down a packet that needs no change: false, with nothing noted, when it has to be
    /// [joined](Self::join).
    #[inline]
    pub(crate) fn passes<'a>(
        &mut self,
        packet: &Packet<'_>,
        payloads: impl Iterator<Item: Borrow<Payload<'a>>> + Clone,
    ) -> bool {
        if self.shift != Shift::default() {
            return false;
        }
        let by = self.shift;
        let place = self.place(packet, payloads.clone(), by);
        if let Place::Restarted(_) = place {
            return false;
        }
        self.note(packet, payloads, by, matches!(place, Place::Stray));
        true
    }

    /// The place of a packet whose times are those of the line when they are moved by `by`.
    #[inline]
    fn place<'a>(
        &self,
        packet: &Packet<'_>,
        payloads: impl Iterator<Item: Borrow<Payload<'a>>> + Clone,
        by: Shift,
    ) -> Place {
        let Some(last) = self.last else { return Place::OnLine };
        let step = SendClock::distance(last.sent, by.send_time(packet.send_time()));
        if (-MAX_JITTER..=MAX_JITTER).contains(&step) {
            return Place::OnLine;
        }
        let gap = (0..=self.max_gap).contains(&step);
        let to_line = i64::from(last.distance).saturating_sub(step);
        let send_alone = Shift { send: self.shift.send.saturating_add(to_line), ..self.shift };
        match self.follows(step, payloads.clone(), by) {
            true if gap => Place::OnLine,
            true => Place::Restarted(
                Shift {
                    presentation: self.shift.presentation.saturating_add(to_line),
                    ..send_alone
                }
                .later(self.lead(to_line, last.distance, payloads, by)),
            ),
            false if self.strays.saturating_add(1) < MAX_STRAYS => Place::Stray,
            false if gap => Place::OnLine,
            false => Place::Restarted(send_alone),
        }
    }

    /// Whether presentation times step with the send time: the first one that can be compared
    /// decides.
    fn follows<'a>(
        &self,
        sent: i64,
        mut payloads: impl Iterator<Item: Borrow<Payload<'a>>>,
        by: Shift,
    ) -> bool {
        payloads
            .find_map(|payload| self.shown_step(payload.borrow(), by))
            .is_some_and(|shown| shown.saturating_sub(sent).abs() < shown.abs())
    }

    /// How much later than its send time alone demands a packet has to be so that no presentation
    /// time steps back.
    fn lead<'a>(
        &self,
        to_line: i64,
        distance: u32,
        payloads: impl Iterator<Item: Borrow<Payload<'a>>>,
        by: Shift,
    ) -> i64 {
        let early = |shown: i64| i64::from(distance).saturating_sub(shown.saturating_add(to_line));
        let steps = payloads.filter_map(|payload| self.shown_step(payload.borrow(), by));
        let lead = steps.map(early).max().unwrap_or(0);
        if (0..=MAX_LEAD).contains(&lead) { lead } else { 0 }
    }

    /// Distance from the last presentation time of the payload's stream.
    fn shown_step(&self, payload: &Payload<'_>, by: Shift) -> Option<i64> {
        let track = self.tracks.iter().find(|track| track.number == payload.stream)?;
        track.step(payload, by.presentation)
    }

    #[inline]
    fn note<'a>(
        &mut self,
        packet: &Packet<'_>,
        payloads: impl Iterator<Item: Borrow<Payload<'a>>>,
        by: Shift,
        stray: bool,
    ) {
        if stray {
            self.strays = self.strays.saturating_add(1);
            return;
        }
        self.strays = 0;
        self.note_on_line(packet, payloads, by);
    }

    #[inline]
    fn note_on_line<'a>(
        &mut self,
        packet: &Packet<'_>,
        payloads: impl Iterator<Item: Borrow<Payload<'a>>>,
        shift: Shift,
    ) {
        let sent = shift.send_time(packet.send_time());
        let between = self.last.and_then(|last| {
            let between = u32::try_from(SendClock::distance(last.sent, sent)).ok();
            between.filter(|&between| (1..=MAX_DISTANCE).contains(&between))
        });
        let declared = Some(u32::from(packet.duration()));
        let distance = declared
            .filter(|&duration| (1..=MAX_DISTANCE).contains(&duration))
            .or(between)
            .or_else(|| self.last.map(|last| last.distance));
        self.last = Some(Last { sent, distance: distance.unwrap_or(1) });
        for payload in payloads {
            let payload = payload.borrow();
            if let Some(track) = self.tracks.iter_mut().find(|t| t.number == payload.stream) {
                track.note(payload, shift.presentation);
            }
        }
    }
}

impl Shift {
    fn later(self, by: i64) -> Self {
        Self {
            send: self.send.saturating_add(by),
            presentation: self.presentation.saturating_add(by),
        }
    }
}
