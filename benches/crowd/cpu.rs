//! Processor time of this thread.

use std::fs;
use std::time::{Duration, Instant};

use crate::Failure;

/// Nanoseconds on a processor, from Linux; a clock on the wall elsewhere, which counts what other
/// programs do as well.
#[derive(Debug)]
pub(crate) struct CpuClock {
    begun: Instant,
    known: bool,
}

/// Its first number is the time that the scheduler gave to the thread that reads it.
const FILE: &str = "/proc/thread-self/schedstat";

impl CpuClock {
    pub(crate) fn new() -> Self {
        let known = matches!(read(), Ok(time) if !time.is_zero());
        Self { begun: Instant::now(), known }
    }

    pub(crate) fn name(&self) -> &'static str {
        if self.known { "processor time" } else { "time" }
    }

    /// The time from some moment on.
    pub(crate) fn now(&self) -> Result<Duration, Failure> {
        if self.known { read() } else { Ok(self.begun.elapsed()) }
    }
}

fn read() -> Result<Duration, Failure> {
    let text = fs::read_to_string(FILE)?;
    let nanoseconds = text.split_whitespace().next().ok_or("schedstat is empty")?;
    Ok(Duration::from_nanos(nanoseconds.parse()?))
}
