//! The same machine under tokio: prints what comes from an `mms://` address.

use std::{error::Error, future::pending, io::Write as _, time::Instant};

use clap::Parser;
use mms_client::MmsUrl;
use mms_examples::arguments;
use mms_proto::mmsp::{Client, ClientConfig};
use mms_proto::{
    ClientEvent as Event, CloseReason, ConnectionId, Input, Machine as _, Output, PlayRequest,
    StreamNumber,
};
use tokio::{io::AsyncReadExt, io::AsyncWriteExt, net::TcpStream, time::sleep_until};

/// Prints what comes from an mms:// address.
#[derive(Parser)]
#[command(name = "tokio_client")]
struct Arguments {
    /// The address.
    url: MmsUrl,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let Arguments { url } = arguments::parse();
    let mut config = ClientConfig::new(url.host(), url.wire_path()).port(url.port());
    config.session.guid = uuid::Uuid::new_v4();
    let tcp = TcpStream::connect((url.host(), url.port())).await?;
    tcp.set_nodelay(true)?;
    drive(tcp, Client::new(Instant::now(), config)).await
}

async fn drive(mut tcp: TcpStream, mut client: Client) -> Result<(), Box<dyn Error>> {
    let mut out = std::io::stdout();
    loop {
        let deadline = loop {
            let now = Instant::now();
            match client.poll_output() {
                Output::Transmit { data: bytes, .. } => tcp.write_all(&bytes.to_bytes()).await?,
                Output::Event(Event::Ready(content) | Event::NextEntry(content)) => {
                    let header = mms_asf::Header::parse(content.header())?;
                    let streams = header.stream_numbers().filter_map(StreamNumber::new);
                    client.play(now, PlayRequest::all(streams))?;
                }
                Output::Event(Event::Packet(packet)) => writeln!(out, "{packet:?}")?,
                Output::Event(Event::EndOfStream { more: false, .. }) => client.close(now),
                Output::Event(Event::Closed(CloseReason::Local)) => return Ok(()),
                Output::Event(
                    end @ (Event::Closed(_) | Event::Challenge(_) | Event::PlayRefused(_)),
                ) => return Err(format!("{end:?}").into()),
                Output::Event(event) => writeln!(out, "{event:?}")?,
                Output::Connect { .. } | Output::Close { .. } | Output::Datagram(_) => {
                    Err("a session over one connection")?
                }
                Output::Wait(deadline) => break deadline,
            }
        };
        let timeout = async {
            match deadline {
                Some(at) => sleep_until(at.into()).await,
                None => pending().await,
            }
        };
        // What waits in the socket comes first: after a slow write the deadline may be over too. The
        // buffer is empty only while an answer to a challenge is owed, and a challenge is an error here.
        let read = tokio::select! { biased;
            read = tcp.read(client.recv_buffer(ConnectionId::MAIN)) => Some(read?),
            () = timeout => None,
        };
        match read {
            Some(0) => client.handle_input(Instant::now(), Input::tcp_closed())?,
            Some(count) => client.received(Instant::now(), ConnectionId::MAIN, count)?,
            None => client.handle_input(Instant::now(), Input::Timeout)?,
        }
    }
}
