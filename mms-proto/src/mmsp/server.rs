//! The server's side of a session, MS-MMSP 3.2, over TCP: content on demand, playlists, live.

mod challenge;
mod commands;
mod config;
mod entries;
mod entropy;
mod flow;
mod header;
mod live;
mod messages;
mod opening;
mod past_end;
mod play_rate;
mod playing;
mod state;

use std::time::{Duration, Instant};

pub use config::ServerConfig;

use crate::error::{Error, Missing, Phase};
use crate::event::{CloseReason, ServerEvent, Stats};
use crate::hresult::HResult;
use crate::io::{ConnectionId, Input, Output};
use crate::machine::Machine;
use crate::session::SessionCore;
use crate::timer::{Purpose, TimerTable};

use super::frame::FrameDecoder;
use super::framing::{Framing, Received};
use super::message::{Ping, ServerMessage};
use entropy::Entropy;
use flow::Flow;
use state::{EntryMedia, Session, State};

/// Time between two Pings while the end of the stream is held back.
const HELD_KEEP_ALIVE: Duration = Duration::from_secs(3);

/// One server session over one TCP connection. It owns no socket, clock or random source.
///
/// Its methods are of four kinds:
/// - [`handle_input`](Machine::handle_input), or [`recv_buffer`](Machine::recv_buffer) and
///   [`received`](Machine::received): what happened outside;
/// - [`poll_output`](Machine::poll_output): what to do next, until it says [`Output::Wait`]. With a
///   lot to send it says so now and then with a deadline that has passed: look at the socket,
///   then go on with [`Input::Timeout`];
/// - answers and commands of the application;
/// - getters.
///
/// The machine asks for packets: [`ServerEvent::PacketWanted`] is answered with
/// [`send_packet_at`](Self::send_packet_at) or [`end_of_stream`](Self::end_of_stream), at once or
/// when there is one. So neither pacing nor a full queue is the application's concern. Live
/// content is pushed instead: [`accept_live`](Self::accept_live).
#[derive(Debug)]
pub struct Server {
    core: SessionCore<ServerEvent>,
    framing: Framing,
    timers: TimerTable<{ Timer::COUNT }>,
    config: ServerConfig,
    entropy: Entropy,
    session: Session,
    state: State,
}

/// What a server waits for. The time for the rest of a packet is the framing's, the time for the
/// next packet the pacing's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Timer {
    Handshake,
    Idle,
    KeepAlive,
    AfterEnd,
    HeldEnd,
    Unplayed,
}

impl Timer {
    const COUNT: usize = 6;
    const ALL: [Self; Self::COUNT] = [
        Self::Handshake,
        Self::Idle,
        Self::HeldEnd,
        Self::Unplayed,
        Self::AfterEnd,
        Self::KeepAlive,
    ];
}

impl Purpose for Timer {
    fn index(self) -> usize {
        self as usize
    }
}

impl From<crate::Deviation> for ServerEvent {
    fn from(deviation: crate::Deviation) -> Self {
        Self::Deviation(deviation)
    }
}

impl Machine for Server {
    type Event = ServerEvent;

    fn handle_input(&mut self, now: Instant, input: Input<'_>) -> Result<(), Error> {
        if let State::Closed(reason) = &self.state {
            return reason.outcome();
        }
        self.core.set_now(now);
        self.begin_turn();
        let done = match input {
            Input::Timeout => self.on_timeout(),
            input => self.framing.input(input),
        };
        self.end_on_error(done);
        Ok(())
    }

    fn recv_buffer(&mut self, connection: ConnectionId) -> &mut [u8] {
        self.framing.recv_buffer(connection)
    }

    fn received(
        &mut self,
        now: Instant,
        connection: ConnectionId,
        count: usize,
    ) -> Result<(), Error> {
        if let State::Closed(reason) = &self.state {
            return reason.outcome();
        }
        self.core.set_now(now);
        self.begin_turn();
        self.framing.received(connection, count);
        Ok(())
    }

    fn poll_output(&mut self) -> Output<ServerEvent> {
        loop {
            if let Some(output) = self.core.pop() {
                return output;
            }
            if let Some(output) = self.advance() {
                return output;
            }
        }
    }

    fn phase(&self) -> Phase {
        self.state.phase()
    }

    fn stats(&self) -> Stats {
        self.core.stats
    }
}

impl Server {
    /// Begins a session on a TCP connection that was accepted.
    #[must_use]
    pub fn new(now: Instant, config: ServerConfig) -> Self {
        let decoder = FrameDecoder::from_client(&config.limits);
        let framing = Framing::new(decoder, &config.limits, config.timeouts.frame());
        let mut timers = TimerTable::new();
        timers.arm(Timer::Handshake, now, config.timeouts.handshake());
        Self {
            core: SessionCore::new(now, config.strictness),
            framing,
            timers,
            entropy: Entropy::new(config.seed),
            session: Session::default(),
            state: State::Silent,
            config,
        }
    }

