//! Data packets: pieces of the header and media, MS-MMSP 3.1.5.12 and 3.1.5.17.

use std::time::{Duration, Instant};

use bytes::Bytes;

use super::arrivals::Arrivals;
use super::state::{AfterStop, Crossed, Entry, File, State, Streaming};
use super::{Client, Timer};
use crate::content::Content;
use crate::deviation::Deviation;
use crate::error::{DecodeError, Error, Problem};
use crate::event::ClientEvent;
use crate::mmsp::MmspDeviation;
use crate::mmsp::frame::DataPacket;
use crate::mmsp::message::{OpenedFile, STREAM_CHANGE_INCARNATION};

/// Bytes that may arrive between a stop and its answer and put the time-out off: more than the
/// buffers of both systems and the network hold.
const MOST_IN_FLIGHT: usize = 16 << 20;

impl Client {
    /// True for a media packet that the application gets.
    pub(super) fn on_data(&mut self, packet: &DataPacket) -> Result<bool, Error> {
        match &mut self.state {
            State::Streaming(file, Streaming { play, used: label, .. }) => {
                let (packet_size, asked, used) =
                    (file.opened.packet_size, play.asked, packet.incarnation);
                match *label {
                    Some(expected) if expected != used => return self.drop_stale(expected, used),
                    Some(_) => {}
                    None => {
                        *label = Some(used);
                        if used != asked {
                            self.core.on_deviation(Deviation::Mmsp(
                                MmspDeviation::AdoptedIncarnation { asked, used },
                            ))?;
                        }
                    }
                }
                // What is thrown away is no sign of life.
                let delivered = self.media(packet_size, packet)?;
                if delivered {
                    self.still_streams();
                }
                Ok(delivered)
            }
            State::ReadingHeader(_, _, label) => {
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
            State::NewEntry(_, Entry { crossed: Some(_), .. }) => {
                self.core.stats.dropped = self.core.stats.dropped.saturating_add(1);
                Ok(false)
            }
            // A new entry's beginning, until the server answers our play command.
            State::NewEntry(file, Entry { label, .. }) | State::StartingEntry(file, _, label)
                if *label == packet.incarnation =>
            {
                let packet_size = file.opened.packet_size;
                self.media(packet_size, packet)
            }
            State::Starting(_, play) | State::StartingEntry(_, play, _) => {
                let expected = play.asked;
                self.drop_stale(expected, packet.incarnation)
            }
            State::Stopping(_, stop)
                if stop.used.is_some_and(|used| used != packet.incarnation) =>
            {
                Ok(false)
            }
            State::Stopping(file, stop) => {
                let (file, size) = (*file, packet.payload.len());
                stop.in_flight = stop.in_flight.saturating_add(size);
                let (in_flight, since) = (stop.in_flight, stop.since);
                match stop.then {
                    AfterStop::Close => Ok(false),
                    // Asked for before we changed our mind.
                    AfterStop::Play(_) => {
                        self.wait_behind_media(&file, in_flight, since, size);
                        Ok(false)
                    }
                    AfterStop::Ready => {
                        self.wait_behind_media(&file, in_flight, since, size);
                        self.media(file.opened.packet_size, packet)
                    }
                }
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
    fn wait_behind_media(&mut self, file: &File, in_flight: usize, since: Instant, size: usize) {
        let now = self.core.now();
        let stopping = now.saturating_duration_since(since);
        if size > 0 && in_flight <= MOST_IN_FLIGHT && stopping <= self.patience(file) {
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
    fn media(&mut self, packet_size: u32, packet: &DataPacket) -> Result<bool, Error> {
        let DataPacket { location_id, ref payload, .. } = *packet;
        if payload.is_empty() {
            self.core.on_deviation(Deviation::EmptyData)?;
            return Ok(false);
        }
        let past = self.session.arrivals.announced.filter(|&count| u64::from(location_id) >= count);
        if let Some(count) = past {
            self.core.stats.dropped = self.core.stats.dropped.saturating_add(1);
            self.core.on_deviation(Deviation::PastTheEnd { location_id, count })?;
            return Ok(false);
        }
        let found = u32::try_from(payload.len()).unwrap_or(u32::MAX);
        if found > packet_size && packet_size != 0 {
            let announced = packet_size;
            self.core.on_deviation(Deviation::PacketAboveAnnouncedSize { announced, found })?;
        }
        let stats = &mut self.core.stats;
        stats.packets = stats.packets.saturating_add(1);
        stats.bytes = stats.bytes.saturating_add(payload.len() as u64);
        self.session.arrivals.packet(self.core.now(), location_id);
        Ok(true)
    }

    /// 3.1.5.12
    pub(super) fn header_fragment(&mut self, fragment: &DataPacket) -> Result<(), Error> {
        let (State::ReadingHeader(file, assembler, _) | State::EntryHeader(file, _, assembler)) =
            &mut self.state
        else {
            return Ok(());
        };
        let file = *file;
        let (header, deviation) = assembler.add(fragment)?;
        if let Some(deviation) = deviation {
            self.core.on_deviation(deviation)?;
        }
        let Some(header) = header else { return Ok(()) };
        self.timers.stop(Timer::Header);
        self.timers.stop(Timer::Reply);
        let content = self.content(header, &file.opened)?;
        match self.state {
            State::EntryHeader(_, mut entry, _) => {
                // What is reported from here on is about the new entry.
                let play = &mut entry.play;
                (play.before, play.since) = (self.core.stats, self.core.now());
                play.from = Some(Duration::ZERO);
                self.session.arrivals = Arrivals::new(file.announced_packets());
                self.state = match entry.crossed {
                    Some(Crossed::Stopped) => State::Ready(file),
                    _ => State::NewEntry(file, entry),
                };
                self.core.event(ClientEvent::NextEntry(content));
            }
            _ => {
                self.state = State::Ready(file);
                self.core.event(ClientEvent::Ready(content));
            }
        }
        Ok(())
    }

    fn content(&mut self, header: Bytes, file: &OpenedFile) -> Result<Content, Error> {
        let mut content = Content::new(header).map_err(|_| {
            let problem = Problem::Value { found: 0, expected: "at least one byte" };
            DecodeError::frame(0, "ASF header", problem)
        })?;
        match content.clone().with_packet_size(file.packet_size) {
            Ok(sized) => content = sized,
            // The size that counts is that of the header.
            Err(_) => self.core.on_deviation(Deviation::FieldValue {
                field: "filePacketSize",
                value: file.packet_size.into(),
            })?,
        }
        Ok(content
            .with_packet_count(file.packet_count)
            .with_duration(file.duration)
            .with_bit_rate(file.bit_rate)
            .with_features(file.attributes.into()))
    }
}
