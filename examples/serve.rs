//! Serves ASF files to Windows Media players over MMS.

use std::io::{ErrorKind, Write as _};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, ValueEnum};
use mms_examples::serve::{Options, Pace, Serving};

/// Serves a .wmv, .wma or .asf file, or a folder of them, over MMS (TCP).
#[derive(Parser)]
#[command(name = "serve")]
struct Arguments {
    /// A file, or a folder with everything in it.
    file_or_folder: PathBuf,
    /// Where to listen; port 0 picks a free one.
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:1755",
          value_parser = address)]
    listen: SocketAddr,
    /// How fast to send.
    #[arg(long, value_enum, default_value_t = Speed::Realtime)]
    pace: Speed,
}

fn address(text: &str) -> Result<SocketAddr, String> {
    text.parse().map_err(|_| "not an address and a port, such as 0.0.0.0:1755".to_owned())
}

#[derive(Clone, Copy, ValueEnum)]
enum Speed {
    /// As fast as it plays.
    Realtime,
    /// As fast as the player takes it.
    Full,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let mut options = Options::new(arguments.file_or_folder);
    options.listen = arguments.listen;
    options.pace = match arguments.pace {
        Speed::Realtime => Pace::BitRate,
        Speed::Full => Pace::Full,
    };
    match serve(options) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            say(&format!("serve: {error}"));
            ExitCode::FAILURE
        }
    }
}

fn serve(options: Options) -> Result<(), Box<dyn std::error::Error>> {
    let serving = Serving::start(options)?;
    let stopper = serving.stopper()?;
    ctrlc::set_handler(move || stopper.stop())?;
    let mut urls = serving.urls()?.join("\n");
    urls.push('\n');
    match std::io::stdout().write_all(urls.as_bytes()) {
        // A reader that has seen enough, such as `head`, closes the pipe.
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            return Err(format!("cannot print the addresses: {error}").into());
        }
        _ => {}
    }
    serving.run(say)?;
    Ok(())
}

/// A line on standard error; if that cannot be written nobody wants to read it.
fn say(line: &str) {
    let _ = writeln!(std::io::stderr(), "{line}");
}
