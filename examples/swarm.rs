//! Measures a server with hundreds of players at once: how late packets are, how much memory a
//! session takes.

use std::io::{ErrorKind, Write as _};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use mms_examples::arguments;
use mms_examples::swarm::{self, Options};

/// How long the player plays in a flood, at most.
const FLOODED: Duration = Duration::from_secs(20);

/// Plays one file with many players at once from one server on this machine, and says how late
/// their packets are and how much memory the server takes for each.
///
/// The file, of 64 kbit/s, is made for the purpose. The server is a process of its own, all players
/// together are this one.
#[derive(Parser)]
#[command(
    name = "swarm",
    after_help = "Exit status: 0 everything is as wanted, 1 something is not, or it failed, 2 wrong usage."
)]
struct Arguments {
    /// Players at a time.
    #[arg(long, value_name = "N", default_value_t = 500, value_parser = clap::value_parser!(u32).range(1..=50_000))]
    sessions: u32,
    /// Seconds of the file.
    #[arg(long, value_name = "S", default_value_t = 60, value_parser = clap::value_parser!(u32).range(1..=3_600))]
    seconds: u32,
    /// Where the server listens; port 0 picks a free one.
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:0")]
    listen: SocketAddr,
    /// The latest that a packet may be, in milliseconds.
    #[arg(long, value_name = "MS", default_value_t = 250)]
    late: u32,
    /// The most memory that the server may take for a session, in KiB.
    #[arg(long, value_name = "KIB", default_value_t = 32)]
    memory: u32,
    /// Instead: one player, for at most 20 s, beside so many connections that seek without end.
    #[arg(long, value_name = "N", num_args = 0..=1, default_missing_value = "300",
          value_parser = clap::value_parser!(u32).range(1..=10_000))]
    flood: Option<u32>,
    /// Be the server: serve this file until standard input ends.
    #[arg(long, value_name = "FILE", hide = true)]
    serve: Option<PathBuf>,
}

fn main() -> ExitCode {
    let arguments: Arguments = arguments::parse();
    let mut options = Options::new();
    options.sessions = arguments.sessions;
    options.time = Duration::from_secs(arguments.seconds.into());
    options.listen = arguments.listen;
    options.late = Duration::from_millis(arguments.late.into());
    options.memory = u64::from(arguments.memory) << 10;
    if let Some(flood) = arguments.flood {
        options.flood = flood;
        options.sessions = 1;
        options.time = options.time.min(FLOODED);
    }
    let result = match arguments.serve {
        Some(file) => swarm::serve(&file, &options).map(|()| true),
        None if options.flood > 0 => swarm::flood(&options).and_then(|reports| {
            print(&format!("{}\n{}", reports[0], reports[1]))?;
            Ok(reports.iter().all(swarm::Report::is_as_wanted))
        }),
        None => swarm::run(&options).and_then(|report| {
            print(&report.to_string())?;
            Ok(report.is_as_wanted())
        }),
    };
    match result {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            // If that cannot be written nobody wants to read it.
            let _ = writeln!(std::io::stderr(), "swarm: {error}");
            ExitCode::FAILURE
        }
    }
}

fn print(text: &str) -> Result<(), swarm::SwarmError> {
    match std::io::stdout().write_all(text.as_bytes()) {
        // A reader that has seen enough, such as `head`, closes the pipe.
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(()),
    }
}
