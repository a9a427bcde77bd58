//! The programs as a user runs them.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::{Mutex, PoisonError};

use crate::support::cargo;

static BUILT: Mutex<Option<HashMap<&str, PathBuf>>> = Mutex::new(None);

/// Where a program is. It is built if need be: Cargo does that only when all tests are run.
fn built(program: &'static str) -> PathBuf {
    let mut built = BUILT.lock().unwrap_or_else(PoisonError::into_inner);
    let built = built.get_or_insert_default();
    built.entry(program).or_insert_with(|| build(program)).clone()
}

fn build(program: &str) -> PathBuf {
    let artifacts = cargo::artifacts(&["build", "--example", program], !cfg!(debug_assertions));
    let ours = artifacts.iter().find(|artifact| artifact["target"]["name"] == program);
    ours.and_then(|artifact| artifact["executable"].as_str()).unwrap().into()
}

/// A program to be started in this folder, with nothing to read.
pub(crate) fn program<A: AsRef<OsStr>>(
    name: &'static str,
    folder: &Path,
    arguments: impl IntoIterator<Item = A>,
) -> Command {
    let mut command = Command::new(built(name));
    command.current_dir(folder).args(arguments);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// How a program ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) status: Option<i32>,
    pub(crate) stdout: Vec<u8>,
    pub(crate) stderr: String,
}

impl From<Output> for Ended {
    fn from(output: Output) -> Self {
        Self {
            status: output.status.code(),
            stdout: output.stdout,
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

impl Ended {
    /// It did what it was asked to do, without complaint.
    #[track_caller]
    pub(crate) fn done(self) -> String {
        let text = String::from_utf8_lossy(&self.stdout).into_owned();
        assert_eq!((self.status, self.stderr.as_str()), (Some(0), ""), "{text}");
        text
    }

    /// It failed and said why in one line.
    #[track_caller]
    pub(crate) fn failed(&self) -> &str {
        assert_eq!(self.status, Some(1), "{self:?}");
        let line = self.stderr.strip_suffix('\n').unwrap();
        assert!(!line.is_empty() && !line.contains(char::is_control), "{self:?}");
        line
    }
}

/// Runs a program to its end.
pub(crate) fn run<A: AsRef<OsStr>>(
    name: &'static str,
    folder: &Path,
    arguments: impl IntoIterator<Item = A>,
) -> Ended {
    program(name, folder, arguments).output().unwrap().into()
}
