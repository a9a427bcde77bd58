//! A stream of another server, handed on as it comes, over as many connections as it takes.
//!
//! A file goes on at the packet after the last one, a live stream at what is sent now. What was
//! handed on before is not handed on again: of a file by the numbers of its packets, of a live
//! stream by their bytes, as servers begin with packets that they have sent before. When the server
//! says that the last entry has ended, it has, live or not. Everything else is tried again, an
//! unusable header too: the players have a header already, and one that cannot be announced must
//! not end what they play. An answer that is likely to stay the same, such as that of a wrong path,
//! is tried again after longer pauses.

use std::time::{Duration, Instant};

use bytes::Bytes;
use mms_asf::{Packet, Restorer};
use mms_client::{Entry, Error, MmsUrl, OpenOptions, RecentPackets};
use mms_proto::{AsfPacket, HResult, Limits, MAX_PACKET_SIZE, Start};

use super::outlet::{Outlet, Stopped};
use super::{FeedItem, HEADER_BYTES};
use crate::serve::channel::check_header;

/// The player that is announced. Servers leave the padding out for players of version 9, and the
/// packets would no longer be those of the file, byte for byte.
const PLAYER: &str = "NSPlayer/8.0.0.4477";
/// Pauses before a new attempt.
const PAUSES: (Duration, Duration) = (Duration::from_millis(500), Duration::from_secs(10));
/// The longest pause after an answer that is likely to stay the same, in longest pauses.
const SETTLED: u32 = 6;

/// Another server's stream.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct UpstreamOptions {
    /// The stream.
    pub url: MmsUrl,
    /// How to open it: time-outs, credentials, another way to connect. Its handle to cancel is
    /// replaced. Announce a player before version 9, or servers change the packets.
    pub open: OpenOptions,
    /// The pause before the first new attempt, default 0.5 s. Each one in vain doubles it.
    pub first_pause: Duration,
    /// The longest pause, default 10 s; six times as long after an answer that is likely to stay the
    /// same, such as that of a path that is not there.
    pub longest_pause: Duration,
}

impl UpstreamOptions {
    /// This stream, with the usual time-outs.
    #[must_use]
    pub fn new(url: MmsUrl) -> Self {
        let (first_pause, longest_pause) = PAUSES;
        let mut limits = Limits::default();
        limits.header = HEADER_BYTES;
        let open = OpenOptions::new().player(PLAYER).limits(limits);
        Self { url, open, first_pause, longest_pause }
    }
}

/// Hands on what the server sends until the end of its last entry.
pub(super) fn run(options: UpstreamOptions, outlet: &Outlet) -> Result<FeedItem, Stopped> {
    let UpstreamOptions { url, open, first_pause, longest_pause } = options;
    let open = open.cancel(outlet.cancel().clone());
    let mut relay = Relay::new(outlet);
    let mut pause = first_pause;
    loop {
        relay.progress = false;
        let mut longest = longest_pause;
        let error = match relay.connection(&open, &url) {
            Ok(()) => return Ok(FeedItem::End),
            Err(Broken::Stopped) => return Err(Stopped),
            Err(Broken::Failed(error)) if relay.header.is_none() && !may_pass(&error) => {
                return Ok(FeedItem::Failed(error.to_string()));
            }
            Err(Broken::Failed(error)) => match settled(&error) {
                Some(advice) => {
                    longest = longest.saturating_mul(SETTLED);
                    format!("{error}; {advice}")
                }
                None => error.to_string(),
            },
            Err(Broken::Header { server, why }) => {
                format!("{server}: the header of the stream is unusable: {why}")
            }
        };
        if relay.progress {
            pause = first_pause;
        }
        pause = pause.min(longest);
        let seconds = pause.as_secs_f32();
        outlet.send(FeedItem::Note(format!("{error}; trying again in {seconds} s")))?;
        let now = Instant::now();
        outlet.wait_until(now.checked_add(pause).unwrap_or(now))?;
        pause = pause.saturating_mul(2).min(longest);
    }
}

