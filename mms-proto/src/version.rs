//! What the peer is, and the questions that the flow of a session asks about it.
//!
//! Products are recognised here and nowhere else: the state machines ask a question with a name.

use std::fmt;

/// Product and version that a peer announced.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub struct PeerVersion {
    /// Major version; 0 when the peer's text could not be read.
    pub major: u16,
    /// Minor version.
    pub minor: u16,
    /// True for Windows Media Services 4.x acting as a client ("Spooooon!").
    pub media_services_4: bool,
    /// True for FFmpeg's `mmst` protocol, which mpv and mpd use as well.
    pub ffmpeg: bool,
}

/// GUID that FFmpeg's `mmst` protocol writes into each `subscriberName`. Other players draw their
/// own, or have another fixed one (MPlayer).
const FFMPEG_GUID: &str = "{7E667F5D-A661-495E-A512-F55686DDA178}";

impl PeerVersion {
    /// Reads `major.minor` from the beginning of `ServerVersionInfo`.
    #[must_use]
    pub fn of_server(text: &str) -> Self {
        let (major, minor) = major_minor(text);
        Self { major, minor, ..Self::default() }
    }

    /// Reads the client token and the GUID of `subscriberName`. Anything is
    /// accepted.
    #[must_use]
    pub fn of_client(subscriber: &str) -> Self {
        let mut parts = subscriber.split(';').map(str::trim);
        let token = parts.next().unwrap_or_default();
        if let Some(version) = strip_prefix_ignoring_case(token, "NSPlayer/") {
            let (major, minor) = major_minor(version);
            let ffmpeg = parts.next().is_some_and(|guid| guid.eq_ignore_ascii_case(FFMPEG_GUID));
            return Self { major, minor, media_services_4: false, ffmpeg };
        }
        // The grammar of the specification has five o's, its tables four.
        let spoon = token
            .strip_prefix("Sp")
            .and_then(|rest| rest.strip_suffix("n!"))
            .is_some_and(|o| !o.is_empty() && o.bytes().all(|byte| byte == b'o'));
        if spoon {
            return Self { major: 4, media_services_4: true, ..Self::default() };
        }
        Self::default()
    }

    /// Servers of version 9 say in `hr` whether another playlist entry follows, 3.1.5.18.
    pub(crate) fn announces_next_entry(self) -> bool {
        self.major >= 9
    }

    /// Servers of version 9 know the fields of an accelerated start, 3.1.4.2.1.
    pub(crate) fn understands_accel(self) -> bool {
        self.major >= 9
    }

    /// Servers before 3.0 reject the Logging message (T32).
    pub(crate) fn accepts_logging(self) -> bool {
        self.major >= 3
    }

    /// Servers of version 9 may challenge with either scheme, and say which by the first two
    /// bytes of the token; older ones keep to what they announced unless it is BASIC, 3.1.5.8.
    pub(crate) fn token_tells_scheme(self) -> bool {
        self.major >= 9
    }

    /// Players of version 9 take the media of the next playlist entry before they play it; libmms,
    /// which says 7, does not (T11).
    pub(crate) fn takes_entries_unasked(self) -> bool {
        self.major >= 9
    }

    /// WebTV, which says 6, ends with the end of stream, whatever it has to play out (T49).
    pub(crate) fn ends_at_end_of_stream(self) -> bool {
        (1..7).contains(&self.major)
    }

    /// Clients before version 8 understand no challenge but with the scheme that was announced,
    /// 3.2.5.6.
    pub(crate) fn takes_any_scheme(self) -> bool {
        self.major >= 8
    }

    /// Clients before version 7 do not know the message that redirects them.
    pub(crate) fn follows_redirects(self) -> bool {
        self.major >= 7
    }

    /// libmms and VLC, which say 7, know a live stream by the byte with `BROADCAST` in it, and
    /// only if `LIVE` is not in it as well (T20).
    pub(crate) fn tells_live_from_broadcast(self) -> bool {
        self.major >= 9
    }

