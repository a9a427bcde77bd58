//! What the programs `serve` and `relay` do alike: addresses on standard output, lines on standard
//! error, and an end when they are told to.

use std::error::Error;
use std::io::{self, ErrorKind, Write as _};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, ToSocketAddrs as _};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{self, Receiver, SyncSender};
use std::time::{Duration, SystemTime};

use humantime::format_rfc3339_seconds;
use mms_client::url::DEFAULT_PORT;

use super::{Options, Serving, descriptors};

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

fn serve(mut options: Options) -> Result<(), Box<dyn Error>> {
    options.notes.extend(descriptors::raise(options.max_players));
    let json = options.json_log;
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
    // An object has its time in it.
    let served = serving.run(move |line| match json {
        true => lines.say(line.to_owned()),
        false => lines.say(format!("{} {line}", format_rfc3339_seconds(SystemTime::now()))),
    });
    // What nobody reads is not waited for.
    let _ = done.recv_timeout(LAST_LINES);
    Ok(served?)
}

/// A line on standard error; if that cannot be written nobody wants to read it.
pub fn say(line: &str) {
    let _ = writeln!(io::stderr(), "{line}");
}

/// Reads an address to listen on: `HOST:PORT`, a host name or an address alone, which has the port
/// 1755, or a port alone, which is one of this machine for itself.
///
/// # Errors
/// When it is none, or the host name is not known.
pub fn address(text: &str) -> Result<SocketAddr, String> {
    let port = text.strip_prefix(':').unwrap_or(text).parse::<u16>();
    if let Ok(port) = port {
        return Ok((Ipv4Addr::LOCALHOST, port).into());
    }
    if text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err("ports are from 0 to 65535".to_owned());
    }
    let alone = text.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    if let Ok(address) = alone {
        return Ok((address, DEFAULT_PORT).into());
    }
    if let Ok(address) = text.parse() {
        return Ok(address);
    }
    let wrong = "write HOST:PORT, a host or a port, such as 0.0.0.0:1755";
    let (host, port) = match text.rsplit_once(':') {
        Some((host, port)) => (host, port.parse().map_err(|_| wrong)?),
        None => (text, DEFAULT_PORT),
    };
    let addresses = (host, port).to_socket_addrs().map_err(|error| format!("{error}; {wrong}"))?;
    // Old players know no other.
    let mut addresses: Vec<SocketAddr> = addresses.collect();
    addresses.sort_by_key(|address| !address.is_ipv4());
    addresses.first().copied().ok_or_else(|| wrong.to_owned())
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

    fn say(&self, line: String) {
        if self.queue.try_send(line).is_err() {
            self.lost.fetch_add(1, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn addresses_to_listen_on() {
        for (text, address) in [
            ("0.0.0.0:1800", "0.0.0.0:1800"),
            ("[::1]:1800", "[::1]:1800"),
            ("1800", "127.0.0.1:1800"),
            (":0", "127.0.0.1:0"),
            ("10.0.0.7", "10.0.0.7:1755"),
            ("::", "[::]:1755"),
            ("[::1]", "[::1]:1755"),
            ("localhost:1800", "127.0.0.1:1800"),
            ("localhost", "127.0.0.1:1755"),
        ] {
            assert_eq!(super::address(text), Ok(address.parse().unwrap()), "{text}");
        }
        for text in ["", ":", "70000", "localhost:", "localhost:x", "no.such.host.invalid", "a b"] {
            assert!(super::address(text).is_err(), "{text}");
        }
    }
}
