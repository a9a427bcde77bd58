//! The server, as a process of its own: this program once more.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{self, Command, Stdio};

use mms_proto::mmsp::ClientConfig;

use super::{Options, SwarmError};
use crate::serve::{self, Pace, Serving};

/// A server that ends when this does.
#[derive(Debug)]
pub(super) struct Child {
    process: process::Child,
    address: SocketAddr,
    path: String,
}

impl Child {
    /// Starts to serve a file.
    pub(super) fn start(file: &Path, options: &Options) -> Result<Self, SwarmError> {
        let process = Command::new(std::env::current_exe()?)
            .arg("--serve")
            .arg(file)
            .args(["--sessions", &options.players().to_string()])
            .args(["--listen", &options.listen.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let address = SocketAddr::from(([0, 0, 0, 0], 0));
        // From here on it ends, whatever happens.
        let mut child = Self { process, address, path: String::new() };
        let mut line = String::new();
        if let Some(stdout) = &mut child.process.stdout {
            BufReader::new(stdout).read_line(&mut line)?;
        }
        let url = line.trim_end().strip_prefix("mms://").and_then(|url| url.split_once('/'));
        let Some((address, path)) =
            url.and_then(|(address, path)| Some((address.parse().ok()?, path.to_owned())))
        else {
            return Err(SwarmError::Child(line));
        };
        (child.address, child.path) = (address, path);
        Ok(child)
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    /// A client that asks for the file.
    pub(super) fn client(&self) -> ClientConfig {
        ClientConfig::new(self.address.ip().to_string(), self.path.as_str())
            .port(self.address.port())
            .guid(uuid::Uuid::new_v4())
    }

    /// Bytes of memory that it has at the moment, without what the kernel has for its sockets.
    /// `None` where the operating system does not tell, or when it has ended.
    pub(super) fn memory(&mut self) -> Option<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.process.id())).ok()?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
        let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
        kibibytes.checked_mul(1024)
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        // It has had its time to say goodbye: nobody plays any more.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Serves a file at its own speed until standard input ends. Prints its address.
///
/// # Errors
/// When it cannot be served, or no more connections be accepted.
pub fn serve(file: &Path, options: &Options) -> Result<(), SwarmError> {
    let mut serve = serve::Options::new(file);
    serve.listen = options.listen;
    serve.pace = Pace::BitRate;
    serve.max_players = usize::try_from(options.sessions).unwrap_or(usize::MAX);
    let serving = Serving::start(serve)?;
    let stopper = serving.stopper()?;
    let mut urls = serving.urls()?.join("\n");
    urls.push('\n');
    std::io::stdout().write_all(urls.as_bytes())?;
    std::thread::Builder::new().name("end".to_owned()).spawn(move || {
        // Whoever started it may end without a word.
        let _ = std::io::stdin().read_to_end(&mut Vec::new());
        stopper.stop();
    })?;
    serving.run(|_| {})?;
    Ok(())
}
