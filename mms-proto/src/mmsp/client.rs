//! The client's side of a session, MS-MMSP 3.1.

mod arrivals;
mod config;
mod entries;
mod header;
mod media;
mod messages;
mod opening;
mod playing;
mod reception;
mod redirect;
mod report;
mod state;
mod stopping;

use std::time::Instant;

pub use config::{ClientConfig, DEFAULT_PORT};
pub use redirect::RedirectError;

use crate::error::{Error, Missing, Phase};
use crate::event::{ClientEvent, CloseReason, Stats};
use crate::io::{ConnectionId, Input, Output};
use crate::machine::Machine;
use crate::session::SessionCore;
use crate::timer::{Purpose, TimerTable};

use super::frame::FrameDecoder;
use super::framing::{Framing, Received};
use super::incarnation::Counters;
use super::message::{ClientMessage, Connect, PacketPair, ServerMessage};
use state::{AfterStop, Session, State, Stop};

/// One client session over one TCP connection. It owns no socket, clock or random source.
///
/// Its methods are of four kinds:
/// - [`handle_input`](Machine::handle_input), or [`recv_buffer`](Machine::recv_buffer) and
///   [`received`](Machine::received): what happened outside;
/// - [`poll_output`](Machine::poll_output): what to do next, until it says [`Output::Wait`];
/// - commands of the application: each is allowed in some phases and otherwise returns a
///   [`StateError`](crate::StateError) and changes nothing;
/// - getters.
///
/// | phase | commands |
/// |---|---|
/// | [`Phase::Authenticating`] | [`authenticate`](Self::authenticate), [`close`](Self::close) |
/// | [`Phase::Ready`] | [`play`](Self::play), [`close`](Self::close) |
/// | [`Phase::Streaming`] | [`play`](Self::play) (a seek), [`select_streams`](Self::select_streams), [`stop`](Self::stop), [`close`](Self::close) |
/// | after [`ClientEvent::NextEntry`] | [`play`](Self::play), [`stop`](Self::stop), [`close`](Self::close) |
/// | any other | [`close`](Self::close) |
///
/// Every command is followed by polling until `Wait`.
#[derive(Debug)]
pub struct Client {
    core: SessionCore<ClientEvent>,
    framing: Framing,
    timers: TimerTable<{ Timer::COUNT }>,
    config: ClientConfig,
    counters: Counters,
    session: Session,
    state: State,
}

/// What a client waits for. The time for the rest of a packet is the framing's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Timer {
    Reply,
    Header,
    Media,
    NextEntry,
    Close,
}

impl Timer {
    const COUNT: usize = 5;
    const ALL: [Self; Self::COUNT] =
        [Self::Reply, Self::Header, Self::Media, Self::NextEntry, Self::Close];
}

impl Purpose for Timer {
    fn index(self) -> usize {
        self as usize
    }
}

impl From<crate::Deviation> for ClientEvent {
    fn from(deviation: crate::Deviation) -> Self {
        Self::Deviation(deviation)
    }
}

impl Machine for Client {
    type Event = ClientEvent;

    fn handle_input(&mut self, now: Instant, input: Input<'_>) -> Result<(), Error> {
        if let State::Closed(reason) = &self.state {
            return reason.outcome();
        }
        self.core.set_now(now);
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
        self.framing.received(connection, count);
        Ok(())
    }

    fn poll_output(&mut self) -> Output<ClientEvent> {
        loop {
            if let Some(output) = self.core.pop() {
                return output;
            }
            let received = match self.state {
                State::Closed(_) => return Output::Wait(None),
                State::Challenged => self.framing.next_if(&mut self.core, is_urgent),
                _ => self.framing.next(&mut self.core),
            };
            let handled = match received {
                Ok(Received::Nothing) if self.core.is_drained() => {
                    let deadlines = [self.timers.next(), self.framing.frame_deadline()];
                    return Output::Wait(deadlines.into_iter().flatten().min());
                }
                Ok(Received::Nothing) => Ok(()),
                Ok(Received::Data(packet)) => match self.on_data(&packet) {
                    // Straight to the application, unless there is something to say before.
                    Ok(true) if self.core.is_drained() => {
                        return Output::Event(ClientEvent::Packet(packet.into_media()));
                    }
                    Ok(true) => {
                        self.core.event(ClientEvent::Packet(packet.into_media()));
                        Ok(())
                    }
                    Ok(false) => Ok(()),
                    Err(error) => Err(error),
                },
                Ok(Received::Message(place, message)) => self.on_message(place, &message),
                Ok(Received::End { mid_frame }) => self.on_end(mid_frame),
                Err(error) => Err(error),
            };
            self.end_on_error(handled);
        }
    }

