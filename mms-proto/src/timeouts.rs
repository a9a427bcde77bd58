//! How long either end of a session waits.

use std::time::Duration;

/// How long a client waits. Only complete packets count: a byte now and then keeps nothing alive.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ClientTimeouts {
    /// For the answer to a request, default 15 s.
    pub reply: Duration,
    /// For the whole ASF header, default 60 s.
    pub header: Duration,
    /// For the rest of a packet after its first byte, default 30 s.
    pub frame: Duration,
    /// For the next media packet or message while streaming, default 90 s: servers ask whether
    /// the client is still there after 30.
    pub silence: Duration,
    /// For the next media packet while messages show that the server is there, default 1 hour. The
    /// playing time of the content is added: a server may hold back the end until then.
    pub media: Duration,
    /// For the next entry of a playlist after one has ended, default 60 s.
    pub next_entry: Duration,
    /// For the server's part in closing while streaming, default 5 s.
    pub close: Duration,
}

impl ClientTimeouts {
    /// The same time for everything.
    #[must_use]
    pub fn all(time: Duration) -> Self {
        Self {
            reply: time,
            header: time,
            frame: time,
            silence: time,
            media: time,
            next_entry: time,
            close: time,
        }
    }
}

impl Default for ClientTimeouts {
    fn default() -> Self {
        let seconds = Duration::from_secs;
        Self {
            reply: seconds(15),
            header: seconds(60),
            frame: seconds(30),
            silence: seconds(90),
            media: seconds(3600),
            next_entry: seconds(60),
            close: seconds(5),
        }
    }
}

/// How long a server waits. Idle and keep-alive times are at least 10 s, the least that the
/// specifications allow.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ServerTimeouts {
    /// For a play command, default 3,600 s, at least 10 s (`Idle-Timeout`).
    idle: Duration,
    /// From the connection to the first play command, default 3,600 s; not longer than `idle`. Short
    /// where seats are few: a client that never plays keeps one by a Pong now and then.
    first_play: Duration,
    /// For anything from the client before it is asked whether it is still there, default 30 s, at
    /// least 10 s (`KeepAlive`).
    keep_alive: Duration,
    /// From the connection to the request for a file, to the next one after a refusal, and from a
    /// challenge to the response, default 30 s. How long the application takes to answer does not
    /// count.
    handshake: Duration,
    /// For the rest of a packet after its first byte, default 30 s.
    frame: Duration,
}

/// The least that the specification allows for both of its timers.
const LEAST: Duration = Duration::from_secs(10);

impl ServerTimeouts {
    /// `Idle-Timeout`; less than 10 s is raised to it.
    #[must_use]
    pub fn with_idle(mut self, time: Duration) -> Self {
        self.idle = time.max(LEAST);
        self
    }

    /// `KeepAlive`; less than 10 s is raised to it.
    #[must_use]
    pub fn with_keep_alive(mut self, time: Duration) -> Self {
        self.keep_alive = time.max(LEAST);
        self
    }

    /// From the connection to the first play command.
    #[must_use]
    pub fn with_first_play(mut self, time: Duration) -> Self {
        self.first_play = time;
        self
    }

    /// From the connection to the request for a file.
    #[must_use]
    pub fn with_handshake(mut self, time: Duration) -> Self {
        self.handshake = time;
        self
    }

    /// For the rest of a packet after its first byte.
    #[must_use]
    pub fn with_frame(mut self, time: Duration) -> Self {
        self.frame = time;
        self
    }

    /// `Idle-Timeout`.
    #[must_use]
    pub fn idle(&self) -> Duration {
        self.idle
    }

    /// `KeepAlive`.
    #[must_use]
    pub fn keep_alive(&self) -> Duration {
        self.keep_alive
    }

    /// From the connection to the first play command.
    #[must_use]
    pub fn first_play(&self) -> Duration {
        self.first_play
    }

    /// From the connection to the request for a file.
    #[must_use]
    pub fn handshake(&self) -> Duration {
        self.handshake
    }

    /// For the rest of a packet after its first byte.
    #[must_use]
    pub fn frame(&self) -> Duration {
        self.frame
    }
}

impl Default for ServerTimeouts {
    fn default() -> Self {
        let seconds = Duration::from_secs;
        Self {
            idle: seconds(3600),
            first_play: seconds(3600),
            keep_alive: seconds(30),
            handshake: seconds(30),
            frame: seconds(30),
        }
    }
}
