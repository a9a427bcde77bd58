//! Data packets: pieces of the header and media, MS-MMSP 3.1.5.12 and 3.1.5.17.

use crate::mmsp::MmspDeviation;
use std::time::Duration;

use bytes::Bytes;

use super::arrivals::Arrivals;
use super::header::Announced;
use super::state::{AfterStop, Crossed, Play, State};
use super::{Client, Timer};
use crate::content::Content;
use crate::deviation::Deviation;
use crate::error::{DecodeError, Error, Problem};
use crate::event::ClientEvent;
use crate::mmsp::frame::DataPacket;
use crate::mmsp::message::STREAM_CHANGE_INCARNATION;

/// Bytes that may arrive between a stop and its answer and put the time-out off: more than the
/// buffers of both systems and the network hold.
const MOST_IN_FLIGHT: usize = 16 << 20;

impl Client {
    /// True for a media packet that the application gets.
    pub(super) fn on_data(&mut self, packet: &DataPacket) -> Result<bool, Error> {
        match &mut self.state {
            State::Streaming(play) => {
                let (asked, used) = (play.asked, packet.incarnation);
                match play.used {
                    Some(expected) if expected != used => return self.drop_stale(expected, used),
                    Some(_) => {}
                    None => {
                        play.used = Some(used);
                        if used != asked {
                            self.core.on_deviation(Deviation::Mmsp(
                                MmspDeviation::AdoptedIncarnation { asked, used },
                            ))?;
                        }
                    }
                }
                // What is thrown away is no sign of life.
                let delivered = self.media(packet)?;
                if delivered {
                    self.still_streams();
                }
                Ok(delivered)
            }
            State::ReadingHeader(_, label) => {
                let (asked, used) = (*label, packet.incarnation);
                if used != asked && used != STREAM_CHANGE_INCARNATION {
                    // Nothing else can come now, so it is taken for what it must be.
                    *label = used;
                    self.core.on_deviation(Deviation::Mmsp(MmspDeviation::AdoptedIncarnation {
                        asked,
                        used,
                    }))?;
                }
                self.header_fragment(packet)?;
                Ok(false)
            }
            State::EntryHeader(..) => {
                self.header_fragment(packet)?;
                Ok(false)
            }
            // Nobody wants these: they were asked for when another entry was meant.
            State::NewEntry(Play { crossed: Some(_), .. }) => {
                self.core.stats.dropped = self.core.stats.dropped.saturating_add(1);
                Ok(false)
            }
            // A new entry's beginning, until the server answers our play command.
            State::NewEntry(Play { used: Some(label), .. })
            | State::Starting(Play { used: Some(label), .. })
                if *label == packet.incarnation =>
            {
                self.media(packet)
            }
            State::Starting(play) => {
                let expected = play.asked;
                self.drop_stale(expected, packet.incarnation)
            }
            State::Stopping(play, then) => {
                let current = play.used.is_none_or(|used| used == packet.incarnation);
                let (ready, close) =
                    (matches!(then, AfterStop::Ready), matches!(then, AfterStop::Close));
                if current && !close && !packet.payload.is_empty() {
                    self.wait_behind_media(packet.payload.len());
                }
                // The others were asked for, before we changed our mind.
                if current && ready { self.media(packet) } else { Ok(false) }
            }
            _ => {
                self.core.stats.dropped = self.core.stats.dropped.saturating_add(1);
                self.core.on_deviation(Deviation::UnexpectedData)?;
                Ok(false)
            }
        }
    }

    /// The answer to a stop follows what was on its way: as long as that arrives, and no longer
    /// than a network can hold it, the answer is not late.
    fn wait_behind_media(&mut self, size: usize) {
        self.session.in_flight = self.session.in_flight.saturating_add(size);
        let now = self.core.now();
        let stopping =
            self.session.stop_sent.map_or(Duration::ZERO, |at| now.saturating_duration_since(at));
        if self.session.in_flight <= MOST_IN_FLIGHT && stopping <= self.patience() {
            self.timers.arm(Timer::Reply, now, self.config.session.timeouts.reply);
        }
    }

