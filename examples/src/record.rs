//! Turns an `mms://` address into a playable file.
//!
//! Modules: `output` opens the file of an entry and `name` names it, `progress` shows the progress,
//! `reconnect` opens a live stream again, `failure` has advice for each error, `report` is the
//! summary, `demo` is a server to try it with, and this file puts them around
//! [`mms_client::record`].

mod address;
mod demo;
mod failure;
mod name;
mod output;
mod progress;
mod reconnect;
mod report;

use std::cell::RefCell;
use std::path::Path;
use std::time::{Duration, Instant};

use mms_asf::Header;
use mms_client::{Cancel, Entry, Error, Interruption, MmsUrl, OpenOptions, RecordOptions, Session};
use mms_proto::{Features, Start, StreamNumber, StreamSelection};

use self::name::extension;
use self::reconnect::Reconnect;
use crate::files;

pub use address::address;
pub use demo::{Demo, DemoError};
pub use failure::Failure;
pub use output::{Destination, Existing, OutputError};
pub use progress::Progress;
pub use report::Report;

/// Files that are made of one playlist unless another number is given.
pub const MAX_FILES: u32 = 1_000;

/// What to record, and where to.
#[derive(Debug, Clone)]
pub struct Options {
    /// The address.
    pub url: MmsUrl,
    /// Where the recording goes.
    pub destination: Destination,
    /// Where to begin.
    pub start: Start,
    /// Where to end, in the time of the content.
    pub stop: Option<Duration>,
    /// How much media to record at most, counted from the start.
    pub duration: Option<Duration>,
    /// How many files to make at most: a list on a server may have no end.
    pub max_files: u32,
    /// Numbers of the streams to ask for; `None` for all.
    pub streams: Option<Vec<u8>>,
    /// How long to wait for anything.
    pub timeout: Option<Duration>,
    /// Name and password, which may be sent in clear text: whoever types them for this address
    /// wants them to arrive.
    pub login: Option<(String, String)>,
    /// Go on with a live stream after a break, until nothing has come for this long.
    pub reconnect: Option<Duration>,
    /// Gets a line about each break.
    pub note: Option<fn(&str)>,
    /// Show how far it is, where standard error is a terminal.
    pub show_progress: bool,
}

impl Options {
    /// Everything at this address, into this place.
    #[must_use]
    pub fn new(url: MmsUrl, destination: Destination) -> Self {
        Self {
            url,
            destination,
            start: Start::Beginning,
            stop: None,
            duration: None,
            max_files: MAX_FILES,
            streams: None,
            timeout: None,
            login: None,
            reconnect: None,
            note: None,
            show_progress: false,
        }
    }
}

/// Records until the end, the duration, or until `cancel` is used. A failure is part of the
/// report, next to what was recorded before it.
#[must_use]
pub fn record(options: &Options, cancel: &Cancel) -> Report {
    let begun = Instant::now();
    let mut report = Report::new(&options.url);
    report.failure = run(options, cancel, &mut report).err();
    report.seconds = begun.elapsed();
    report
}