    /// Handles the next thing, when everything before it has been polled. Returns an output that
    /// nothing has to be queued for.
    fn advance(&mut self) -> Option<Output<ServerEvent>> {
        match self.state {
            State::Closed(_) => return Some(Output::Wait(None)),
            // Nothing is decoded until the application has answered; but nobody is left to hear
            // the answer when the connection is gone.
            State::OpenAsked if self.framing.is_peer_closed() => {
                self.end(CloseReason::Peer);
                return None;
            }
            State::OpenAsked => return Some(Output::Wait(self.deadline())),
            _ => {}
        }
        // Nothing but a Ping may come between the answer to ReadBlock and the header (T46): its
        // fragments go before the next message is looked at.
        if self.send_header_fragment() {
            return None;
        }
        let handled = match self.framing.next(&mut self.core) {
            Ok(Received::Nothing) if self.core.is_drained() => {
                if self.play_early() || self.send_due() || self.send_queued() {
                    return None;
                }
                return Some(match self.want_packet() {
                    Some(event) => Output::Event(event),
                    None => Output::Wait(self.deadline()),
                });
            }
            Ok(Received::Message(place, message)) => self.on_message(place, &message),
            Ok(Received::End { .. }) => {
                // Players close whenever they like, many without CloseFile (T47).
                self.end(CloseReason::Peer);
                Ok(())
            }
            // The decoder of what clients send knows no Data packets.
            Ok(Received::Nothing | Received::Data(_)) => Ok(()),
            Err(error) => Err(error),
        };
        self.end_on_error(handled);
        None
    }

    /// Whatever came in, the driver has looked at its socket.
    fn begin_turn(&mut self) {
        match &mut self.state {
            State::SendingHeader(_, sender) => sender.pacing.new_quantum(),
            State::Streaming(_, flow) | State::StreamingEntry(_, flow) => flow.pacing.new_quantum(),
            State::EntryHeader(_, sender, media) => {
                sender.pacing.new_quantum();
                if let EntryMedia::Follow(flow) | EntryMedia::Played(flow) = media {
                    flow.pacing.new_quantum();
                }
            }
            _ => {}
        }
    }

    fn end_on_error(&mut self, result: Result<(), Error>) {
        if let Err(error) = result {
            self.end(CloseReason::Failed(error));
        }
    }

    /// The end of the session: no timer runs, the last event is queued.
    #[cold]
    fn end(&mut self, reason: CloseReason) {
        self.timers.stop_all();
        self.framing.stop();
        self.core.event(ServerEvent::Closed(reason.clone()));
        self.state = State::Closed(reason);
    }

    fn send(&mut self, message: impl Into<ServerMessage>) {
        let message = message.into();
        self.framing.message(&mut self.core, |out| message.encode(out));
        self.arm_keep_alive();
    }

    fn arm_keep_alive(&mut self) {
        // WebTV stays in the silence before a late end if it hears something now and then (T49).
        let held = self.timers.is_armed(Timer::HeldEnd);
        let time = if held { HELD_KEEP_ALIVE } else { self.config.timeouts.keep_alive() };
        self.timers.arm(Timer::KeepAlive, self.core.now(), time);
    }

    /// `Idle-Timeout`, shorter before the first play command: starting it while it runs does not restart it, MS-MMSP 3.2.2.
    fn start_idle(&mut self) {
        let (idle, first) = (self.config.timeouts.idle(), self.config.timeouts.first_play());
        let time = if self.session.has_played { idle } else { idle.min(first) };
        self.timers.arm_if_idle(Timer::Idle, self.core.now(), time);
    }

    fn deadline(&self) -> Option<Instant> {
        let now = self.core.now();
        let pacing = match &self.state {
            State::SendingHeader(_, sender) | State::EntryHeader(_, sender, _) => {
                Some(sender.pacing.deadline(now))
            }
            State::Streaming(_, flow) | State::StreamingEntry(_, flow) => self.flow_deadline(flow),
            _ => None,
        };
        let play = self.session.plays.turn();
        [self.timers.next(), self.framing.frame_deadline(), play, pacing]
            .into_iter()
            .flatten()
            .min()
    }

    /// When media can go on without the application and the client.
    fn flow_deadline(&self, flow: &Flow) -> Option<Instant> {
        let now = self.core.now();
        match flow.demand.scheduled() {
            Some(packet) => Some(packet.due.max(now)),
            // There was enough for one turn.
            None if self.session.queue.has_packet() => Some(now),
            None if self.session.live
                || flow.demand.is_busy()
                || !self.session.queue.is_empty() =>
            {
                None
            }
            // No packet is asked for until then.
            None if self.has_waiting_play() => None,
            None => Some(flow.pacing.deadline(now)),
        }
    }

    fn on_timeout(&mut self) -> Result<(), Error> {
        let now = self.core.now();
        for timer in Timer::ALL {
            if !self.timers.take_expired(timer, now) {
                continue;
            }
            match timer {
                Timer::Handshake => {
                    let challenged = matches!(self.state, State::Challenged(_));
                    let missing = if challenged { Missing::Reply } else { Missing::Request };
                    let after = self.config.timeouts.handshake();
                    return Err(Error::TimedOut { phase: self.phase(), missing, after });
                }
                Timer::Idle => self.end(CloseReason::Idle),
                Timer::AfterEnd => self.end(CloseReason::Local),
                Timer::HeldEnd => self.finish_now(HResult::OK),
                // The client does not play the entry that was sent to it: it goes on without.
                Timer::Unplayed => self.entry_is_played(),
                Timer::KeepAlive => self.ping()?,
            }
        }
        let phase = self.phase();
        self.framing.check_frame_time(self.core.now(), phase)
    }

    fn ping(&mut self) -> Result<(), Error> {
        let unanswered = self.session.unanswered_pings;
        if self.config.max_unanswered_pings.is_some_and(|most| unanswered >= most) {
            let after = self.config.timeouts.keep_alive().saturating_mul(unanswered.max(1));
            return Err(Error::TimedOut { phase: self.phase(), missing: Missing::Reply, after });
        }
        self.session.unanswered_pings = unanswered.saturating_add(1);
        self.send(Ping);
        Ok(())
    }
}