/// Whether another attempt may do better where there was nothing yet: a server or a stream that is
/// not there may come, but a password does not become right, nor an address.
fn may_pass(error: &Error) -> bool {
    match error {
        Error::Protocol { source, .. } => !matches!(
            source,
            mms_proto::Error::Unauthorized
                | mms_proto::Error::Refused { hr: HResult::ACCESS_DENIED, .. }
        ),
        Error::Url(_)
        | Error::State(_)
        | Error::Redirect { .. }
        | Error::CredentialsNeeded { .. }
        | Error::ClearText { .. }
        | Error::AuthScheme { .. } => false,
        _ => true,
    }
}

/// Advice on an answer that is likely to stay the same. A stream may begin under a path that is not
/// there yet, so that it is asked for all the same.
fn settled(error: &Error) -> Option<&'static str> {
    let Error::Protocol { source: mms_proto::Error::Refused { hr, .. }, .. } = error else {
        return None;
    };
    match *hr {
        HResult::FILE_NOT_FOUND
        | HResult::SYSTEM_FILE_NOT_FOUND
        | HResult::SYSTEM_PATH_NOT_FOUND
        | HResult::INVALID_NAME => Some("check the path in the address, or start the stream there"),
        HResult::ACCESS_DENIED => Some("the server lets nobody in, or nobody without a login"),
        _ => None,
    }
}

/// Why a connection was of no more use.
enum Broken {
    Stopped,
    Failed(Error),
    /// The header that came cannot be announced to players.
    Header {
        server: String,
        why: String,
    },
}

impl From<Stopped> for Broken {
    fn from(_: Stopped) -> Self {
        Self::Stopped
    }
}

impl From<Error> for Broken {
    fn from(error: Error) -> Self {
        match error {
            Error::Cancelled => Self::Stopped,
            other => Self::Failed(other),
        }
    }
}

/// What was handed on over all connections.
struct Relay<'a> {
    outlet: &'a Outlet,
    /// The header that was handed on last.
    header: Option<Bytes>,
    /// For packets without padding.
    restorer: Option<Restorer>,
    /// Bytes of its packets.
    packet_size: u32,
    /// The same as a length; any length where it is not known.
    longest: usize,
    /// The number of the last packet behind it.
    last: Option<u32>,
    recent: RecentPackets,
    /// What the connection has to be freed of first.
    repeats: Repeats,
    /// The connection has brought something.
    progress: bool,
}

/// What may come a second time.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Repeats {
    Nothing,
    /// Packets with numbers up to the last one.
    Numbers,
    /// Packets that are known by their bytes.
    Bytes,
}

impl<'a> Relay<'a> {
    fn new(outlet: &'a Outlet) -> Self {
        Self {
            outlet,
            header: None,
            restorer: None,
            packet_size: 0,
            longest: usize::MAX,
            last: None,
            recent: RecentPackets::default(),
            repeats: Repeats::Nothing,
            progress: false,
        }
    }

    /// One connection, to the end of the last entry.
    fn connection(&mut self, open: &OpenOptions, url: &MmsUrl) -> Result<(), Broken> {
        let mut session = open.open(url)?;
        let (server, before) = (session.server_address().to_owned(), self.header.clone());
        let mut start = self.join(session.entry(), &server)?;
        self.outlet.send(FeedItem::Note(match before {
            None => format!("connected to {server}"),
            ref before if *before == self.header => format!("connected to {server} again"),
            Some(_) => format!("connected to {server} again: the stream has another header"),
        }))?;
        loop {
            let Some(from) = start else {
                // The connection broke when everything was there.
                return Ok(());
            };
            let request = session.all_streams()?.start(from);
            let mut playback = session.play(request)?;
            while let Some(packet) = playback.next() {
                if !self.packet(packet?)? {
                    playback.reject_packet();
                }
            }
            let (end, server) = (playback.end(), playback.server_address().to_owned());
            if let Some(hr) = end.map(|end| end.hr).filter(|hr| hr.is_failure()) {
                return Err(Error::EndedEarly { server, hr }.into());
            }
            if !end.is_some_and(|end| end.more) {
                let _ = playback.close();
                return Ok(());
            }
            let Some(next) = playback.next_entry()? else { return Ok(()) };
            self.enter(next.entry(), &server)?;
            (session, start) = (next, Some(Start::Beginning));
        }
    }

