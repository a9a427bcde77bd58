//! Ten thousand paced sessions on one core, on a simulated clock.
//!
//! The sessions are driven as a server with one thread drives them: one heap of deadlines, one
//! machine after the other. What is measured is how much of their time goes by in a second of
//! processor time, and what of it is the same on every machine: that every packet goes at its
//! moment, what is allocated, what a session keeps. `cargo bench` prints a table, and fails when
//! anything is not as it should be; as a test the speed does not matter.

#[path = "crowd/cpu.rs"]
mod cpu;
#[path = "crowd/sessions.rs"]
mod sessions;

use std::time::Duration;

use self::cpu::CpuClock;
use self::sessions::{ROUNDED, Sessions};

type Failure = Box<dyn std::error::Error>;

/// Bits per second of each session.
const RATE: u32 = 64_000;

/// How much is done.
#[derive(Debug, Clone, Copy)]
struct Extent {
    sessions: usize,
    time: Duration,
    rounds: usize,
    /// Whether the speed is judged.
    judged: bool,
}

const FULL: Extent =
    Extent { sessions: 10_000, time: Duration::from_secs(60), rounds: 3, judged: true };
/// To see that everything runs.
const SHORT: Extent =
    Extent { sessions: 100, time: Duration::from_secs(60), rounds: 1, judged: false };

/// What one round took.
#[derive(Debug, Clone, Copy)]
struct Round {
    cpu: Duration,
    packets: u64,
    allocations: u64,
    allocated: u64,
    /// Bytes that the sessions keep, all together.
    kept: u64,
    /// The largest distance of a packet from its moment.
    off: Duration,
}

fn main() -> Result<(), Failure> {
    let given = |wanted: &str| std::env::args().any(|argument| argument == wanted);
    // Without cargo's flag this is a test.
    let extent = if given("--bench") && !given("--test") { FULL } else { SHORT };
    let clock = CpuClock::new();
    let mut best: Option<Round> = None;
    for _ in 0..extent.rounds {
        let round = measure(&clock, &extent)?;
        if best.is_none_or(|best| round.cpu < best.cpu) {
            best = Some(round);
        }
    }
    print(&extent, &best.ok_or("no round")?, &clock)
}

/// All sessions from their first byte to the end of the time.
fn measure(clock: &CpuClock, extent: &Extent) -> Result<Round, Failure> {
    let mut sessions = Sessions::new(extent.sessions);
    let begun = clock.now()?;
    let mut opened = Ok(());
    let opening = allocation_counter::measure(|| opened = sessions.open());
    opened?;
    let mut played = Ok(());
    let playing = allocation_counter::measure(|| played = sessions.play(extent.time));
    played?;
    let cpu = clock.now()?.saturating_sub(begun);
    let packets = sessions.finish()?;
    Ok(Round {
        cpu,
        packets,
        allocations: playing.count_total,
        allocated: playing.bytes_total,
        kept: u64::try_from(opening.bytes_current)?,
        off: sessions.off(),
    })
}

/// One line of the table: what it is, how much, how much it may be, and whether it is.
type Line<'a> = (&'a str, String, String, Option<bool>);

fn print(extent: &Extent, round: &Round, clock: &CpuClock) -> Result<(), Failure> {
    let Extent { sessions, time, rounds, judged } = *extent;
    let packets = round.packets as f64;
    let factor = time.as_secs_f64() / round.cpu.as_secs_f64();
    let allocations = round.allocations as f64 / packets;
    let kibibytes = round.kept as f64 / sessions as f64 / 1024.0;
    let lines: [Line<'_>; 6] = [
        (
            "times real time",
            format!("{factor:.1}"),
            "10 at least".to_owned(),
            judged.then_some(factor >= 10.0),
        ),
        (
            "ns a packet",
            format!("{:.0}", round.cpu.as_secs_f64() * 1e9 / packets),
            String::new(),
            None,
        ),
        (
            "a packet is off by",
            format!("{:?}", round.off),
            format!("{ROUNDED:?} at most"),
            Some(round.off <= ROUNDED),
        ),
        // A Ping and its answer every 30 s: that is 168 packets.
        (
            "allocations a packet",
            format!("{allocations:.4}"),
            "0.03 at most".to_owned(),
            Some(allocations <= 0.03),
        ),
        (
            "bytes allocated a packet",
            format!("{:.1}", round.allocated as f64 / packets),
            String::new(),
            None,
        ),
        (
            "KiB a session keeps",
            format!("{kibibytes:.1}"),
            "8 at most".to_owned(),
            Some(kibibytes <= 8.0),
        ),
    ];
    println!(
        "{sessions} sessions at {} kbit/s for {} s of simulated time, best of {rounds} rounds",
        RATE / 1000,
        time.as_secs()
    );
    println!();
    println!("{:<26} {:>10}  {:<14} held", "", "", "wanted");
    let mut missed = Vec::new();
    for (name, value, wanted, held) in lines {
        let said = held.map_or("", |held| if held { "yes" } else { "no" });
        println!("{name:<26} {value:>10}  {wanted:<14} {said}");
        if held == Some(false) {
            missed.push(name);
        }
    }
    println!();
    println!("times real time: seconds of all sessions in a second of {}, with the", clock.name());
    println!(
        "  handshakes, the heap of deadlines and an answer to every Ping; nothing is written."
    );
    println!("a packet is off by: how far from its moment the worst one came.");
    println!("KiB a session keeps: once media flows, of its own; packets and header are shared.");
    println!();
    if missed.is_empty() { Ok(()) } else { Err(format!("missed: {}", missed.join(", ")).into()) }
}
