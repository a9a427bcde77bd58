//! Serves ASF files, lists of them and live streams to Windows Media players over MMS.

use std::error::Error;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use clap::error::ErrorKind;
use clap::{Parser, ValueEnum};
use mms_client::MmsUrl;
use mms_examples::arguments;
use mms_examples::serve::feed::FeedSource;
use mms_examples::serve::program::{self, address, players};
use mms_examples::serve::{Library, Options, Pace, Playlist, Redirection};

const EXAMPLES: &str = "\
Examples:
  serve films --listen 0.0.0.0:1755
  serve --playlist evening.m3u
  serve --live --loop film.wmv
  ffmpeg -re -i film.mkv -c:v wmv2 -c:a wmav2 -f asf_stream - | serve --live -";

/// Serves .wmv, .wma and .asf files over MMS (TCP): each player begins where it likes, or, with
/// --live, all play the same at the same time.
#[derive(Parser)]
#[command(name = "serve", after_help = EXAMPLES)]
struct Arguments {
    /// A file, a folder with everything in it, or - for ASF from standard input (with --live).
    #[arg(value_name = "FILE_OR_FOLDER_OR_-", required_unless_present = "playlist")]
    content: Option<PathBuf>,
    /// Where to listen: a host, a port, or both. Port 0 picks a free one, 0.0.0.0 is everywhere.
    #[arg(long, value_name = "HOST:PORT", default_value = "127.0.0.1:1755",
          value_parser = address)]
    listen: SocketAddr,
    /// How fast to send files on demand [default: realtime].
    #[arg(long, value_enum)]
    pace: Option<Speed>,
    /// Send so many seconds of a file at four times its speed first: old players, WebTV above all,
    /// need a reserve and do not ask for it.
    #[arg(long, value_name = "SECONDS", default_value_t = 0,
          value_parser = clap::value_parser!(u16).range(0..=60))]
    fast_start: u16,
    /// Play it to everybody at the same time: players join in the middle.
    #[arg(long)]
    live: bool,
    /// With --live: begin again at the end, for ever.
    #[arg(long = "loop")]
    repeat: bool,
    /// A list (.m3u or .asx) of files to play one after the other.
    #[arg(long, value_name = "FILE")]
    playlist: Option<PathBuf>,
    /// Players at a time; more are refused.
    #[arg(long, value_name = "N", default_value = "1000", value_parser = players)]
    max_clients: usize,
    /// Players at a time of one IPv4 address, or of one /64 network of IPv6; more are refused. 0 is
    /// any number, for a server behind a proxy.
    #[arg(long, value_name = "N", default_value_t = 100)]
    max_per_address: usize,
    /// Who may play: a file of lines name:password. Passwords are sent as BASIC, which everybody
    /// on the way can read; use none that is used elsewhere.
    #[arg(long, value_name = "FILE")]
    users: Option<PathBuf>,
    /// Send players that ask for FROM to a URL, best one that begins mmst://. Can be repeated.
    #[arg(long, value_name = "FROM=URL", value_parser = redirection)]
    redirect: Vec<Redirection>,
    /// Report in JSON on standard error, one object a line.
    #[arg(long)]
    json_log: bool,
}

#[derive(Clone, Copy, ValueEnum)]
enum Speed {
    /// As fast as it plays.
    Realtime,
    /// As fast as the player takes it.
    Full,
}

fn redirection(text: &str) -> Result<Redirection, String> {
    let (from, to) = text.split_once('=').ok_or("write FROM=URL")?;
    let known = ["mms://", "mmst://", "mmsu://"].into_iter().find(|scheme| {
        to.get(..scheme.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(scheme))
    });
    let Some(scheme) = known else {
        return Err("the URL has to begin with mmst://, mms:// or mmsu:// and a host".to_owned());
    };
    // Whatever the transport, the rest of it is alike.
    let address = format!("mms://{}", to.get(scheme.len()..).unwrap_or_default());
    match address.parse::<MmsUrl>() {
        Ok(_) => Ok(Redirection { from: from.to_owned(), to: to.to_owned() }),
        Err(error) => Err(error.to_string()),
    }
}

/// What cannot be meant.
fn contradiction(arguments: &Arguments) -> Option<&'static str> {
    let piped = arguments.content.as_deref() == Some(Path::new("-"));
    if piped && !arguments.live {
        Some("standard input can only be played --live, for it cannot begin anew for each player")
    } else if arguments.repeat && !arguments.live {
        Some("--loop is for --live; on demand every player begins anew by itself")
    } else if arguments.repeat && piped {
        Some("--loop is for files; standard input cannot begin again")
    } else if arguments.live && arguments.content.is_some() && arguments.playlist.is_some() {
        Some("--live plays one thing: name a file or folder, or a list, but not both")
    } else if arguments.live && arguments.pace.is_some() {
        Some("--pace is for files on demand; --live plays as fast as it plays")
    } else {
        None
    }
}

fn main() -> ExitCode {
    let arguments: Arguments = arguments::parse();
    if let Some(why) = contradiction(&arguments) {
        arguments::refuse::<Arguments>(ErrorKind::ArgumentConflict, why);
    }
    match options(arguments) {
        Ok(options) => program::run("serve", options),
        Err(error) => {
            program::say(&format!("serve: {error}"));
            ExitCode::FAILURE
        }
    }
}

fn options(arguments: Arguments) -> Result<Options, Box<dyn Error>> {
    let Arguments { content, playlist, live, repeat, .. } = arguments;
    let mut options = match (live, content, playlist) {
        (true, Some(path), _) => broadcast(&path, repeat)?,
        (true, None, Some(list)) => {
            let played = Playlist::read(&list)?;
            let (paths, notes) = (played.playable().to_vec(), played.notes().to_vec());
            // Players look by themselves into what is named as a list.
            let name = name_of(list.file_stem().unwrap_or_default().as_ref());
            let mut options = Options::live(name, FeedSource::Files { paths, repeat });
            options.notes = notes;
            options
        }
        (_, root, playlist) => {
            let mut options = Options::nothing();
            (options.root, options.playlist) = (root, playlist);
            options
        }
    };
    options.listen = arguments.listen;
    options.pace = match arguments.pace {
        None | Some(Speed::Realtime) => Pace::BitRate,
        Some(Speed::Full) => Pace::Full,
    };
    options.fast_start = Duration::from_secs(arguments.fast_start.into());
    options.max_players = arguments.max_clients;
    options.max_per_address = arguments.max_per_address;
    options.users = arguments.users;
    options.redirects = arguments.redirect;
    options.json_log = arguments.json_log;
    Ok(options)
}

/// What is played for all: standard input, a file, or the files of a folder in order.
fn broadcast(path: &Path, repeat: bool) -> Result<Options, Box<dyn Error>> {
    if path == Path::new("-") {
        return Ok(Options::live("live", FeedSource::StandardInput));
    }
    let library = Library::open(path)?;
    let name = if library.only().is_some() { name_of(path) } else { "live".to_owned() };
    let paths = library.files().to_vec();
    let mut options = Options::live(name, FeedSource::Files { paths, repeat });
    options.notes = library.notes().to_vec();
    Ok(options)
}

fn name_of(path: &Path) -> String {
    path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned()
}
