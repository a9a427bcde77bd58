//! How programs that write a file end: at a signal, and with what they print.

use std::io::{self, ErrorKind, Write as _};
use std::process::ExitCode;

use mms_client::Cancel;

use crate::standard::print;

/// What Ctrl-C cancels.
#[must_use]
pub fn cancelled_by_signals(program: &str) -> Cancel {
    let cancel = Cancel::new();
    let handle = cancel.clone();
    let name = program.to_owned();
    let signalled = move || {
        if handle.is_cancelled() {
            // A reader that stands still may hold up the end; the next run removes what is left.
            say(&name, "stopped at once");
            std::process::exit(1);
        }
        handle.cancel();
    };
    if let Err(error) = ctrlc::set_handler(signalled) {
        say(program, &format!("Ctrl-C will leave an unfinished file behind: {error}"));
    }
    cancel
}

/// Prints the report and says what failed, if anything has. `done` are the words for what was done
/// although it cannot be printed. The report goes where the media does not.
#[must_use]
pub fn end(
    program: &str,
    report: &str,
    failure: Option<String>,
    done: &str,
    media_to_stdout: bool,
) -> ExitCode {
    let printed = print(report, media_to_stdout);
    let failure = failure.or_else(|| match printed {
        // A reader that has seen enough, such as `head`, closes the pipe.
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            Some(format!("{done} cannot be printed: {error}; send it somewhere else"))
        }
        _ => None,
    });
    match failure {
        None => ExitCode::SUCCESS,
        Some(line) => {
            say(program, &line);
            ExitCode::FAILURE
        }
    }
}

/// A line on standard error; if that cannot be written nobody wants to read it.
pub(crate) fn say(program: &str, line: &str) {
    let _ = writeln!(io::stderr(), "{program}: {line}");
}
