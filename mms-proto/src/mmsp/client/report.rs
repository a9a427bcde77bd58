//! Reports to the server about what was played, MS-MMSP 3.1.5.18 and 2.2.1.1.

use std::time::Duration;

use super::state::{File, Play};
use super::{Client, ClientConfig};
use crate::client_log::Transport;
use crate::content::known_count;
use crate::features::Features;
use crate::mmsp::message::{ClientLog, LogVersion, Logging};
use crate::request::Rate;

impl Client {
    /// Sends the report about a play command that has ended or was stopped, unless the server
    /// would not understand it or the application does not want it.
    pub(super) fn report(&mut self, file: &File, play: &Play) {
        if !self.session.server.accepts_logging() {
            return;
        }
        if let Some(template) = self.config.session.log.clone() {
            let log = self.fill(template, file, play);
            self.send(Logging { open_file_id: file.opened.open_file_id, log });
        }
    }

    fn fill(&self, mut log: Box<ClientLog>, file: &File, play: &Play) -> Box<ClientLog> {
        let (stats, opened) = (self.core.stats, &file.opened);
        let elapsed = self.core.now().saturating_duration_since(play.since);
        let bytes = stats.bytes.saturating_sub(play.before.bytes);
        let ClientLog { client, playback, reception, .. } = &mut *log;
        reception.transport = Transport::Tcp;
        default_text(&mut playback.url, || url(&self.config));
        default_text(&mut client.user_agent, || self.config.session.player.clone());
        default_text(&mut client.guid, || {
            self.config.session.guid.braced().to_string().to_ascii_uppercase()
        });
        if client.client_version == LogVersion::default() {
            client.client_version = version(&self.config.session.player);
        }
        if Features::from(opened.attributes).is_live() {
            playback.file_duration = Duration::ZERO;
            playback.file_size = 0;
            playback.start_time = Duration::ZERO;
        } else {
            playback.start_time = play.from.unwrap_or(playback.start_time);
            playback.file_duration = opened.duration;
            playback.file_size = known_count(opened.packet_count)
                .unwrap_or(0)
                .saturating_mul(opened.packet_size.into())
                .saturating_add(opened.header_size.into());
        }
        playback.played = self.played(file).unwrap_or(elapsed);
        playback.rate = whole(play.rate);
        let milliseconds = u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX).max(1);
        let bandwidth = bytes.saturating_mul(8000) / milliseconds;
        reception.bandwidth = u32::try_from(bandwidth).unwrap_or(u32::MAX);
        reception.bytes_received = bytes;
        let packets = stats.packets.saturating_sub(play.before.packets);
        reception.packets_received = u32::try_from(packets).unwrap_or(u32::MAX);
        // Over TCP nothing is lost on the way, only in the client.
        let lost = self.session.arrivals.rejected();
        reception.packets_lost_in_client = u32::try_from(lost).unwrap_or(u32::MAX);
        reception.quality = self.session.arrivals.quality();
        log
    }

    /// How much media was played, in the time of the content: what the application says, or the
    /// part of the file that its packets are. `None` where neither is known.
    fn played(&self, file: &File) -> Option<Duration> {
        let arrivals = &self.session.arrivals;
        if arrivals.played.is_some() {
            return arrivals.played;
        }
        let (count, duration) = (file.announced_packets()?, file.opened.duration);
        if duration.is_zero() {
            return None;
        }
        let part = u128::from(arrivals.span().unwrap_or(0).min(count));
        let nanoseconds = duration.as_nanos().saturating_mul(part).checked_div(count.into())?;
        let played = u64::try_from(nanoseconds / 1_000_000).ok()?;
        Some(Duration::from_millis(played))
    }
}

fn default_text(field: &mut String, value: impl FnOnce() -> String) {
    if field.is_empty() {
        *field = value();
    }
}

/// The nearest whole speed, never 0.
fn whole(rate: Rate) -> i16 {
    let distance = |speed: &i16| (f64::from(*speed) - rate.get()).abs();
    let speeds = (-5..=5).filter(|&speed| speed != 0 && (speed > 0) == (rate.get() > 0.0));
    speeds.min_by(|a, b| distance(a).total_cmp(&distance(b))).unwrap_or(1)
}

fn url(config: &ClientConfig) -> String {
    // Never with the query: it may hold a token.
    let path = config.session.path.split('?').next().unwrap_or_default();
    let host = if config.session.host.contains(':') {
        format!("[{}]", config.session.host)
    } else {
        config.session.host.clone()
    };
    let port = config.session.port.map_or_else(String::new, |port| format!(":{port}"));
    format!("mms://{host}{port}/{path}")
}

/// The version behind the slash of `NSPlayer/9.0.0.2980`.
fn version(player: &str) -> LogVersion {
    let text = player.split('/').nth(1).unwrap_or_default();
    let mut parts = text.split('.').map(|part| part.parse().unwrap_or(0));
    LogVersion(std::array::from_fn(|_| parts.next().unwrap_or(0)))
}
