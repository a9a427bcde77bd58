//! Drops streams from an ASF file.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use mms_examples::arguments;
use mms_examples::files::shown;
use mms_examples::filter::{self, Options};
use mms_examples::outcome::{cancelled_by_signals, end};
use mms_examples::standard::is_stdout;
use mms_examples::text::pretty_json;

/// Copies some streams of a .wmv, .wma or .asf file into a new file, without writing them anew:
/// packets, times and media stay as they are. Ctrl-C leaves everything as it was.
///
/// `inspect` prints which streams there are.
#[derive(Parser)]
#[command(name = "filter", after_help = "Exit status: 0 done, 1 failed, 2 wrong usage.")]
struct Arguments {
    /// The file to read, "-" for standard input.
    #[arg(value_name = "IN|-")]
    input: PathBuf,
    /// The file or pipe to write, "-" for standard output.
    #[arg(short, long, value_name = "OUT|-")]
    output: PathBuf,
    /// The streams to keep, by their numbers.
    #[arg(long, value_name = "1,3", value_delimiter = ',', value_parser = stream_number,
          required = true, allow_negative_numbers = true)]
    streams: Vec<u8>,
    /// Replace the file if it exists. It stays until the new one is complete.
    #[arg(long)]
    force: bool,
    /// Print one JSON object; to standard error with "-o -".
    #[arg(long)]
    json: bool,
}

fn stream_number(text: &str) -> Result<u8, String> {
    let number = text.trim().parse().ok().filter(|number| (1..=127).contains(number));
    number.ok_or_else(|| "stream numbers are from 1 to 127, with commas between them".to_owned())
}

fn main() -> ExitCode {
    let arguments: Arguments = arguments::parse();
    let mut options = Options::new(&arguments.input, &arguments.output, &arguments.streams);
    options.force = arguments.force;
    let to_stdout = is_stdout(&arguments.output);
    if to_stdout {
        options.output = PathBuf::from("-");
    }
    let cancel = cancelled_by_signals("filter");
    let (text, failure) = match filter::filter(&options, &cancel) {
        Ok(report) if arguments.json => (pretty_json(&report.json()) + "\n", None),
        Ok(report) => (report.text(), None),
        Err(error) => {
            let object = error.json(&options);
            let text = if arguments.json { pretty_json(&object) + "\n" } else { String::new() };
            (text, Some(error.to_string()))
        }
    };
    let done = format!("{} is written, but what was done", shown(&arguments.output));
    end("filter", &text, failure, &done, to_stdout)
}