    fn phase(&self) -> Phase {
        self.state.phase()
    }

    fn stats(&self) -> Stats {
        self.core.stats
    }
}

impl Client {
    /// Begins a session on a TCP connection that is open already.
    #[must_use]
    pub fn new(now: Instant, config: ClientConfig) -> Self {
        let decoder = FrameDecoder::from_server(&config.session.limits);
        let framing = Framing::new(decoder, &config.session.limits, config.session.timeouts.frame);
        let mut client = Self {
            core: SessionCore::new(now, config.session.strictness),
            framing,
            timers: TimerTable::new(),
            counters: Counters::new(config.incarnations.clone()),
            session: Session::default(),
            state: State::Connecting,
            config,
        };
        let packet_pair = if client.config.packet_pair { PacketPair::Yes } else { PacketPair::No };
        let (subscriber, host) = (client.config.subscriber(), client.config.host_string());
        client.request(Connect { packet_pair, subscriber, host });
        client
    }

    /// The configuration of this session, from which a redirect makes the next one's.
    #[must_use]
    pub fn config(&self) -> &ClientConfig {
        &self.config
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
        self.core.event(ClientEvent::Closed(reason.clone()));
        self.state = State::Closed(reason);
    }

    fn send(&mut self, message: impl Into<ClientMessage>) {
        let message = message.into();
        self.framing.message(&mut self.core, |out| message.encode(out));
    }

    /// Sends a message and waits for its answer.
    fn request(&mut self, message: impl Into<ClientMessage>) {
        self.send(message);
        self.timers.arm(Timer::Reply, self.core.now(), self.config.session.timeouts.reply);
    }

    fn on_timeout(&mut self) -> Result<(), Error> {
        let now = self.core.now();
        for timer in Timer::ALL {
            if self.timers.take_expired(timer, now) {
                return self.on_expired(timer);
            }
        }
        let phase = self.phase();
        self.framing.check_frame_time(self.core.now(), phase)
    }

    fn on_expired(&mut self, timer: Timer) -> Result<(), Error> {
        let times = &self.config.session.timeouts;
        let (missing, after) = match timer {
            Timer::Close => {
                // The server did not answer the stop: politeness has a limit.
                self.close_file();
                return Ok(());
            }
            Timer::NextEntry => {
                // It was announced and never came: then it was the end.
                if let State::WaitingForEntry(file, _) = self.state {
                    self.state = State::Ready(file);
                }
                return self.no_next_entry();
            }
            Timer::Reply => (Missing::Reply, times.reply),
            Timer::Header => (Missing::Header, times.header),
            Timer::Media => (Missing::Media, self.silence()),
        };
        Err(Error::TimedOut { phase: self.phase(), missing, after })
    }

    /// The peer has closed and everything before that has been handled.
    fn on_end(&mut self, mid_frame: bool) -> Result<(), Error> {
        match &self.state {
            // Nothing was owed to us any more.
            State::Ready(_) if !mid_frame => {
                self.end(CloseReason::Peer);
                Ok(())
            }
            // Some servers announce another entry and close instead.
            State::WaitingForEntry(..) if !mid_frame => {
                self.no_next_entry()?;
                self.end(CloseReason::Peer);
                Ok(())
            }
            State::Stopping(_, Stop { then: AfterStop::Close, .. }) => {
                self.end(CloseReason::Local);
                Ok(())
            }
            _ => Err(Error::Disconnected { phase: self.phase(), mid_frame }),
        }
    }
}

/// True for what is handled although the application owes an answer to a challenge: a Ping, which
/// a person who types a password must not leave unanswered, and what is no message of the server.
fn is_urgent(received: &Received) -> bool {
    match received {
        Received::Message(_, message) => {
            matches!(ServerMessage::decode(message, &mut Vec::new()), Ok(ServerMessage::Ping(_)))
        }
        Received::Data(_) => false,
        Received::End { .. } | Received::Nothing => true,
    }
}
