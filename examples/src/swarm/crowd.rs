//! All players on one thread.

use std::time::{Duration, Instant};

use mio::net::TcpStream;
use mio::{Events, Interest, Poll, Token};
use mms_proto::PlayRequest;

use super::child::Child;
use super::player::{Player, Stage};
use super::{Options, SwarmError};

/// Players that open the file at a time: the kernel keeps so many waiting at the door.
const OPENING: usize = 64;
/// How often to look whose time is over, and at the server's memory.
const LOOK: Duration = Duration::from_millis(200);
/// When nobody has played for this long behind the end of the file, nobody will.
const PATIENCE: Duration = Duration::from_secs(60);

/// What came of it.
#[derive(Debug)]
pub(super) struct Played {
    /// How late each packet was, of all players, in no order.
    pub(super) late: Vec<Duration>,
    /// Players that played to the end.
    pub(super) ended: u64,
    /// Why one of the others did not.
    pub(super) why: Option<String>,
    /// The most bytes that the server had while everybody played; `None` when that moment never
    /// came, or the operating system does not tell.
    pub(super) memory: Option<u64>,
}

/// Plays with all players until the last one is done.
pub(super) fn play(
    options: &Options,
    request: &PlayRequest,
    server: &mut Child,
) -> Result<Played, SwarmError> {
    let mut crowd = Crowd {
        poll: Poll::new()?,
        players: Vec::new(),
        sessions: usize::try_from(options.sessions).unwrap_or(usize::MAX),
        memory: None,
    };
    let mut events = Events::with_capacity(1024);
    let mut looked = Instant::now();
    let end = looked.checked_add(options.time.saturating_add(PATIENCE));
    while crowd.is_playing() && end.is_none_or(|end| Instant::now() < end) {
        crowd.welcome(request, server)?;
        crowd.poll.poll(&mut events, Some(LOOK))?;
        for event in &events {
            if let Some(player) = crowd.players.get_mut(event.token().0) {
                player.ready();
            }
        }
        if looked.elapsed() >= LOOK {
            looked = Instant::now();
            crowd.look(looked, server);
        }
    }
    Ok(crowd.leave())
}

struct Crowd {
    poll: Poll,
    players: Vec<Player>,
    /// How many players there will be.
    sessions: usize,
    memory: Option<u64>,
}

impl Crowd {
    fn is_playing(&self) -> bool {
        self.players.len() < self.sessions || self.players.iter().any(|player| !player.is_over())
    }

    /// Lets in as many as may be opening.
    fn welcome(&mut self, request: &PlayRequest, server: &Child) -> Result<(), SwarmError> {
        let opening = self.players.iter().filter(|player| player.stage == Stage::Opening).count();
        for _ in opening..OPENING {
            if self.players.len() == self.sessions {
                break;
            }
            let mut socket = TcpStream::connect(server.address())?;
            let both = Interest::READABLE.add(Interest::WRITABLE);
            self.poll.registry().register(&mut socket, Token(self.players.len()), both)?;
            let (now, request) = (Instant::now(), request.clone());
            self.players.push(Player::new(socket, now, server.client(), request));
        }
        Ok(())
    }

    fn look(&mut self, now: Instant, server: &mut Child) {
        for player in &mut self.players {
            player.look(now);
        }
        let everybody = self.players.len() == self.sessions
            && self.players.iter().all(|player| player.stage == Stage::Playing);
        if everybody {
            self.memory = self.memory.max(server.memory());
        }
    }

    fn leave(self) -> Played {
        let ended = self.players.iter().filter(|player| player.stage == Stage::Ended).count();
        let unfinished = || "it did not come to the end in time".to_owned();
        let other = self.players.iter().find(|player| player.stage != Stage::Ended);
        Played {
            why: other.map(|player| player.why.clone().unwrap_or_else(unfinished)),
            ended: u64::try_from(ended).unwrap_or(u64::MAX),
            late: self.players.into_iter().flat_map(|player| player.late).collect(),
            memory: self.memory,
        }
    }
}
