//! Prints what is in an ASF file.

use std::io::{self, BufWriter, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Parser;
use mms_examples::arguments;
use mms_examples::files::shown;
use mms_examples::inspect::{InspectError, Report, Seen, open};
use mms_examples::text::{json, pretty_json};

/// Prints what is in a .wmv, .wma or .asf file: objects, streams, packets, indexes, and what is
/// wrong with them.
#[derive(Parser)]
#[command(
    name = "inspect",
    after_help = "Exit status: 0 done, whatever is wrong behind the header; 1 failed; 2 wrong usage."
)]
struct Arguments {
    /// The file; - reads from a pipe.
    file: PathBuf,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
    /// Print every packet, one a line, in front of the rest.
    #[arg(long)]
    packets: bool,
}

fn main() -> ExitCode {
    let arguments: Arguments = arguments::parse();
    let file = &arguments.file;
    let mut out = BufWriter::new(io::stdout().lock());
    let failure =
        inspect(&arguments, &mut out).and_then(|()| out.flush().map_err(InspectError::Unprintable));
    match failure {
        Ok(()) => ExitCode::SUCCESS,
        // A reader that has seen enough, such as `head`, closes the pipe.
        Err(InspectError::Unprintable(error)) if error.kind() == ErrorKind::BrokenPipe => {
            ExitCode::SUCCESS
        }
        Err(error) => {
            if arguments.json && !matches!(error, InspectError::Unprintable(_)) {
                let _ = writeln!(out, "{}", pretty_json(&Report::failed(file, &error)));
                let _ = out.flush();
            }
            // Nobody reads it if it cannot be written.
            let _ = writeln!(io::stderr(), "inspect: {}: {error}", shown(file));
            ExitCode::FAILURE
        }
    }
}

fn inspect(arguments: &Arguments, out: &mut impl Write) -> Result<(), InspectError> {
    let file = &arguments.file;
    let mut printer = Printer { arguments, out, packets: 0 };
    let each = |seen: &Seen<'_>| printer.packet(seen);
    let report = if file == Path::new("-") {
        Report::read(file, io::stdin().lock(), each)
    } else {
        Report::read(file, open(file)?, each)
    }?;
    printer.report(&report).map_err(InspectError::Unprintable)
}

/// Prints packets as they come: there may be many.
struct Printer<'a, W> {
    arguments: &'a Arguments,
    out: W,
    packets: u64,
}

impl<W: Write> Printer<'_, W> {
    fn packet(&mut self, seen: &Seen<'_>) -> io::Result<()> {
        let first = self.packets == 0;
        self.packets = self.packets.saturating_add(1);
        match (self.arguments.packets, self.arguments.json) {
            (false, _) => Ok(()),
            (true, false) => {
                if first {
                    writeln!(self.out, "# {}", Seen::COLUMNS)?;
                }
                writeln!(self.out, "{}", seen.line())
            }
            (true, true) => {
                let between = if first { "{\n  \"packet_list\": [\n" } else { ",\n" };
                write!(self.out, "{between}    {}", json(&seen.json()))
            }
        }
    }

    fn report(&mut self, report: &Report) -> io::Result<()> {
        let Arguments { json, packets, .. } = *self.arguments;
        if !json {
            return self.out.write_all(report.text().as_bytes());
        }
        let object = pretty_json(&report.json()) + "\n";
        if !packets {
            return self.out.write_all(object.as_bytes());
        }
        // The rest of the object that the packets are in.
        let begin = if self.packets == 0 { "{\n  \"packet_list\": [" } else { "" };
        let rest = object.strip_prefix('{').unwrap_or_default();
        write!(self.out, "{begin}\n  ],{rest}")
    }
}
