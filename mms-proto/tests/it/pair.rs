//! A client and a server of this crate, with applications, on the simulated network.

mod entries;
pub(crate) mod media;
pub(crate) mod properties;
pub(crate) mod script;
mod security;
mod session;
mod timers;

use std::ops::{Deref, DerefMut};
use std::time::{Duration, Instant};

use mms_proto::mmsp::{Client, ClientConfig, Server, ServerConfig};
pub(crate) use mms_proto::testing::sim::Side;
use mms_proto::testing::sim::{App, End, Net};
use mms_proto::{ClientEvent, Content, HResult, PlayRequest, ServerEvent, Start, StreamNumber};

/// What the client's application does about an event.
pub(crate) type ClientAct = Box<dyn FnMut(&mut Client, Instant, &ClientEvent)>;
/// What the server's application does about an event, if it does anything.
pub(crate) type ServerAct =
    Box<dyn FnMut(&mut Server, Instant, ServerEvent) -> Option<ServerEvent>>;
/// Events with the time at which they came.
pub(crate) type Log = Vec<(Duration, String)>;

/// The client's application.
pub(crate) struct Viewer {
    pub(crate) act: ClientAct,
    /// Packets arrive as they were sent.
    pub(crate) faithful: bool,
    /// Packets are told by their number.
    pub(crate) log: Log,
    begun: Instant,
}

impl App<Client> for Viewer {
    fn event(
        &mut self,
        client: &mut Client,
        now: Instant,
        event: ClientEvent,
    ) -> Option<ClientEvent> {
        let text = match &event {
            ClientEvent::Packet(packet) => {
                let sent = media::packet(packet.location_id);
                assert!(!self.faithful || packet.payload == sent, "another packet");
                format!("Packet #{}", packet.location_id)
            }
            other => format!("{other:?}"),
        };
        self.log.push((now - self.begun, text));
        (self.act)(client, now, &event);
        None
    }
}

/// The server's application: it plays a file.
pub(crate) struct Player {
    /// Sees events before this one does, which gets what it returns.
    pub(crate) act: ServerAct,
    pub(crate) content: Content,
    /// Number of the next packet.
    pub(crate) next: u32,
    /// Never answers requests for packets.
    pub(crate) stalled: bool,
    /// Refuses every file, for this reason.
    pub(crate) refuse: Option<HResult>,
    /// Requests for packets that were not answered.
    pub(crate) wanted: usize,
    /// What the room for packets is does not matter.
    pub(crate) log: Log,
    begun: Instant,
}

impl App<Server> for Player {
    fn event(
        &mut self,
        server: &mut Server,
        now: Instant,
        event: ServerEvent,
    ) -> Option<ServerEvent> {
        let text = match &event {
            ServerEvent::PacketWanted { .. } => "PacketWanted".to_owned(),
            other => format!("{other:?}"),
        };
        self.log.push((now - self.begun, text));
        match (self.act)(server, now, event)? {
            ServerEvent::Open(request) => match self.refuse {
                Some(hr) => server.reject(now, request, hr).unwrap(),
                None => server.accept(now, request, self.content.clone()).unwrap(),
            },
            ServerEvent::Play(request) => self.next = first_packet(&request),
            ServerEvent::PacketWanted { .. } if self.stalled => self.wanted += 1,
            ServerEvent::PacketWanted { .. } => self.answer(server, now),
            _ => {}
        }
        None
    }
}

impl Player {
    fn answer(&mut self, server: &mut Server, now: Instant) {
        if u64::from(self.next) < self.content.packet_count().unwrap() {
            server.send_packet(now, self.next, media::packet(self.next)).unwrap();
            self.next += 1;
        } else {
            server.end_of_stream(now).unwrap();
        }
    }
}

pub(crate) struct Pair(Net<Client, Server, Viewer, Player>);

impl Deref for Pair {
    type Target = Net<Client, Server, Viewer, Player>;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl DerefMut for Pair {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.0
    }
}

impl Pair {
    pub(crate) fn new(client: ClientConfig, server: ServerConfig, content: Content) -> Self {
        let begun = media::start();
        let act = Box::new(play_once);
        let viewer = Viewer { act, faithful: true, log: Log::new(), begun };
        let player = Player {
            act: Box::new(|_, _, event| Some(event)),
            content,
            next: 0,
            stalled: false,
            refuse: None,
            wanted: 0,
            log: Log::new(),
            begun,
        };
        let client = End::new(begun, Client::new(begun, client), viewer);
        Self(Net::new(client, End::new(begun, Server::new(begun, server), player)))
    }

    pub(crate) fn simple(packets: u64) -> Self {
        let client = ClientConfig::new("host", "file.wma");
        Self::new(client, ServerConfig::default(), media::content(packets))
    }

    /// The client's end alone.
    pub(crate) fn into_client(self) -> End<Client, Viewer> {
        self.0.client
    }

    /// The server's end alone.
    pub(crate) fn into_server(self) -> End<Server, Player> {
        self.0.server
    }

    /// The time.
    pub(crate) fn now(&self) -> Instant {
        self.client.now
    }

    /// The client's events without their times.
    pub(crate) fn heard(&self) -> Vec<&str> {
        self.client.app.log.iter().map(|(_, event)| event.as_str()).collect()
    }

    /// Numbers of the packets that the client got.
    pub(crate) fn packets(&self) -> Vec<u32> {
        let number = |event: &str| event.strip_prefix("Packet #")?.parse().ok();
        self.heard().into_iter().filter_map(number).collect()
    }
}

/// Packets of 100 bytes, ten a second, behind a header of 250 bytes.
fn first_packet(request: &PlayRequest) -> u32 {
    match request.start {
        Start::Beginning => 0,
        Start::Time(time) => u32::try_from(time.as_millis() / 100).unwrap(),
        Start::ByteOffset(at) => u32::try_from(at).unwrap().saturating_sub(250) / media::PACKET,
        Start::Packet(number) => number.get(),
    }
}

/// Stream 1 from the beginning.
pub(crate) fn everything() -> PlayRequest {
    PlayRequest::all(StreamNumber::new(1))
}

/// Plays a file from the beginning to the end and closes.
pub(crate) fn play_once(client: &mut Client, now: Instant, event: &ClientEvent) {
    match event {
        ClientEvent::Ready(_) => client.play(now, everything()).unwrap(),
        ClientEvent::EndOfStream { .. } => client.close(now),
        _ => {}
    }
}
