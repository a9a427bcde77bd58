//! What an index covers, and whether its entries lead to what they stand for.

use std::time::Duration;

use bytes::Bytes;
use mms_asf::{
    Deviation, Header, Index, IndexKind, IndexObject, IndexSpecifier, SimpleIndex, StreamKind, guid,
};

use super::clock;
use super::counts::Counts;
use super::describe::columns;

/// Steps that may be made to check an index, for each of its bytes: what an entry costs grows with
/// the number of blocks, and both come from the file. Indexes have one block, as a rule; of one that
/// has many not all entries are looked at.
const STEPS: u64 = 8;

/// What is known when an index comes, which is behind the packets.
pub(super) struct Checker<'a> {
    pub(super) header: &'a Header,
    pub(super) counts: &'a Counts,
    /// How many packets there were, unreadable ones included.
    pub(super) packets: u64,
    /// How many Simple Index Objects came before: they do not name their streams.
    pub(super) simple: usize,
}

/// An index in words, and what is wrong with it; `None` when it cannot be read.
pub(super) fn describe(bytes: &Bytes, checker: &Checker<'_>) -> Option<(Vec<String>, Vec<String>)> {
    let what = IndexObject::parse(bytes).ok()?;
    let name = guid::name(what.id()).unwrap_or("index");
    Some(match &what {
        IndexObject::Simple(index) => checker.simple(index, name),
        IndexObject::Index(index) => {
            let content = covered(index.len(), index.interval(), index.specifiers());
            let target = |column, entry| index.target(column, entry);
            let columns = index.specifiers();
            let mut findings = checker.columns(name, columns, index.len(), bytes, target);
            if findings.is_empty() {
                findings = checker.times(name, index);
            }
            (content, findings)
        }
        IndexObject::MediaObject(index) => {
            let last = index.len().saturating_sub(1).saturating_mul(index.interval().into());
            let content = vec![
                format!("{} entries, objects 0 to {last}", index.len()),
                columns(index.specifiers()),
            ];
            let target = |column, entry| index.target(column, entry);
            let columns = index.specifiers();
            (content, checker.columns(name, columns, index.len(), bytes, target))
        }
        IndexObject::Timecode(index) => {
            let mut codes = index.timecodes().map(|(range, code)| format!("{range}/{code:08x}"));
            let first = codes.next().unwrap_or_else(|| "-".to_owned());
            let last = codes.last().unwrap_or_else(|| first.clone());
            let content = vec![
                format!("{} entries, timecodes {first} to {last}", index.len()),
                columns(index.specifiers()),
            ];
            let target = |column, entry| index.target(column, entry);
            let columns = index.specifiers();
            (content, checker.columns(name, columns, index.len(), bytes, target))
        }
        IndexObject::Other { .. } => (Vec::new(), Vec::new()),
        _ => (Vec::new(), Vec::new()),
    })
}

