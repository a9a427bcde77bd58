//! A header and what follows it.

use bytes::Bytes;
use mms_asf::{Deviation, Event, Header, guid};
use uuid::Uuid;

use super::counts::Counts;
use super::findings::{Findings, Subject};
use super::indexes::{self, Checker};
use super::repairable::{Check, Repairable};
use super::tree::{Node, tree};

/// So many objects behind the data are told about.
const BEHIND: usize = 256;

/// What one header heads.
#[derive(Debug)]
pub(super) struct Part {
    pub(super) offset: u64,
    pub(super) header: Header,
    /// Where the Data Object starts.
    pub(super) data_offset: u64,
    pub(super) tree: Vec<Node>,
    /// What lies behind the data.
    pub(super) behind: Vec<Node>,
    pub(super) counts: Counts,
    pub(super) findings: Findings,
    /// What `repair` would do with the file that this header starts.
    pub(super) check: Check,
    /// The bytes of a packet that was cut.
    pub(super) leftover: u64,
    /// How many bytes all of it has.
    pub(super) len: u64,
    /// How many packets there were, unreadable ones included.
    packets: u64,
    simple: usize,
}

impl Part {
    pub(super) fn new(offset: u64, header: Header) -> Self {
        let tree = tree(&header, offset);
        let mut findings = Findings::default();
        for deviation in header.deviations() {
            findings.about(Subject::Mended, deviation.to_string());
        }
        for node in tree.iter().flat_map(Node::all).filter(|node| node.content.is_none()) {
            // As the header counts, which may have told of it already.
            let at = node.offset.saturating_sub(offset);
            findings.once(format!("the {} at byte {at} could not be read", node.name()));
        }
        let data_offset = offset.saturating_add(header.len() as u64).saturating_sub(50);
        Self {
            offset,
            data_offset,
            tree,
            behind: Vec::new(),
            counts: Counts::new(&header),
            header,
            findings,
            check: Check::None,
            leftover: 0,
            len: 0,
            packets: 0,
            simple: 0,
        }
    }

    pub(super) fn packet(&mut self, number: u64, bytes: &Bytes) {
        self.packets = self.packets.max(number.saturating_add(1));
        self.counts.packet(number, bytes, &mut self.findings);
    }

    pub(super) fn event(&mut self, event: Event) {
        match event {
            Event::Damage { offset, bytes, cause } => {
                self.findings.damage(offset, bytes.len() as u64, cause);
            }
            Event::Object { id, offset, bytes } => {
                self.finish();
                let checker = Checker {
                    header: &self.header,
                    counts: &self.counts,
                    packets: self.packets,
                    simple: self.simple,
                };
                let described = indexes::describe(&bytes, &checker);
                self.simple = self.simple.saturating_add((id == guid::SIMPLE_INDEX).into());
                let (content, wrong) = described.unzip();
                for line in wrong.unwrap_or_default() {
                    self.findings.about(Subject::Object(offset), line);
                }
                self.object(id, offset, bytes.len() as u64, content);
            }
            Event::Skipped { id, offset, len } => {
                self.object(id, offset, len, Some(vec!["too large to be looked at".to_owned()]));
            }
            Event::Deviation(deviation) => {
                if let Deviation::DataObjectElsewhere { found, .. } = deviation {
                    self.data_offset = found;
                }
                self.findings.about(Subject::Mended, deviation.to_string());
            }
            Event::End { offset, leftover } => {
                self.leftover = leftover.len() as u64;
                if !leftover.is_empty() {
                    let line = format!("{} bytes at byte {offset}: a cut packet", leftover.len());
                    self.findings.about(Subject::Mended, line);
                }
                self.close(offset.saturating_add(self.leftover));
            }
            _ => {}
        }
    }

    /// No packets follow.
    pub(super) fn finish(&mut self) {
        self.counts.finish();
        self.findings.settle();
    }

    /// It ends where the next header starts, or the input does.
    pub(super) fn close(&mut self, end: u64) {
        self.finish();
        self.len = end.saturating_sub(self.offset);
        let (findings, file) = (&mut self.findings, self.header.file());
        if file.file_size != 0 && !file.broadcast() && file.file_size != self.len {
            let (declared, found) = (file.file_size, self.len);
            let line = format!("a size of {declared} bytes is declared, there are {found}");
            findings.about(Subject::Mended, line);
        }
        let sent = &self.counts.sent;
        if sent.backwards > 0 {
            let (times, furthest) = (sent.backwards, sent.furthest);
            findings
                .push(format!("send times run backwards: {times} times, {furthest} ms at most"));
        }
        for (number, counts) in &self.counts.streams {
            if self.header.stream(*number).is_none() {
                findings.push(format!("stream {number} has payloads and is not declared"));
            }
            let shown = &counts.shown;
            if shown.backwards > 0 {
                let (times, furthest) = (shown.backwards, shown.furthest);
                findings.push(format!(
                    "times of stream {number} run backwards: {times} times, {furthest} ms at most"
                ));
            }
            for (why, count) in &counts.incomplete {
                findings.push(format!("incomplete objects of stream {number}: {count}, {why}"));
            }
        }
    }

    /// What `repair` would put right, and what it would not.
    pub(super) fn faults(&self) -> (Vec<Repairable>, Vec<String>) {
        let mut repairable = self.check.repairable(self.len);
        let mut others = Vec::new();
        for (subject, line) in self.findings.lines() {
            match (subject, &self.check) {
                (Subject::Mended, Check::None | Check::Done(_)) => {}
                (Subject::Object(offset), _) => {
                    match repairable.iter_mut().find(|repairable| repairable.is_about(offset)) {
                        // Says more than that the object goes.
                        Some(repairable) => repairable.text = line,
                        None => others.push(line),
                    }
                }
                _ => others.push(line),
            }
        }
        if let Check::Refused(reason) = &self.check {
            others.push(format!("repair can make no file of it: {reason}"));
        }
        (repairable, others)
    }

    fn object(&mut self, id: Uuid, offset: u64, size: u64, content: Option<Vec<String>>) {
        let node = Node { id, offset, size, content, children: Vec::new() };
        if node.content.is_none() {
            let line = format!("the {} at byte {offset} could not be read", node.name());
            self.findings.about(Subject::Object(offset), line);
        }
        if self.behind.len() < BEHIND {
            self.behind.push(node);
        }
    }
}
