//! Makes a truncated, live-captured or index-less file whole.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Parser;
use clap::error::ErrorKind;
use mms_examples::arguments;
use mms_examples::files::input_name;
use mms_examples::outcome::{cancelled_by_signals, end};
use mms_examples::repair::{Options, Output, Report, repair};
use mms_examples::standard::is_stdout;
use mms_examples::text::pretty_json;

/// Makes a .wmv, .wma or .asf file whole that was cut, damaged, captured live or has no index.
///
/// Durations and sizes become right, players can seek, and a capture from the middle of a stream
/// starts at zero. The media stays as it is. Ctrl-C leaves everything as it was.
#[derive(Parser)]
#[command(name = "repair", after_help = "Exit status: 0 done, 1 failed, 2 wrong usage.")]
struct Arguments {
    /// The file, "-" for standard input.
    #[arg(value_name = "FILE|-")]
    file: PathBuf,
    /// Write to this file or pipe, "-" for standard output. Without it, to NAME.repaired.EXT beside
    /// the input, and to standard output from standard input.
    #[arg(short, long, value_name = "FILE|-")]
    output: Option<PathBuf>,
    /// Replace the input, once the repaired file is complete.
    #[arg(long, conflicts_with_all = ["output", "force"])]
    in_place: bool,
    /// Replace the output if it exists.
    #[arg(long)]
    force: bool,
    /// Where another stream follows in the input, write what follows to this file, which can be
    /// repaired in turn.
    #[arg(long, value_name = "FILE")]
    rest: Option<PathBuf>,
    /// Print one JSON object; to standard error with "-o -".
    #[arg(long)]
    json: bool,
}

fn main() -> ExitCode {
    let arguments: Arguments = arguments::parse();
    if arguments.rest.as_deref().is_some_and(is_stdout) {
        let error = "--rest needs a file of its own, which standard output is not";
        arguments::refuse::<Arguments>(ErrorKind::ValueValidation, error);
    }
    let piped = arguments.file == Path::new("-");
    let to_stdout = match arguments.output.as_deref() {
        Some(output) => is_stdout(output),
        None => piped && !arguments.in_place,
    };
    let output = match arguments.output.clone() {
        _ if to_stdout => Output::Stdout,
        Some(path) => Output::File(path),
        None if arguments.in_place => Output::InPlace,
        None => Output::Beside,
    };
    let options = Options { output, force: arguments.force, rest: arguments.rest.clone() };
    let file = &arguments.file;
    let cancel = cancelled_by_signals("repair");
    let (text, failure) = match repair(file, &options, &cancel) {
        Ok(report) if arguments.json => (pretty_json(&report.json()) + "\n", None),
        Ok(report) => (report.text(), None),
        Err(error) => {
            let object = Report::failed(file, &error);
            let text = if arguments.json { pretty_json(&object) + "\n" } else { String::new() };
            (text, Some(error.to_string()))
        }
    };
    let done = format!("{} is repaired, but what was changed", input_name(file));
    end("repair", &text, failure, &done, to_stdout)
}
