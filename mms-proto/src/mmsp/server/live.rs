//! Live content: the application pushes, a bounded queue waits for the player.

use std::time::Instant;

use bytes::Bytes;

use super::state::State;
use super::{Server, Timer};
use crate::content::{Content, MAX_PACKET_SIZE};
use crate::error::StateError;
use crate::event::OpenRequest;
use crate::hresult::HResult;
use crate::serving::queue::{PushOutcome, Queued};

impl Server {
    /// Opens live content: [`ServerEvent::Play`](crate::ServerEvent::Play) is answered with
    /// [`push_packet`](Self::push_packet) whenever there is a packet. Packets are never asked for,
    /// and go as fast as they come.
    ///
    /// ```
    /// # use mms_proto::mmsp::{Client, ClientConfig};
    /// # use mms_proto::{ClientEvent, Content, Features, Input, PlayRequest, PushOutcome, StreamNumber};
    /// use bytes::Bytes;
    /// use mms_proto::mmsp::{Server, ServerConfig};
    /// use mms_proto::{Machine as _, Output, ServerEvent};
    ///
    /// # let now = std::time::Instant::now();
    /// # let header = Bytes::from_static(b"an ASF header");
    /// # let live = Content::new(header)?.with_packet_size(1440)?.with_features(Features::BROADCAST);
    /// # let mut client = Client::new(now, ClientConfig::new("example.org", "live"));
    /// # let (mut received, mut plays) = (Vec::new(), false);
    /// let mut server = Server::new(now, ServerConfig::default());
    /// # let mut drive = |server: &mut Server| loop {
    /// # loop { match client.poll_output() {
    /// #     Output::Transmit { data: bytes, .. } => {
    /// #         server.handle_input(now, Input::tcp(&bytes.to_bytes())).unwrap();
    /// #     }
    /// #     Output::Event(ClientEvent::Ready(_)) => {
    /// #         client.play(now, PlayRequest::all(StreamNumber::new(1))).unwrap();
    /// #     }
    /// #     Output::Event(ClientEvent::Packet(packet)) => received.push(packet.payload),
    /// #     Output::Wait(_) => break,
    /// #     _ => {}
    /// # } }
    /// # let mut quiet = true;
    /// # loop {
    /// match server.poll_output() {
    ///     Output::Event(ServerEvent::Open(request)) => {
    ///         server.accept_live(now, request, live.clone()).unwrap();
    ///     }
    ///     // From here on what is pushed reaches the player.
    ///     Output::Event(ServerEvent::Play(_)) => plays = true,
    /// #     Output::Transmit { data: bytes, .. } => {
    /// #         client.handle_input(now, Input::tcp(&bytes.to_bytes())).unwrap();
    /// #         quiet = false;
    /// #     }
    /// #     Output::Wait(_) => break,
    /// #     _ => {}
    ///     // ... and the rest of the loop, as ever.
    /// }
    /// # }
    /// # if quiet { return (plays, received.len()); }
    /// # };
    /// # assert_eq!(drive(&mut server), (true, 0));
    ///
    /// // Whenever the encoder has a packet: the same bytes for every session.
    /// let packet = Bytes::from_static(b"packet 7");
    /// let pushed = server.push_packet(now, 7, true, packet.clone())?;
    /// # assert_eq!(pushed, PushOutcome::Queued);
    /// # assert_eq!(drive(&mut server), (true, 1));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// As [`accept`](Self::accept).
    pub fn accept_live(
        &mut self,
        now: Instant,
        request: OpenRequest,
        content: Content,
    ) -> Result<(), StateError> {
        self.accept(now, request, content)?;
        self.session.live = true;
        Ok(())
    }

    /// Hands one ASF packet of live content to the player. Its number counts the packets of the
    /// broadcast. The bytes are shared, not copied: one packet can be pushed to any number of
    /// players.
    ///
    /// `key_frame` tells that a key frame begins with the packet, or that every packet will do:
    /// after a drop the player goes on with such a packet.
    ///
    /// # Errors
    /// When the content is not live, or the packet empty or larger than its packet size.
    pub fn push_packet(
        &mut self,
        now: Instant,
        number: u32,
        key_frame: bool,
        packet: Bytes,
    ) -> Result<PushOutcome, StateError> {
        if !self.session.live {
            return Err(StateError::NotWanted);
        }
        let queue = &mut self.session.queue;
        let next = queue.latest_entry();
        let between = queue.has_ended_entry()
            || (matches!(self.state, State::BetweenEntries(_)) && next.is_none());
        if !self.state.is_streaming() || between {
            return Ok(PushOutcome::NotPlaying);
        }
        self.core.set_now(now);
        // The packet belongs to the latest entry, which may not have begun.
        if let Some(content) = next.or_else(|| self.state.content()) {
            content.check_packet(packet.len(), MAX_PACKET_SIZE)?;
        }
        let pushed = queue.push(number, key_frame, packet, self.config.limits.queued);
        if pushed == PushOutcome::Dropped {
            self.core.stats.dropped = self.core.stats.dropped.saturating_add(1);
        }
        Ok(pushed)
    }

    /// Bytes of the packets that were pushed and not sent yet.
    ///
    /// A backlog, such as all packets since the last key frame for a player that joins, may be
    /// larger than the queue ([`Limits::queued`](crate::Limits::queued)). It is not
    /// pushed at once, but piece by piece, whenever [`poll_output`](crate::Machine::poll_output) waits and
    /// this is small: whoever takes it fast enough gets all of it.
    #[must_use]
    pub fn queued_bytes(&self) -> usize {
        self.session.queue.bytes()
    }

    /// Sends the next thing in the queue, if it may go.
    pub(super) fn send_queued(&mut self) -> bool {
        let goes = match (self.session.queue.front(), &self.state) {
            (None, _) | (_, State::EntryHeader(..)) => false,
            (
                Some(Queued::Packet(..)),
                State::Streaming(_, flow) | State::StreamingEntry(_, flow),
            ) => flow.pacing.has_quantum(),
            // The play command of an entry that followed at once must not cross its end.
            (Some(_), State::StreamingEntry(..)) => {
                let patience = self.config.timeouts.handshake();
                self.timers.arm_if_idle(Timer::Unplayed, self.core.now(), patience);
                false
            }
            (Some(_), state) => state.is_streaming(),
        };
        match self.session.queue.pop_if(goes) {
            None => return false,
            Some(Queued::Packet(number, packet)) => {
                if let Some((_, flow)) = self.state.flow() {
                    flow.pacing.charge(packet.len());
                }
                self.transmit(number, packet);
            }
            Some(Queued::End) => self.finish_now(HResult::OK),
            Some(Queued::EndOfEntry) => self.finish_entry(),
            Some(Queued::Entry(content)) => self.begin_entry(content),
        }
        true
    }
}