impl Checker<'_> {
    fn simple(&self, index: &SimpleIndex, name: &'static str) -> (Vec<String>, Vec<String>) {
        let videos = self.header.streams().iter().filter(|s| s.kind == StreamKind::Video);
        let mut videos: Vec<_> = videos.map(|stream| stream.number).collect();
        videos.sort_unstable();
        let stream = videos.get(self.simple).copied();
        let whose =
            stream.map_or_else(|| "no stream".to_owned(), |number| format!("stream {number}"));
        let entries = index.len() as u64;
        let mut content = covered(entries, index.interval(), []);
        content.extend((entries > 0).then(|| format!("{whose} key frames")));
        let Some(stream) = stream else { return (content, Vec::new()) };
        let astray = index.entries().filter(|entry| {
            // In front of the first key frame entries are 0.
            entry.packet != 0 && !self.leads(stream, IndexKind::KeyFrame, entry.packet.into())
        });
        let mut astray = astray.count() as u64;
        if let Some(counts) = self.counts.streams.get(&stream).filter(|c| c.remembers_all_keys()) {
            astray = counts.key_frames_shown.led_astray(index);
        }
        (content, stale(name, stream, astray, entries))
    }

    /// Whether an index that leads to key frames leads to those of its times.
    fn times(&self, name: &'static str, index: &Index) -> Vec<String> {
        let size = self.header.file().packet_size;
        let streams = self.counts.streams.iter().filter(|(_, counts)| counts.remembers_all_keys());
        let videos = streams.filter(|(number, _)| {
            self.header.stream(**number).is_some_and(|stream| stream.kind == StreamKind::Video)
        });
        videos
            .flat_map(|(&number, counts)| {
                let astray = counts.key_frames_shown.led_astray_by(index, number, size);
                stale(name, number, astray, index.len())
            })
            .collect()
    }

    fn columns(
        &self,
        name: &'static str,
        specifiers: impl Iterator<Item = IndexSpecifier>,
        entries: u64,
        bytes: &[u8],
        target: impl Fn(usize, u64) -> Option<u64>,
    ) -> Vec<String> {
        let specifiers: Vec<_> = specifiers.collect();
        let cost = blocks(bytes).saturating_add(1).saturating_mul(specifiers.len().max(1) as u64);
        let steps = STEPS.saturating_mul(bytes.len() as u64);
        let checked = steps.checked_div(cost).unwrap_or(0).clamp(1, entries.max(1));
        let step = entries.div_ceil(checked).max(1);
        let size = u64::from(self.header.file().packet_size).max(1);
        let mut findings = Vec::new();
        for (column, specifier) in specifiers.iter().enumerate().take(STREAMS) {
            let Ok(stream) = u8::try_from(specifier.stream) else { continue };
            let (mut seen, mut astray) = (0_u64, 0_u64);
            let mut entry = 0;
            while entry < entries {
                if let Some(target) = target(column, entry) {
                    seen = seen.saturating_add(1);
                    let good = target % size == 0
                        && (target == 0 || self.leads(stream, specifier.kind, target / size));
                    astray = astray.saturating_add((!good).into());
                }
                entry = entry.saturating_add(step);
            }
            findings.extend(stale(name, stream, astray, seen));
        }
        findings
    }

    /// Whether a packet holds what an index has it for.
    fn leads(&self, stream: u8, kind: IndexKind, packet: u64) -> bool {
        let Some(counts) = self.counts.streams.get(&stream) else { return false };
        let places = match kind {
            IndexKind::MediaObject => &counts.starts,
            IndexKind::KeyFrame => &counts.keys,
            _ => return packet < self.packets,
        };
        packet < self.packets && !places.is_empty() && places.contains(packet).unwrap_or(true)
    }
}

/// Columns that are checked; a file has 127 streams and three kinds for each.
const STREAMS: usize = 512;

fn covered(
    entries: u64,
    interval: Duration,
    specifiers: impl IntoIterator<Item = IndexSpecifier>,
) -> Vec<String> {
    if entries == 0 {
        return vec!["no entries".to_owned()];
    }
    let last = interval.checked_mul(u32::try_from(entries.saturating_sub(1)).unwrap_or(u32::MAX));
    let mut content = vec![format!(
        "{entries} entries, one for {} s, {} to {}",
        interval.as_secs_f64(),
        clock(Duration::ZERO),
        clock(last.unwrap_or(Duration::MAX))
    )];
    content.extend(Some(columns(specifiers)).filter(|columns| !columns.is_empty()));
    content
}

fn stale(what: &'static str, stream: u8, astray: u64, entries: u64) -> Vec<String> {
    let deviation = Deviation::StaleIndex { what, stream };
    let line = (astray > 0).then(|| format!("{deviation}: {astray} of {entries} entries"));
    line.into_iter().collect()
}

/// How many blocks an index of several columns has: they all start alike.
fn blocks(bytes: &[u8]) -> u64 {
    let count = bytes.get(30..).unwrap_or_default().first_chunk();
    count.map_or(0, |count| u32::from_le_bytes(*count).into())
}