fn run(options: &Options, cancel: &Cancel, report: &mut Report) -> Result<(), Failure> {
    let stopped = || Failure::Stopped { url: options.url.to_string() };
    let progress = Progress::new(options);
    let mut output = match options.destination.prepare(&options.url, cancel, options.note) {
        Err(_) if cancel.is_cancelled() => return Err(stopped()),
        prepared => prepared?,
    };
    progress.waiting(&format!("connecting to {}", options.url.host()));
    let session = open(options, cancel).map_err(|error| match error {
        Error::Cancelled => stopped(),
        error => Failure::Client(error),
    })?;
    let server = session.server_address().to_owned();

    let header = session.header().map_err(|error| Failure::of(error, &server, None))?;
    report.title = header.title().filter(|title| !title.is_empty());
    report.resumable = !output.is_stream() && session.entry().is_resumable();
    check_range(options, &server, header, session.entry())?;
    let mut what = RecordOptions::new().start(options.start);
    what.stop = options.stop;
    if let Some(duration) = options.duration {
        what = what.duration(duration);
    }
    if let Some(wanted) = &options.streams {
        what = what.streams(selection(&server, header, wanted)?);
    }
    let mut refused = None;
    let mut more_follows = false;
    let target = |number: u32, entry: &Entry| {
        if number >= options.max_files {
            more_follows = true;
            return Ok(None);
        }
        let chosen = options.streams.as_deref();
        let extension = entry.header().map_or("asf", |header| extension(header, chosen));
        match output.next(number, extension) {
            Ok(target) => Ok(Some(target)),
            Err(error) => {
                refused = Some(error);
                Ok(None)
            }
        }
    };
    let progress = RefCell::new(progress);
    let show = |now: &mms_client::Progress<'_>| progress.borrow_mut().show(now);
    let recorded = match options.reconnect {
        None => mms_client::record(session, &what, target, show),
        Some(give_up) => {
            let mut reconnect = Reconnect::new(options, cancel, give_up);
            let reopen = |broke: Interruption| {
                progress.borrow().clear();
                reconnect.reopen(broke)
            };
            mms_client::record_live(session, &what, target, show, reopen)
        }
    };
    progress.into_inner().finish();
    let (summary, failure) = match recorded {
        Ok(summary) => (summary, None),
        Err(failed) => (failed.summary, Some(Failure::of(failed.error, &server, output.current()))),
    };
    output.discard_empty();
    let (packets, cancelled) = (summary.packets, summary.cancelled);
    report.summary = summary;
    report.start = options.start;
    report.more_follows = more_follows;
    report.files = output.into_files();
    match (refused, failure) {
        (Some(refused), _) => Err(refused.into()),
        (None, Some(failure)) => Err(failure),
        (None, None) if packets > 0 => Ok(()),
        (None, None) if cancelled => Err(stopped()),
        (None, None) => Err(Failure::Nothing { server }),
    }
}

fn open(options: &Options, cancel: &Cancel) -> Result<Session, Error> {
    let mut open = OpenOptions::new().cancel(cancel.clone());
    if let Some(timeout) = options.timeout {
        open = open.timeout(timeout);
    }
    if let Some((user, password)) = &options.login {
        open = open.credentials(user, password).allow_clear_text(true);
    }
    open.open(&options.url)
}

/// Refuses a range that the content cannot have.
fn check_range(
    options: &Options,
    server: &str,
    header: &Header,
    entry: &Entry,
) -> Result<(), Failure> {
    let server = || server.to_owned();
    let content = entry.content();
    let option = match options.start {
        Start::Beginning | Start::Time(Duration::ZERO) => options.stop.map(|_| "--end"),
        Start::Time(_) => Some("--start"),
        _ => Some("--start-packet"),
    };
    match option {
        Some(option) if entry.is_live() => {
            return Err(Failure::Live { server: server(), option });
        }
        _ => {}
    }
    // Either may be wrong; a playlist has other entries.
    let duration = content.duration().unwrap_or_default().max(header.file().media_duration());
    match options.start {
        Start::Time(start)
            if start >= duration
                && !duration.is_zero()
                && !content.features().contains(Features::PLAYLIST) =>
        {
            Err(Failure::BeyondEnd { server: server(), start, duration })
        }
        _ => Ok(()),
    }
}

/// Every stream of the file, on or off.
fn selection(
    server: &str,
    header: &Header,
    wanted: &[u8],
) -> Result<Vec<StreamSelection>, Failure> {
    let available: Vec<u8> = header.stream_numbers().collect();
    if let Some(&asked) = wanted.iter().find(|number| !available.contains(number)) {
        let server = server.to_owned();
        return Err(Failure::NoSuchStream { server, asked, available });
    }
    let select = |number: &u8| {
        let stream = StreamNumber::new(*number)?;
        Some(match wanted.contains(number) {
            true => StreamSelection::full(stream),
            false => StreamSelection::off(stream),
        })
    };
    Ok(available.iter().filter_map(select).collect())
}

/// The name that a report shows for a file.
fn shown(path: &Path) -> String {
    files::output_name(path)
}
