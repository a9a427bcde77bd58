//! Turns an `mms://` address into a playable file.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use clap::error::ErrorKind;
use clap::{Parser, ValueEnum};
use mms_client::{Cancel, MmsUrl};
use mms_examples::arguments::{self, Login};
use mms_examples::record::{self, Demo, Destination, Existing, MAX_FILES, Options, Report};
use mms_examples::standard::{self, is_stdout};
use mms_examples::text::json;
use mms_examples::time;
use mms_proto::Start;

/// How long a reader that stands still may hold up the end of the program.
const PATIENCE: Duration = Duration::from_secs(2);

/// Records a Windows Media stream from an mms:// address into a file that plays.
///
/// Without an address it starts its own server with a small clip, records that, and compares
/// every packet.
///
/// Ctrl-C ends a recording early; the file is finished and plays.
#[derive(Parser)]
#[command(name = "record", after_help = "Exit status: 0 done, 1 failed, 2 wrong usage.")]
struct Arguments {
    /// Address of the stream, `mms://host/path` or `mmst://host/path`.
    url: Option<String>,
    /// Write to this file, "-" for standard output. Without it, to the last part of the path with
    /// the extension of what is recorded, or the next free name beside it.
    #[arg(short, long, value_name = "FILE|-")]
    output: Option<PathBuf>,
    /// How the stream travels. UDP and HTTP will come.
    #[arg(long, value_enum, default_value_t = Transport::Auto)]
    transport: Transport,
    /// Begin at this time of the content, such as 90, 2.5, 1:30 or 1:02:03.5, or at the last place
    /// before it that can be played from.
    #[arg(long, value_name = "TIME", value_parser = time::parse, allow_negative_numbers = true,
          conflicts_with = "start_packet")]
    start: Option<Duration>,
    /// Begin with this packet, counted from 0.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(..=0xFFFF_FFFE),
          allow_negative_numbers = true)]
    start_packet: Option<u32>,
    /// End at this time of the content.
    #[arg(long, value_name = "TIME", value_parser = some_time, allow_negative_numbers = true)]
    end: Option<Duration>,
    /// Record this much media at most, counted from --start.
    #[arg(long, value_name = "TIME", value_parser = some_time, allow_negative_numbers = true)]
    duration: Option<Duration>,
    /// Record these streams only, by their numbers.
    #[arg(long, value_name = "1,2", value_delimiter = ',', value_parser = stream_number,
          allow_negative_numbers = true)]
    streams: Option<Vec<u8>>,
    /// Go on with a recording that was cut off; give the same options as before. Begins it if
    /// there is none. The file is not locked: no other program may be writing it.
    #[arg(long, conflicts_with = "force")]
    resume: bool,
    /// Replace the file if it exists. It stays until the first packets of the new recording are
    /// there.
    #[arg(long)]
    force: bool,
    /// Make this many files of a playlist at most.
    #[arg(long, value_name = "N", default_value_t = MAX_FILES,
          value_parser = clap::value_parser!(u32).range(1..), allow_negative_numbers = true)]
    max_files: u32,
    /// Give up when the server is silent for this long.
    #[arg(long, value_name = "SECONDS", value_parser = some_time, allow_negative_numbers = true)]
    timeout: Option<Duration>,
    /// When the connection of a live stream breaks, open it again and go on in the same file, with
    /// a gap in time. Give up when nothing new has come for TIME, 10 minutes unless it is given.
    #[arg(long, value_name = "TIME", value_parser = some_time, num_args = 0..=1,
          require_equals = true, default_missing_value = "10:00", allow_negative_numbers = true)]
    reconnect: Option<Duration>,
    #[command(flatten)]
    login: Login,
    /// Print one JSON object instead of a summary; to standard error with "-o -".
    #[arg(long)]
    json: bool,
    /// Print nothing but errors.
    #[arg(short, long)]
    quiet: bool,
}

#[derive(Clone, Copy, ValueEnum)]
enum Transport {
    /// Whatever works; only TCP so far.
    Auto,
    /// Media on the control connection.
    Tcp,
}

fn some_time(text: &str) -> Result<Duration, String> {
    let time = time::parse(text)?;
    if time.is_zero() { Err("it must be more than 0".to_owned()) } else { Ok(time) }
}

fn stream_number(text: &str) -> Result<u8, String> {
    let number = text.trim().parse().ok().filter(|number| (1..=127).contains(number));
    number.ok_or_else(|| "stream numbers are from 1 to 127, with commas between them".to_owned())
}

