//! One line for each session that begins to play something and for each that is over: for people,
//! or as JSON.

use std::fmt;
use std::net::SocketAddr;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use mms_proto::{ClientLog, PeerVersion, Transport};
use serde_json::{Value, json};

use super::network::Network;

/// Characters of a name or product in a line; a player may send 64 KiB.
const SHOWN: usize = 300;

/// Where lines go, and in which form.
pub(super) struct Report {
    say: Box<dyn Fn(&str) + Send + Sync>,
    json: bool,
}

/// Who a line is about.
#[derive(Debug)]
pub(super) struct Who {
    address: SocketAddr,
    /// What the player calls itself, up to the first semicolon.
    product: String,
    version: PeerVersion,
    user: Option<String>,
}

/// How a session went.
#[derive(Debug, Default)]
pub(super) struct Outcome {
    /// What was asked for last, if anything.
    pub(super) file: Option<String>,
    /// Why that was refused.
    pub(super) refused: Option<String>,
    pub(super) packets: u64,
    pub(super) bytes: u64,
    /// Live packets that it was too slow for.
    pub(super) dropped: u64,
    /// Live packets that cannot be decoded, for they come before a key frame.
    pub(super) undecodable: u64,
    pub(super) deviations: u64,
    pub(super) time: Duration,
    /// What went wrong.
    pub(super) error: Option<String>,
}

impl Who {
    pub(super) fn new(address: SocketAddr) -> Self {
        Self { address, product: String::new(), version: PeerVersion::default(), user: None }
    }

    /// What it is taken for where connections are counted.
    pub(super) fn network(&self) -> Network {
        Network::of(self.address.ip())
    }

    /// The player has said who it is.
    pub(super) fn is(&mut self, subscriber: &str, version: PeerVersion) {
        self.product = shortened(subscriber.split(';').next().unwrap_or_default().trim());
        self.version = version;
    }

    /// The player has shown whose it is.
    pub(super) fn is_user(&mut self, name: &str) {
        self.user = Some(shortened(name));
    }

    fn json(&self, event: &str) -> Value {
        json!({
            "event": event,
            "time_ms": milliseconds(SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()),
            "address": self.address.to_string(),
            "product": self.product,
            "version": format!("{:?}", self.version),
            "user": self.user,
        })
    }
}

impl fmt::Display for Who {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.address)?;
        if !self.product.is_empty() {
            write!(f, " ({})", self.product.escape_debug())?;
        }
        if let Some(user) = &self.user {
            write!(f, " {user:?}")?;
        }
        Ok(())
    }
}

impl Report {
    pub(super) fn new(json: bool, say: impl Fn(&str) + Send + Sync + 'static) -> Self {
        Self { say: Box::new(say), json }
    }

    /// A player may have the file it asked for.
    pub(super) fn opened(&self, who: &Who, file: &str) {
        let text = || format!("{who} opened {file:?}");
        self.line(text, || with(who.json("opened"), json!({ "file": file })));
    }

    /// A session is over.
    pub(super) fn left(&self, who: &Who, outcome: &Outcome) {
        self.line(
            || format!("{who} left after {:.1} s: {outcome}", outcome.time.as_secs_f64()),
            || with(who.json("left"), outcome.json()),
        );
    }

    /// A player says how it liked what it played.
    pub(super) fn log(&self, who: &Who, file: &str, log: &ClientLog) {
        let text = || {
            format!(
                "{who} reports {file:?}: played {:.1} s, {} packets received, {} lost, quality {} %",
                log.playback.played.as_secs_f64(),
                log.reception.packets_received,
                log.reception.packets_lost.saturating_add(log.reception.packets_lost_in_client),
                log.reception.quality,
            )
        };
        self.line(text, || with(who.json("log"), with(json!({ "file": file }), log_json(log))));
    }

    /// A connection was closed before anything was said.
    pub(super) fn turned_away(&self, address: SocketAddr, why: &str) {
        let text = || format!("{address} turned away: {why}");
        self.line(text, || with(Who::new(address).json("turned_away"), json!({ "error": why })));
    }

    /// Something that concerns all players.
    pub(super) fn trouble(&self, what: &str) {
        self.line(|| what.to_owned(), || json!({ "event": "trouble", "error": what }));
    }

    fn line(&self, text: impl FnOnce() -> String, json: impl FnOnce() -> Value) {
        if self.json {
            (self.say)(&crate::text::json(&json()));
        } else {
            // Names are escaped; a reason may quote what somebody sent.
            (self.say)(&crate::text::one_line(&text(), ' '));
        }
    }
}

impl fmt::Debug for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Report").field("json", &self.json).finish_non_exhaustive()
    }
}

impl Outcome {
    fn json(&self) -> Value {
        json!({
            "file": self.file,
            "refused": self.refused,
            "packets": self.packets,
            "bytes": self.bytes,
            "packets_dropped": self.dropped,
            "packets_before_key_frame": self.undecodable,
            "deviations": self.deviations,
            "seconds": self.time.as_secs_f64(),
            "error": self.error,
        })
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.file, &self.refused) {
            (Some(file), Some(why)) => write!(f, "{file:?} refused: {why}")?,
            (None, Some(why)) => write!(f, "refused: {why}")?,
            (Some(file), None) => {
                write!(f, "{file:?} {} packets, {} bytes", self.packets, self.bytes)?;
            }
            (None, None) => f.write_str("asked for nothing")?,
        }
        if let Some(error) = &self.error {
            write!(f, "; {error}")?;
        }
        if self.undecodable > 0 {
            write!(f, "; {} packets left out before a key frame", self.undecodable)?;
        }
        if self.dropped > 0 {
            write!(f, "; {} packets dropped, it was too slow", self.dropped)?;
        }
        if self.deviations > 0 {
            write!(f, "; {} deviations tolerated", self.deviations)?;
        }
        Ok(())
    }
}

