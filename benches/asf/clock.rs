//! Processor time of other processes.

use std::ffi::{OsStr, OsString};
use std::path::Path;
use std::process::{Command, Stdio};

use crate::Failure;

/// What bash runs: prints user and system time of a program, which `time` knows to a millisecond
/// from getrusage, and passes on what it complains about.
const TIME: &str = r#"TIMEFORMAT='%3U %3S'; { time "$@" >/dev/null 2>&3; } 3>&1"#;

/// A program that does its work as often as its last argument says.
#[derive(Debug)]
pub(crate) struct Timed {
    program: OsString,
    arguments: Vec<OsString>,
    /// The program takes this as its last argument, behind the number of passes.
    output: Option<OsString>,
    passes: Passes,
}

/// How a program is told how often it shall do its work.
#[derive(Debug)]
enum Passes {
    /// By an argument.
    Number(u32),
    /// By other arguments, those for so many passes and those for none.
    Arguments { count: u32, work: Vec<OsString>, start: Vec<OsString> },
}

impl Timed {
    /// A program whose last argument is the number of passes.
    pub(crate) fn new(program: impl AsRef<OsStr>, passes: u32) -> Self {
        let program = program.as_ref().to_owned();
        Self { program, arguments: Vec::new(), output: None, passes: Passes::Number(passes) }
    }

    /// A program that does its work so often with `work`, and nothing but start with `start`.
    pub(crate) fn with(
        program: impl AsRef<OsStr>,
        count: u32,
        work: Vec<OsString>,
        start: Vec<OsString>,
    ) -> Self {
        let passes = Passes::Arguments { count, work, start };
        Self { passes, ..Self::new(program, count) }
    }

    pub(crate) fn argument(mut self, argument: impl AsRef<OsStr>) -> Self {
        self.arguments.push(argument.as_ref().to_owned());
        self
    }

    /// Names the file that is written. It stays, so that everybody who makes it anew empties one of
    /// the same size first; what is started without work writes to another file.
    pub(crate) fn writes(self, file: &Path) -> Self {
        Self { output: Some(file.into()), ..self }
    }

    /// Seconds of one pass, without the start of the program.
    pub(crate) fn measure(&self) -> Result<f64, Failure> {
        let count = match &self.passes {
            Passes::Number(count) | Passes::Arguments { count, .. } => *count,
        };
        let start = self.time(false)?;
        let all = self.time(true)?;
        Ok((all - start).max(0.0) / f64::from(count.max(1)))
    }

    /// What the program prints when it does its work once, or as often as it always does.
    pub(crate) fn said(&self) -> Result<String, Failure> {
        let mut command = Command::new(&self.program);
        command.args(&self.arguments);
        match &self.passes {
            Passes::Number(_) => _ = command.arg("1"),
            // What this prints is the file.
            Passes::Arguments { work, .. } => _ = command.args(work).stdout(Stdio::null()),
        }
        command.args(&self.output).stdin(Stdio::null()).stderr(Stdio::inherit());
        let output = command.output()?;
        if !output.status.success() {
            return Err(format!("{}: {}", Path::new(&self.program).display(), output.status).into());
        }
        Ok(String::from_utf8(output.stdout)?.trim().to_owned())
    }

    /// Seconds of the program with its work or without.
    fn time(&self, with_work: bool) -> Result<f64, Failure> {
        let mut command = Command::new("bash");
        command.args(["-c", TIME, "time"]).arg(&self.program).args(&self.arguments);
        match &self.passes {
            Passes::Number(count) => {
                _ = command.arg(if with_work { *count } else { 0 }.to_string());
            }
            Passes::Arguments { work, start, .. } => {
                _ = command.args(if with_work { work } else { start });
            }
        }
        if let Some(output) = &self.output {
            let mut output = output.clone();
            output.push(if with_work { "" } else { ".start" });
            command.arg(output);
        }
        command.env("LC_ALL", "C").stdin(Stdio::null());
        let output = command.output()?;
        let complaint = String::from_utf8_lossy(&output.stdout);
        if !output.status.success() {
            let program = Path::new(&self.program).display();
            return Err(format!("{program}: {}: {complaint}", output.status).into());
        }
        let times = String::from_utf8(output.stderr)?;
        let mut seconds = 0.0;
        for time in times.split_whitespace() {
            seconds += time.parse::<f64>().map_err(|_| format!("bash says {times:?}"))?;
        }
        Ok(seconds)
    }
}