fn main() -> ExitCode {
    let arguments: Arguments = arguments::parse();
    // Not by clap, which would repeat an address that may contain a password.
    let url: Option<MmsUrl> = match arguments.url.as_deref().map(record::address).transpose() {
        Ok(url) => url,
        Err(error) => arguments::refuse::<Arguments>(ErrorKind::ValueValidation, error),
    };
    let login = match arguments.login.credentials(url.as_ref()) {
        Ok(login) => login,
        Err(error) => arguments::refuse::<Arguments>(ErrorKind::MissingRequiredArgument, error),
    };
    if let (Some(start), Some(end)) = (arguments.start, arguments.end) {
        if start >= end {
            let error = "--end must be after --start";
            arguments::refuse::<Arguments>(ErrorKind::ValueValidation, error);
        }
    }
    let cancel = Cancel::new();
    let to_stdout = arguments.output.as_deref().is_some_and(is_stdout);
    if let Err(error) = listen_for_signals(&cancel, into_pipe(&arguments)) {
        say(&format!("Ctrl-C will not finish the file properly: {error}"));
    }
    let report = match url {
        Some(url) => {
            let options = Options { login, ..options(&arguments, url) };
            record::record(&options, &cancel)
        }
        None => demonstrate(&arguments, &cancel),
    };
    // Asked before anything is written, and once more of the files whose names were found here.
    let to_stdout = to_stdout || report.files.iter().any(|file| is_stdout(file));
    finish(&arguments, &report, to_stdout)
}

/// Whether somebody else may keep this program from writing.
fn into_pipe(arguments: &Arguments) -> bool {
    arguments
        .output
        .as_ref()
        .is_some_and(|path| is_stdout(path) || path.metadata().is_ok_and(|found| !found.is_file()))
}

/// The first signal ends the recording; the second one the program.
fn listen_for_signals(cancel: &Cancel, into_pipe: bool) -> Result<(), ctrlc::Error> {
    let signalled = AtomicBool::new(false);
    let cancel = cancel.clone();
    ctrlc::set_handler(move || {
        if signalled.swap(true, Ordering::SeqCst) {
            say("stopped at once: the file may lack its last packets, and plays all the same");
            std::process::exit(1);
        }
        cancel.cancel();
        if into_pipe {
            std::thread::spawn(|| {
                std::thread::sleep(PATIENCE);
                say("stopped while nobody was reading the recording");
                std::process::exit(1);
            });
        }
    })
}

/// A line on standard error; if that cannot be written nobody wants to read it.
fn say(line: &str) {
    let _ = writeln!(std::io::stderr(), "record: {line}");
}

fn options(arguments: &Arguments, url: MmsUrl) -> Options {
    // One way to travel so far, whichever was chosen.
    let (Transport::Auto | Transport::Tcp) = arguments.transport;
    let existing = match (arguments.resume, arguments.force) {
        (true, _) => Existing::Resume,
        (_, true) => Existing::Replace,
        _ => Existing::Refuse,
    };
    let destination = match &arguments.output {
        None => Destination::Named { folder: PathBuf::new(), existing },
        Some(path) if is_stdout(path) => Destination::Stdout { resume: arguments.resume },
        Some(path) => Destination::File { path: path.clone(), existing },
    };
    let mut options = Options::new(url, destination);
    options.start = match (arguments.start, arguments.start_packet) {
        (Some(time), _) => Start::Time(time),
        (_, Some(number)) => Start::packet(number).unwrap_or_default(),
        _ => Start::Beginning,
    };
    options.stop = arguments.end;
    options.duration = arguments.duration;
    options.max_files = arguments.max_files;
    options.streams.clone_from(&arguments.streams);
    options.timeout = arguments.timeout;
    options.reconnect = arguments.reconnect;
    options.show_progress = !arguments.quiet && !arguments.json;
    options.note = options.show_progress.then_some(say);
    options
}

fn demonstrate(arguments: &Arguments, cancel: &Cancel) -> Report {
    let demo = match Demo::start() {
        Ok(demo) => demo,
        Err(error) => return Report::failed(error),
    };
    if !arguments.quiet && !arguments.json {
        say(&format!("no address given: recording {} from its own server", demo.url()));
    }
    let mut report = record::record(&options(arguments, demo.url().clone()), cancel);
    let whole = arguments.duration.is_none()
        && arguments.end.is_none()
        && arguments.streams.is_none()
        && arguments.start.is_none()
        && arguments.start_packet.is_none()
        && !report.summary.cancelled;
    if report.failure.is_none() && whole {
        report.check(&demo);
    }
    report
}

/// Prints how it went.
fn finish(arguments: &Arguments, report: &Report, to_stdout: bool) -> ExitCode {
    let text = if arguments.json {
        json(&report.json()) + "\n"
    } else if arguments.quiet {
        String::new()
    } else {
        report.text()
    };
    let printed = standard::print(&text, to_stdout);
    // The object is the only line then, and has the failure in it.
    let line = report.failure_line().filter(|_| !(to_stdout && arguments.json));
    if let Some(line) = line {
        say(&line);
    }
    match (&report.failure, printed) {
        (Some(_), _) => ExitCode::FAILURE,
        // A reader that went away does not make the recording a failure.
        (None, Err(error)) if error.kind() != std::io::ErrorKind::BrokenPipe => {
            say(&format!("the recording is done, but its summary cannot be printed: {error}"));
            ExitCode::FAILURE
        }
        _ => ExitCode::SUCCESS,
    }
}
