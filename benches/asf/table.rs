//! The table: seconds, ratios, and whether they are what they should be.

use std::fmt;
use std::path::Path;

use crate::clock::Timed;
use crate::output::Output;
use crate::{Extent, FULL, Failure};

/// A line of the table.
#[derive(Debug)]
pub(crate) struct Line {
    pub(crate) name: &'static str,
    pub(crate) timed: Timed,
    pub(crate) wanted: Option<Wanted>,
    /// Seconds of a pass, one for each round.
    pub(crate) rounds: Vec<f64>,
}

/// How much a line may cost.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Wanted {
    /// So many times what `cat` costs.
    AtMost(f64),
    /// Less than so much of what another line costs.
    Below(&'static str, f64),
}

impl Line {
    pub(crate) fn new(name: &'static str, timed: Timed, wanted: Option<Wanted>) -> Self {
        Self { name, timed, wanted, rounds: Vec::new() }
    }

    fn median(&self) -> f64 {
        let mut rounds = self.rounds.clone();
        rounds.sort_by(f64::total_cmp);
        rounds.get(rounds.len() / 2).copied().unwrap_or(f64::NAN)
    }
}

impl fmt::Display for Wanted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AtMost(ratio) => write!(f, "at most {ratio:.1}"),
            Self::Below(peer, 1.0) => write!(f, "below {peer}"),
            Self::Below(peer, part) => write!(f, "below {part} of {peer}"),
        }
    }
}

pub(crate) fn print(
    name: &str,
    file: &Path,
    lines: &[Line],
    skipped: &[(&'static str, String)],
    said: &[(&'static str, String)],
) -> Result<(), Failure> {
    let bytes = file.metadata()?.len() as f64;
    let counted = |name: &str| said.iter().find(|(of, _)| *of == name).map_or("", |(_, said)| said);
    let first = |said: &str| said.split(' ').next().unwrap_or_default().to_owned();
    println!(
        "({name}) {}: {:.0} MB, {} packets, {} media objects",
        file.display(),
        bytes / 1e6,
        first(counted("packets, FileReader")),
        first(counted("objects, Assembler")),
    );
    println!();
    println!(
        "                       ms/pass  of cat  least   most  wanted                     held"
    );
    let cat = lines.first().map_or(f64::NAN, Line::median);
    let mut slow = Vec::new();
    for line in lines {
        let seconds = line.median();
        let ratio = seconds / cat;
        let least = line.rounds.iter().copied().fold(f64::INFINITY, f64::min);
        let most = line.rounds.iter().copied().fold(0.0, f64::max);
        let held = line.wanted.and_then(|wanted| match wanted {
            Wanted::AtMost(limit) => Some(ratio <= limit),
            Wanted::Below(peer, part) => {
                let peer = lines.iter().find(|line| line.name == peer)?;
                Some(seconds < part * peer.median())
            }
        });
        if held == Some(false) {
            slow.push(line.name);
        }
        println!(
            "{:<22} {:>7.1} {:>7.2} {:>6.1} {:>6.1}  {:<26} {}",
            line.name,
            seconds * 1e3,
            ratio,
            least * 1e3,
            most * 1e3,
            line.wanted.map(|wanted| wanted.to_string()).unwrap_or_default(),
            held.map_or("", |held| if held { "yes" } else { "no" }),
        );
    }
    for (name, reason) in skipped {
        println!("{name:<22} skipped: {reason}");
    }
    println!();
    if !slow.is_empty() {
        println!("Too slow here and now: {}. A busy machine may be why.", slow.join(", "));
        println!();
    }
    Ok(())
}

/// What the lines are.
pub(crate) fn explain(extent: &Extent, output: Option<&Output>) {
    let Extent { rounds, passes, copies, .. } = extent;
    println!(
        "User and system time of {passes} passes in one process, its start subtracted, median of"
    );
    println!("  {rounds} rounds; least and most are those of the rounds, in ms.");
    println!(
        "packets: each parsed, each payload looked at; by FileReader::packet_into of a BufReader,"
    );
    println!("  or out of StreamParser, which is read into.");
    println!("objects: packets out of StreamParser, their media objects polled and dropped.");
    println!("av_read_frame: the same objects from libavformat, no decoder, nothing probed.");
    println!(
        "repair, cat to a new file, ffmpeg -c copy: over a file of the same size; cat and ffmpeg in"
    );
    println!("  {copies} processes.");
    if let Some(output) = output {
        println!("  {output}");
    }
    if output.is_some_and(|output| !output.has_large_pages()) {
        println!(
            "  In pages of 4 KiB most of their time is what the kernel takes for each page, and cat"
        );
        println!(
            "  alone can be more than half of ffmpeg. To see the programs, mount a tmpfs with"
        );
        println!("  -o huge=always and name it in MMS_BENCH_OUTPUT.");
    }
    if extent.sizes != FULL.sizes {
        println!("This was a test with small files: the figures mean little.");
    }
}
