//! Prints what is in an ASF file.

use std::io::{ErrorKind, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use mms_examples::inspect::Report;

/// Prints header, streams and packet statistics of a .wmv, .wma or .asf file.
#[derive(Parser)]
#[command(name = "inspect", after_help = "Exit status: 0 done, 1 failed, 2 wrong usage.")]
struct Arguments {
    /// The file.
    file: PathBuf,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let file = &arguments.file;
    let (text, failure) = match Report::of(file) {
        Ok(report) if arguments.json => (format!("{:#}\n", report.json()), None),
        Ok(report) => (report.text(), None),
        Err(error) => {
            let object = Report::failed(file, &error);
            let text = if arguments.json { format!("{object:#}\n") } else { String::new() };
            (text, Some(format!("{}: {error}", file.display())))
        }
    };
    let printed = std::io::stdout().write_all(text.as_bytes());
    let failure = failure.or_else(|| match printed {
        // A reader that has seen enough, such as `head`, closes the pipe.
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Some(format!(
            "cannot print what is in {}: {error}; send it somewhere else",
            file.display()
        )),
        _ => None,
    });
    match failure {
        None => ExitCode::SUCCESS,
        Some(line) => {
            // Nobody reads it if it cannot be written.
            let _ = writeln!(std::io::stderr(), "inspect: {line}");
            ExitCode::FAILURE
        }
    }
}