/// At most [`SHOWN`] characters of a text.
pub(super) fn shortened(text: &str) -> String {
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}

fn milliseconds(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

fn log_json(log: &ClientLog) -> Value {
    json!({
        "url": shortened(&log.playback.url),
        "user_agent": shortened(&log.client.user_agent),
        "program": shortened(&log.client.program),
        "os": shortened(&log.client.os),
        "cpu": shortened(&log.client.cpu),
        "language": shortened(&log.client.language),
        "udp": log.reception.transport == Transport::Udp,
        "audio_codec": shortened(&log.playback.audio_codec),
        "video_codec": shortened(&log.playback.video_codec),
        "start_ms": milliseconds(log.playback.start_time),
        "played_ms": milliseconds(log.playback.played),
        "rate": log.playback.rate,
        "buffering_count": log.playback.buffering_count,
        "buffering_ms": milliseconds(log.playback.buffering_time),
        "bandwidth": log.reception.bandwidth,
        "packets_received": log.reception.packets_received,
        "packets_lost_client": log.reception.packets_lost_in_client,
        "packets_lost_network": log.reception.packets_lost,
        "packets_recovered": log.reception.packets_recovered,
        "bytes_received": log.reception.bytes_received,
        "quality": log.reception.quality,
    })
}

/// Both objects in one.
fn with(mut object: Value, more: Value) -> Value {
    if let (Value::Object(object), Value::Object(more)) = (&mut object, more) {
        object.extend(more);
    }
    object
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;

    fn said(json: bool, what: impl FnOnce(&Report, &Who)) -> String {
        let lines = Arc::new(Mutex::new(Vec::new()));
        let sink = Arc::clone(&lines);
        let report = Report::new(json, move |line| sink.lock().unwrap().push(line.to_owned()));
        let mut who = Who::new(([127, 0, 0, 1], 4000).into());
        let subscriber = "NSPlayer/9.0.0.2980; {guid}";
        who.is(subscriber, PeerVersion::of_client(subscriber));
        what(&report, &who);
        let lines = lines.lock().unwrap();
        assert_eq!(lines.len(), 1, "{lines:?}");
        lines[0].clone()
    }

    fn outcome() -> Outcome {
        Outcome {
            file: Some("a\u{202E}b\r\n\"c\".wmv".to_owned()),
            packets: 3,
            bytes: 4_320,
            time: Duration::from_millis(6_040),
            error: Some("a reason\nin two lines".to_owned()),
            ..Outcome::default()
        }
    }

    #[test]
    fn a_name_cannot_forge_a_line() {
        let line = said(false, |report, who| report.left(who, &outcome()));
        assert_eq!(
            line,
            "127.0.0.1:4000 (NSPlayer/9.0.0.2980) left after 6.0 s: \
             \"a\\u{202e}b\\r\\n\\\"c\\\".wmv\" 3 packets, 4320 bytes; a reason in two lines"
        );
        let line = said(true, |report, who| report.left(who, &outcome()));
        assert!(!line.contains(['\r', '\n']), "{line}");
        let value: Value = serde_json::from_str(&line).unwrap();
        assert_eq!(value["file"], outcome().file.unwrap());
        assert_eq!(value["event"], "left");
        assert_eq!(value["address"], "127.0.0.1:4000");
        assert_eq!(
            (&value["product"], &value["version"]),
            (&"NSPlayer/9.0.0.2980".into(), &"9.0".into())
        );
        assert_eq!((&value["packets"], &value["bytes"]), (&3.into(), &4_320.into()));
        assert_eq!((&value["seconds"], &value["refused"]), (&6.04.into(), &Value::Null));
    }

    #[test]
    fn a_long_name_is_cut() {
        assert_eq!(shortened("short"), "short");
        let long = shortened(&"ä".repeat(40_000));
        assert_eq!(long.chars().count(), SHOWN + 1);
    }

    #[test]
    fn a_log_of_a_player_is_an_event() {
        let mut log = ClientLog::default();
        log.reception.packets_lost = 2;
        log.playback.url = "mms://h/a.wmv".to_owned();
        log.playback.played = Duration::from_secs(5);
        log.reception.packets_lost_in_client = 1;
        let line = said(false, |report, who| report.log(who, "a%20b.wmv", &log));
        assert!(line.contains("reports \"a%20b.wmv\": played 5.0 s"), "{line}");
        assert!(line.contains("3 lost"), "{line}");
        let value: Value =
            serde_json::from_str(&said(true, |report, who| report.log(who, "a%20b.wmv", &log)))
                .unwrap();
        assert_eq!((&value["event"], &value["played_ms"]), (&"log".into(), &5_000.into()));
    }

    #[test]
    fn what_a_player_reports_is_bounded_and_escaped() {
        let long = "\u{85}\u{202E}\r\n\"\u{e9}".repeat(10_000);
        let mut log = ClientLog::default();
        for field in [
            &mut log.client.os,
            &mut log.client.cpu,
            &mut log.playback.url,
            &mut log.client.user_agent,
            &mut log.client.program,
            &mut log.client.language,
            &mut log.playback.audio_codec,
            &mut log.playback.video_codec,
        ] {
            *field = long.clone();
        }
        for json in [false, true] {
            let line = said(json, |report, who| report.log(who, "a%20b.wmv", &log));
            assert!(line.len() < 30_000, "{}", line.len());
            assert!(!line.contains(crate::text::is_control), "{line}");
        }
    }
}
