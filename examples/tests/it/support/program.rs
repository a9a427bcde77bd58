//! Our own programs, run as others run them.

use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use super::cargo;

/// Builds one of the programs, if it is not there yet, and returns where it is.
pub(crate) fn build(name: &str, release: bool) -> PathBuf {
    let artifacts = cargo::artifacts(&["build", "--example", name], release);
    let program = artifacts
        .iter()
        .filter(|artifact| artifact["target"]["name"] == name)
        .find_map(|artifact| artifact["executable"].as_str());
    program.unwrap_or_else(|| panic!("cargo built no {name}")).into()
}

/// A program that is killed when the test ends before it.
#[derive(Debug)]
pub(crate) struct Running(pub(crate) Child);

impl Running {
    pub(crate) fn start(command: &mut Command) -> Self {
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        Self(command.spawn().unwrap())
    }

    /// How it ended, if it does so within this time.
    pub(crate) fn ends_within(&mut self, time: Duration) -> Option<ExitStatus> {
        let end = Instant::now() + time;
        loop {
            match self.0.try_wait().unwrap() {
                Some(status) => return Some(status),
                None if Instant::now() > end => return None,
                None => std::thread::sleep(Duration::from_millis(10)),
            }
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