    /// Where to begin on a new connection; `None` when nothing is missing.
    fn join(&mut self, entry: &Entry, server: &str) -> Result<Option<Start>, Broken> {
        if self.header.as_ref() != Some(entry.content().header()) {
            self.enter(entry, server)?;
            return Ok(Some(Start::Beginning));
        }
        if !entry.is_resumable() {
            self.repeats = Repeats::Bytes;
            self.recent.interrupted();
            return Ok(Some(Start::Beginning));
        }
        let Some(last) = self.last else { return Ok(Some(Start::Beginning)) };
        let next = last.saturating_add(1);
        self.repeats = Repeats::Numbers;
        let missing = entry.content().packet_count().is_none_or(|count| u64::from(next) < count);
        Ok(missing.then(|| Start::packet(next).unwrap_or_default()))
    }

    /// Another header, also when it looks like the one before: its packets begin anew.
    fn enter(&mut self, entry: &Entry, server: &str) -> Result<(), Broken> {
        let content = entry.content();
        check_header(content.header())
            .map_err(|why| Broken::Header { server: server.to_owned(), why })?;
        self.outlet.send(FeedItem::Header(content.header().clone()))?;
        self.header = Some(content.header().clone());
        self.restorer = Restorer::new(content.packet_size().unwrap_or(MAX_PACKET_SIZE)).ok();
        let size = entry.header().ok().map(|header| header.file().packet_size);
        self.packet_size = content.packet_size().unwrap_or(MAX_PACKET_SIZE);
        self.longest = size.and_then(|size| size.try_into().ok()).unwrap_or(usize::MAX);
        self.last = None;
        self.recent = RecentPackets::default();
        self.repeats = Repeats::Nothing;
        self.progress = true;
        Ok(())
    }

    /// Hands a packet on; false for one that is not: it was handed on before, or is longer than
    /// packets of this stream can be.
    fn packet(&mut self, packet: AsfPacket) -> Result<bool, Stopped> {
        let AsfPacket { location_id, payload, .. } = packet;
        let parsed = Packet::parse(&payload, self.packet_size).ok();
        let fingerprint = self.recent.identify(&payload, parsed.as_ref());
        let repeated = match self.repeats {
            Repeats::Nothing => false,
            Repeats::Numbers => self.last.is_some_and(|last| location_id <= last),
            Repeats::Bytes => fingerprint.is_repeated(),
        };
        if repeated || payload.len() > self.longest {
            return Ok(false);
        }
        self.repeats = Repeats::Nothing;
        self.recent.add(fingerprint);
        // A copy: the slowest player keeps it, and with it all that was read at once.
        let restored = self.restorer.as_ref().and_then(|restorer| restorer.restored(&payload));
        let whole = restored.unwrap_or_else(|| Bytes::copy_from_slice(&payload));
        self.outlet.send(FeedItem::Packet(whole))?;
        self.last = Some(location_id);
        self.progress = true;
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use mms_proto::Phase;

    use super::*;

    #[test]
    fn what_does_not_become_right_is_not_asked_again() {
        let server = || "host:1755".to_owned();
        let protocol = |source| Error::Protocol { server: server(), source };
        let refused = |hr| protocol(mms_proto::Error::Refused { phase: Phase::Connecting, hr });
        let cut = mms_proto::Error::Disconnected { phase: Phase::Connecting, mid_frame: false };
        assert!(!may_pass(&protocol(mms_proto::Error::Unauthorized)));
        assert!(!may_pass(&refused(HResult::ACCESS_DENIED)));
        assert!(!may_pass(&Error::ClearText { server: server() }));
        for hr in [HResult::FILE_NOT_FOUND, HResult::NETWORK_BUSY, HResult::MAX_CLIENTS] {
            assert!(may_pass(&refused(hr)), "{hr}");
        }
        assert!(settled(&refused(HResult::FILE_NOT_FOUND)).is_some());
        assert!(settled(&refused(HResult::NETWORK_BUSY)).is_none());
        assert!(may_pass(&protocol(cut)));
        assert!(may_pass(&Error::Closed { server: server() }));
    }
}
