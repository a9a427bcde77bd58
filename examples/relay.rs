//! Plays a stream of another MMS server once, and serves it to any number of players.

use std::net::SocketAddr;
use std::process::ExitCode;

use clap::Parser;
use clap::error::ErrorKind;
use mms_client::MmsUrl;
use mms_examples::arguments::{self, Login};
use mms_examples::serve::Options;
use mms_examples::serve::feed::{FeedSource, UpstreamOptions};
use mms_examples::serve::program::{self, address, players};

/// Plays a stream of another MMS server once, and serves it to any number of players, who join in
/// the middle. When the connection breaks it is opened again, and the players stay.
#[derive(Parser)]
#[command(name = "relay")]
struct Arguments {
    #[arg(help = "The stream, such as mms://example.org/live")]
    url: MmsUrl,
    /// Where to listen: a host, a port, or both. Port 0 picks a free one, 0.0.0.0 is everywhere.
    #[arg(long, value_name = "HOST:PORT", default_value = "127.0.0.1:1755",
          value_parser = address)]
    listen: SocketAddr,
    /// Players at a time; more are refused.
    #[arg(long, value_name = "N", default_value = "1000", value_parser = players)]
    max_clients: usize,
    /// Players at a time of one IPv4 address, or of one /64 network of IPv6; more are refused. 0 is
    /// any number, for a server behind a proxy.
    #[arg(long, value_name = "N", default_value_t = 100)]
    max_per_address: usize,
    /// Report in JSON on standard error, one object a line.
    #[arg(long)]
    json_log: bool,
    #[command(flatten)]
    login: Login,
}

fn main() -> ExitCode {
    let arguments: Arguments = arguments::parse();
    let Arguments { url, listen, max_clients, max_per_address, json_log, login } = arguments;
    let mut upstream = UpstreamOptions::new(url.clone());
    match login.credentials(Some(&url)) {
        // Whoever types them for this address wants them to arrive.
        Ok(Some((user, password))) => {
            upstream.open = upstream.open.credentials(user, password).allow_clear_text(true);
        }
        Ok(None) => {}
        Err(why) => arguments::refuse::<Arguments>(ErrorKind::MissingRequiredArgument, why),
    }
    // Under the name that it has there; a query is between us and the other server.
    let path = url.wire_path().split('?').next().unwrap_or_default();
    let name = if path.is_empty() { "live" } else { path }.to_owned();
    let mut options = Options::live(name, FeedSource::Upstream(upstream));
    options.listen = listen;
    options.max_players = max_clients;
    options.max_per_address = max_per_address;
    options.json_log = json_log;
    program::run("relay", options)
}
