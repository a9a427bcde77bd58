//! What is wrong, as many lines of it as somebody reads.

use mms_asf::Cause;

/// So many lines are kept; a file may have as many faults as bytes.
const LINES: usize = 200;

#[derive(Debug, Default)]
pub(super) struct Findings {
    lines: Vec<(Subject, String)>,
    /// How many more there were.
    more: u64,
    /// Damage that the next piece may continue.
    open: Option<Damage>,
    /// How many bytes could not be understood.
    pub(super) damaged_bytes: u64,
    /// How many packets could not be read where one should lie.
    pub(super) damaged_packets: u64,
}

/// The part of a file that a finding is about, as far as `repair` goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Subject {
    /// Something that a repaired file does not have: `repair` names it.
    Mended,
    /// The object after the packets at this offset, which `repair` may leave out.
    Object(u64),
    /// Something that stays as it is.
    Other,
}

#[derive(Debug)]
struct Damage {
    offset: u64,
    len: u64,
    cause: Cause,
}

impl Findings {
    pub(super) fn push(&mut self, line: String) {
        self.about(Subject::Other, line);
    }

    pub(super) fn about(&mut self, subject: Subject, line: String) {
        self.settle();
        self.add(subject, line);
    }

    /// A line that may be there already.
    pub(super) fn once(&mut self, line: String) {
        if !self.lines.iter().any(|(_, there)| *there == line) {
            self.push(line);
        }
    }

    /// Bytes that could not be understood. Pieces of one damage make one line.
    pub(super) fn damage(&mut self, offset: u64, len: u64, cause: Cause) {
        self.damaged_bytes = self.damaged_bytes.saturating_add(len);
        let packet = matches!(cause, Cause::Packet(_));
        self.damaged_packets = self.damaged_packets.saturating_add(packet.into());
        match &mut self.open {
            Some(open) if open.cause == cause && open.offset.saturating_add(open.len) == offset => {
                open.len = open.len.saturating_add(len);
            }
            _ => {
                self.settle();
                self.open = Some(Damage { offset, len, cause });
            }
        }
    }

    /// Makes a line of the last damage.
    pub(super) fn settle(&mut self) {
        if let Some(Damage { offset, len, cause }) = self.open.take() {
            self.add(Subject::Mended, format!("{len} bytes at byte {offset}: {cause}"));
        }
    }

    fn add(&mut self, subject: Subject, line: String) {
        if self.lines.len() < LINES {
            self.lines.push((subject, line));
        } else {
            self.more = self.more.saturating_add(1);
        }
    }

    /// All lines, and one that tells how many were left out.
    pub(super) fn lines(&self) -> impl Iterator<Item = (Subject, String)> + '_ {
        let more = (self.more > 0).then(|| (Subject::Other, format!("and {} more", self.more)));
        self.lines.iter().cloned().chain(more)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_of_one_damage_are_one_line() {
        let mut findings = Findings::default();
        findings.damage(100, 50, Cause::Lost);
        findings.damage(150, 10, Cause::Lost);
        findings.damage(170, 10, Cause::Lost);
        findings.damage(180, 20, Cause::Partial);
        findings.push("a line".to_owned());
        findings.once("a line".to_owned());
        let lines: Vec<_> = findings.lines().collect();
        assert_eq!(lines.len(), 4, "{lines:?}");
        assert!(lines[0].1.starts_with("60 bytes at byte 100: "), "{lines:?}");
        assert_eq!((findings.damaged_bytes, findings.damaged_packets), (90, 0));
    }

    #[test]
    fn lines_are_not_kept_without_end() {
        let mut findings = Findings::default();
        (0..LINES + 3).for_each(|number| findings.push(number.to_string()));
        assert_eq!(findings.lines().count(), LINES + 1);
        assert_eq!(findings.lines().last().unwrap().1, "and 3 more");
    }
}
