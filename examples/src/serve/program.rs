//! What the programs `serve` and `relay` do alike: addresses on standard output, lines on standard
//! error, and an end when they are told to.

use std::error::Error;
use std::io::{self, ErrorKind, Write as _};
use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{self, Receiver, SyncSender};
use std::time::Duration;

use super::{Options, Serving};

/// Lines that wait to be written.
const LINES: usize = 4096;
/// How long the last lines may take.
const LAST_LINES: Duration = Duration::from_secs(1);

/// Serves until Ctrl-C, or until there is nothing left to serve.
pub fn run(name: &str, options: Options) -> ExitCode {
    match serve(options) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            say(&format!("{name}: {error}"));
            ExitCode::FAILURE
        }
    }
}

fn serve(options: Options) -> Result<(), Box<dyn Error>> {
    let serving = Serving::start(options)?;
    let stopper = serving.stopper()?;
    // Said again, it ends without the players.
    ctrlc::set_handler(move || stopper.stop())?;
    let mut urls = serving.urls()?.join("\n");
    urls.push('\n');
    match io::stdout().write_all(urls.as_bytes()) {
        // A reader that has seen enough, such as `head`, closes the pipe.
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            return Err(format!("cannot print the addresses: {error}").into());
        }
        _ => {}
    }
    let (lines, done) = Lines::start()?;
    let served = serving.run(move |line| lines.say(line));
    // What nobody reads is not waited for.
    let _ = done.recv_timeout(LAST_LINES);
    Ok(served?)
}

/// A line on standard error; if that cannot be written nobody wants to read it.
pub fn say(line: &str) {
    let _ = writeln!(io::stderr(), "{line}");
}

/// Reads an address to listen on.
///
/// # Errors
/// When it is none.
pub fn address(text: &str) -> Result<SocketAddr, String> {
    text.parse().map_err(|_| "not an address and a port, such as 0.0.0.0:1755".to_owned())
}

/// Reads how many players there may be.
///
/// # Errors
/// When it is no number, or none could play.
pub fn players(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(0) => Err("with 0 nobody could play".to_owned()),
        Ok(number) => Ok(number),
        Err(_) => Err("not a number".to_owned()),
    }
}

/// Lines on their way to standard error. A thread writes them, so that players are served even
/// when nobody reads what is said of them.
struct Lines {
    queue: SyncSender<String>,
    lost: Arc<AtomicU64>,
}

impl Lines {
    /// The second part tells of the end of the last line.
    fn start() -> io::Result<(Self, Receiver<()>)> {
        let (queue, lines) = mpsc::sync_channel::<String>(LINES);
        let (end, done) = mpsc::sync_channel(1);
        let lost = Arc::new(AtomicU64::new(0));
        let missing = Arc::clone(&lost);
        std::thread::Builder::new().name("report".to_owned()).spawn(move || {
            for line in lines {
                say(&line);
                match missing.swap(0, Ordering::Relaxed) {
                    0 => {}
                    count => say(&format!("{count} lines are missing here: nobody read them")),
                }
            }
            let _ = end.send(());
        })?;
        Ok((Self { queue, lost }, done))
    }

    fn say(&self, line: &str) {
        if self.queue.try_send(line.to_owned()).is_err() {
            self.lost.fetch_add(1, Ordering::Relaxed);
        }
    }
}
