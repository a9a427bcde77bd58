//! The way of a packet into a file: padding, times, header and indexes, from one parsed packet.

#[cfg(test)]
mod tests;

use bytes::BytesMut;

use crate::{
    Continuity, Error, Finalizer, Header, Packet, Rebase, Rebaser, Restart, Restored, Restorer,
    Shift,
};

/// The steps from a received packet to a recorded one: [`restore`](Self::restore),
/// [`rebase`](Self::rebase), [`join`](Self::join) and [`record`](Self::record), in this order.
///
/// Callers parse a packet once, as it came, and hand it to each step with the bytes of the file.
/// Only a packet whose fields cannot be told from those that came is parsed again. A caller that
/// resumes a recording replaces the steps' states, which are public.
///
/// ```
/// use bytes::BytesMut;
/// use mms_asf::{Header, Packet, PacketPipeline, Rebase};
/// # use mms_asf::testing::{self, TestStream};
/// # let header = Header::parse(&testing::live_header(256, &[TestStream::Audio(1)]))?;
/// # let received = testing::packet(70, 256, b"data");
///
/// let mut pipeline = PacketPipeline::new(&header, Rebase::WhenLate)?;
/// let mut file = BytesMut::new();
/// let packet = Packet::parse(&received, 256).ok();
/// let mut staged = pipeline.restore(&received, packet.as_ref(), &mut file)?;
/// pipeline.rebase(&mut staged, &mut file);
/// pipeline.join(&mut staged, &mut file);
/// pipeline.record(&staged, &file);
/// assert_eq!(Packet::parse(&file, 256)?.send_time(), 0);
/// assert_eq!(pipeline.finalizer.packets(), 1);
/// # Ok::<(), mms_asf::Error>(())
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub struct PacketPipeline {
    /// Appends the padding that is missing.
    pub restorer: Restorer,
    /// Moves all times by the same distance, where the recording begins late.
    pub rebaser: Rebaser,
    /// Joins packets whose clock started anew; `None` where packets keep their times.
    pub continuity: Option<Continuity>,
    /// Computes the header and the indexes.
    pub finalizer: Finalizer,
}

/// A packet between the steps of a [`PacketPipeline`].
#[derive(Debug)]
#[non_exhaustive]
pub struct Staged<'a> {
    /// What the restorer did.
    pub restored: Restored,
    /// The packet as it came and the offset of the send time in the file's bytes; `None` when its
    /// fields are not those of the file's bytes.
    parsed: Option<(&'a Packet<'a>, usize)>,
    /// Distance from the times that the packet came with.
    moved: Shift,
}

impl PacketPipeline {
    /// A pipeline into a file without packets.
    ///
    /// # Errors
    /// When the header declares a packet size of 0.
    pub fn new(header: &Header, rebase: Rebase) -> Result<Self, Error> {
        Ok(Self {
            restorer: Restorer::new(header.file().packet_size)?,
            rebaser: Rebaser::new(header, rebase),
            continuity: Some(Continuity::new(header)),
            finalizer: Finalizer::new(header),
        })
    }

    /// Appends a packet to `file` with the padding that is missing. `packet` is the received packet
    /// parsed; `None` when it cannot be.
    ///
    /// # Errors
    /// When it is longer than the file's packets; nothing is appended then.
    pub fn restore<'a>(
        &self,
        received: &[u8],
        packet: Option<&'a Packet<'a>>,
        file: &mut BytesMut,
    ) -> Result<Staged<'a>, Error> {
        let (restored, send_time_at) = self.restorer.restore_read(received, packet, file)?;
        Ok(Staged { restored, parsed: packet.zip(send_time_at), moved: Shift::default() })
    }

    /// Moves the times of the packet to the time line of the file. `file` is the packet as
    /// [`restore`](Self::restore) appended it. A packet whose times cannot be moved keeps them.
    pub fn rebase(&mut self, staged: &mut Staged<'_>, file: &mut [u8]) {
        let Some((packet, at)) = staged.parsed else {
            let _ = self.rebaser.apply(file);
            return;
        };
        let from_send_time = file.get_mut(at..).unwrap_or_default();
        staged.moved = self.rebaser.apply_read(packet, from_send_time).unwrap_or_default();
    }

    /// Puts the packet on the line of those before it, as [`Continuity::join`] does. A packet whose
    /// times cannot be moved keeps them.
    pub fn join(&mut self, staged: &mut Staged<'_>, file: &mut [u8]) -> Option<Restart> {
        let continuity = self.continuity.as_mut()?;
        let restart = match staged.parsed {
            Some((packet, at)) => {
                let from_send_time = file.get_mut(at..).unwrap_or_default();
                let joined = continuity.join_read(packet, from_send_time, staged.moved);
                joined.ok().and_then(|(moved, restart)| {
                    staged.moved = moved;
                    restart
                })
            }
            None => continuity.join(file).ok().flatten(),
        };
        if restart.is_some() {
            self.finalizer.restarted();
        }
        restart
    }

    /// Adds the packet, as it is in the file now, to what the header and the indexes are computed
    /// from.
    pub fn record(&mut self, staged: &Staged<'_>, file: &[u8]) {
        match staged.parsed {
            Some((packet, _)) => self.finalizer.moved_packet(packet, staged.moved),
            None => self.finalizer.packet(file),
        }
    }
}

impl<'a> Staged<'a> {
    /// The packet as it came, when it came with all its bytes.
    pub fn whole(&self) -> Option<&'a Packet<'a>> {
        self.parsed.map(|(packet, _)| packet).filter(|_| self.restored == Restored::Whole)
    }

    /// Notes that the file's bytes have been replaced by those of another packet.
    pub fn replaced(&mut self) {
        (self.parsed, self.moved) = (None, Shift::default());
    }

    /// The send time in the file's bytes, in milliseconds; `None` when the packet cannot be read.
    pub fn send_time(&self, file: &[u8]) -> Option<u32> {
        match self.parsed {
            Some((packet, _)) => Some(self.moved.send_time(packet.send_time())),
            None => {
                let size = u32::try_from(file.len()).ok()?;
                Packet::parse(file, size).ok().map(|packet| packet.send_time())
            }
        }
    }
}