    /// Players before version 9 may wait until the server closes the connection: MPlayer does
    /// (T45). Later ones may ask for the file again.
    pub(crate) fn waits_for_close(self) -> bool {
        self.major < 9
    }

    /// FFmpeg reads on after the last packet while it decodes sound, where packets are missing, and
    /// live, and waits for ever for one more (T45).
    pub(crate) fn reads_past_last_packet(self) -> bool {
        self.ffmpeg
    }

    /// Windows Media Services 4.x as a client gets every stream without asking, 3.2.5.11.
    pub(crate) fn gets_all_streams_unasked(self) -> bool {
        self.media_services_4
    }
}

impl fmt::Debug for PeerVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

fn strip_prefix_ignoring_case<'a>(text: &'a str, prefix: &str) -> Option<&'a str> {
    let (head, rest) = text.split_at_checked(prefix.len())?;
    head.eq_ignore_ascii_case(prefix).then_some(rest)
}

fn major_minor(text: &str) -> (u16, u16) {
    let mut numbers = text.trim_start().split('.').map(|part| {
        let digits = part.bytes().take_while(u8::is_ascii_digit).count();
        part.get(..digits).unwrap_or_default().parse().unwrap_or(0)
    });
    (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn servers() {
        // MMSP-C-011
        for (text, major, minor) in [
            ("9.01.01.3814", 9, 1),
            ("4.1.0.3920", 4, 1),
            ("2.9", 2, 9),
            ("0.9.75", 0, 9),
            ("", 0, 0),
            ("junk", 0, 0),
            ("99999999.1", 0, 1),
        ] {
            let version = PeerVersion::of_server(text);
            assert_eq!((version.major, version.minor), (major, minor), "{text}");
        }
    }

    #[test]
    fn clients() {
        // MMSP-S-002, MMSP-S-099
        for (text, major, media_services) in [
            ("NSPlayer/9.0.0.2980; {guid}; Host: example", 9, false),
            ("NSPlayer/7.1.0.1956; ", 7, false),
            (
                "NSPlayer/7.0.0.1956; {0xbabac001-0x06a5-0x82a8-0x63c7dabad5ba15da}; Host: h",
                7,
                false,
            ),
            ("nsplayer/4.1", 4, false),
            ("Spooooon!; {guid}", 4, true),
            ("Spoooon!", 4, true),
            ("Spn!", 0, false),
            ("", 0, false),
            ("something else", 0, false),
        ] {
            let version = PeerVersion::of_client(text);
            assert_eq!(
                (version.major, version.media_services_4),
                (major, media_services),
                "{text}"
            );
        }
    }

    #[test]
    fn ffmpeg_by_its_guid_alone() {
        for (text, ffmpeg) in [
            ("NSPlayer/7.0.0.1956; {7E667F5D-A661-495E-A512-F55686DDA178}; Host: 127.0.0.1", true),
            ("NSPlayer/7.0.0.1956;{7e667f5d-a661-495e-a512-f55686dda178}", true),
            // MPlayer, libmms, VLC, and what is said of the host.
            ("NSPlayer/7.0.0.1956; {33715801-BAB3-9D85-24E9-03B90328270A}; Host: 127.0.0.1", false),
            ("NSPlayer/7.0.0.1956; {27DA1253-5DD9-224A-F41C-2EF4FA012EC3}; Host: 127.0.0.1", false),
            ("NSPlayer/7.0.0.1956; {0xbabac001-0xff92-0xf71f-0xb10f0e8c9e6d5053}; Host: h", false),
            ("NSPlayer/7.0.0.1956; {}; Host: {7E667F5D-A661-495E-A512-F55686DDA178}", false),
            ("NSPlayer/7.0.0.1956", false),
            ("", false),
        ] {
            assert_eq!(PeerVersion::of_client(text).ffmpeg, ffmpeg, "{text}");
        }
    }
}