    pub(super) fn drop_stale(&mut self, expected: u8, found: u8) -> Result<bool, Error> {
        self.core.stats.dropped = self.core.stats.dropped.saturating_add(1);
        self.core
            .on_deviation(Deviation::Mmsp(MmspDeviation::StaleIncarnation { expected, found }))?;
        Ok(false)
    }

    /// 3.1.5.17
    pub(super) fn media(&mut self, packet: &DataPacket) -> Result<bool, Error> {
        let DataPacket { location_id, ref payload, .. } = *packet;
        if payload.is_empty() {
            self.core.on_deviation(Deviation::EmptyData)?;
            return Ok(false);
        }
        let past = self.announced_packets().filter(|&count| u64::from(location_id) >= count);
        if let Some(count) = past {
            self.core.stats.dropped = self.core.stats.dropped.saturating_add(1);
            self.core.on_deviation(Deviation::PastTheEnd { location_id, count })?;
            return Ok(false);
        }
        if let Some(file) = self.session.file {
            let found = u32::try_from(payload.len()).unwrap_or(u32::MAX);
            if found > file.packet_size && file.packet_size != 0 {
                let announced = file.packet_size;
                self.core.on_deviation(Deviation::PacketAboveAnnouncedSize { announced, found })?;
            }
        }
        let stats = &mut self.core.stats;
        stats.packets = stats.packets.saturating_add(1);
        stats.bytes = stats.bytes.saturating_add(payload.len() as u64);
        self.session.arrivals.packet(self.core.now(), location_id);
        Ok(true)
    }

    /// 3.1.5.12
    pub(super) fn header_fragment(&mut self, fragment: &DataPacket) -> Result<(), Error> {
        let (State::ReadingHeader(assembler, _) | State::EntryHeader(_, assembler)) =
            &mut self.state
        else {
            return Ok(());
        };
        let (header, deviation) = assembler.add(fragment)?;
        let announced = assembler.announced;
        if let Some(deviation) = deviation {
            self.core.on_deviation(deviation)?;
        }
        let Some(header) = header else { return Ok(()) };
        self.timers.stop(Timer::Header);
        self.timers.stop(Timer::Reply);
        let content = self.content(header, announced)?;
        match std::mem::replace(&mut self.state, State::Ready) {
            State::EntryHeader(mut play, _) => {
                // What is reported from here on is about the new entry.
                (play.before, play.since) = (self.core.stats, self.core.now());
                play.from = Some(Duration::ZERO);
                self.session.arrivals = Arrivals::default();
                if play.crossed != Some(Crossed::Stopped) {
                    self.state = State::NewEntry(play);
                }
                self.core.event(ClientEvent::NextEntry(content));
            }
            _ => self.core.event(ClientEvent::Ready(content)),
        }
        Ok(())
    }

    pub(super) fn content(
        &mut self,
        header: Bytes,
        announced: Announced,
    ) -> Result<Content, Error> {
        let size = announced.packet_size;
        let mut content = Content::new(header).map_err(|_| {
            let problem = Problem::Value { found: 0, expected: "at least one byte" };
            DecodeError::frame(0, "ASF header", problem)
        })?;
        match content.clone().with_packet_size(size) {
            Ok(sized) => content = sized,
            // The size that counts is that of the header.
            Err(_) => self.core.on_deviation(Deviation::FieldValue {
                field: "filePacketSize",
                value: size.into(),
            })?,
        }
        Ok(match self.session.file {
            Some(file) if !self.session.changed => content
                .with_packet_count(file.packet_count)
                .with_duration(file.duration)
                .with_bit_rate(file.bit_rate)
                .with_features(file.attributes.into()),
            Some(file) => {
                content.with_bit_rate(file.bit_rate).with_features(file.attributes.into())
            }
            None => content,
        })
    }
}
