//! Clients that do not do as they should.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use mms_proto::mmsp::{Client, ClientConfig};
use mms_proto::{ClientEvent, Input, Machine as _, PlayRequest, StreamNumber};

/// A player that goes by the rules until the server says that media follows.
pub(crate) fn begin(address: SocketAddr, path: &str) -> std::io::Result<TcpStream> {
    let mut socket = TcpStream::connect(address)?;
    let mut client = Client::new(Instant::now(), ClientConfig::new("127.0.0.1", path));
    let streams = (1..=2).filter_map(StreamNumber::new);
    loop {
        match client.poll_output() {
            mms_proto::Output::Transmit { data: bytes, .. } => {
                socket.write_all(&bytes.to_bytes())?
            }
            mms_proto::Output::Event(ClientEvent::Ready(_)) => {
                client.play(Instant::now(), PlayRequest::all(streams.clone())).unwrap();
            }
            mms_proto::Output::Event(ClientEvent::Started) => return Ok(socket),
            mms_proto::Output::Event(_) => {}
            mms_proto::Output::Connect { .. }
            | mms_proto::Output::Close { .. }
            | mms_proto::Output::Datagram(_) => {
                unreachable!("a session over one connection")
            }
            mms_proto::Output::Wait(_) => {
                // A little at a time: the rest is left for the server to wait with.
                let mut bytes = [0; 256];
                let count = socket.read(&mut bytes)?;
                assert!(count > 0, "the server left: {:?}", client.phase());
                client.handle_input(Instant::now(), Input::tcp(&bytes[..count])).unwrap();
            }
        }
    }
}

/// What a client says first.
pub(crate) fn hello() -> Vec<u8> {
    let mut client = Client::new(Instant::now(), ClientConfig::new("127.0.0.1", "x"));
    match client.poll_output() {
        mms_proto::Output::Transmit { data: bytes, .. } => bytes.to_bytes().to_vec(),
        other => panic!("{other:?}"),
    }
}

/// One that makes trouble until it is told to go. The server may hang up on it at any time.
pub(crate) fn trouble(kind: u32, address: SocketAddr, go: &AtomicBool) -> std::io::Result<()> {
    let connect = || TcpStream::connect(address);
    let wait = || {
        while !go.load(Ordering::SeqCst) {
            std::thread::sleep(Duration::from_millis(20));
        }
    };
    let mut state = 0x2545_F491_4F6C_DD1D_u64;
    let mut noise = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()
    };
    match kind {
        // Garbage, again and again.
        0 => {
            while !go.load(Ordering::SeqCst) {
                let mut socket = connect()?;
                for _ in 0..1000 {
                    if socket.write_all(&noise()).is_err() {
                        break;
                    }
                }
                std::thread::sleep(Duration::from_millis(5));
            }
        }
        // A good beginning, then garbage.
        1 => {
            let mut socket = connect()?;
            socket.write_all(&hello())?;
            for _ in 0..1000 {
                socket.write_all(&noise())?;
            }
        }
        // Somebody else's protocol.
        2 => {
            let mut socket = connect()?;
            socket.write_all(b"GET /test-pattern.wmv HTTP/1.0\r\nHost: localhost\r\n\r\n")?;
            wait();
        }
        // Half-open: nothing, and half a message.
        3 => {
            let sockets: Vec<_> = (0..20).filter_map(|_| connect().ok()).collect();
            for (mut socket, length) in sockets.iter().zip(0..) {
                socket.write_all(&hello()[..length])?;
            }
            wait();
        }
        // A message of four gigabytes.
        4 => {
            let mut message = hello();
            message[8..12].copy_from_slice(&0xFFFF_FFF0_u32.to_le_bytes());
            let mut socket = connect()?;
            while !go.load(Ordering::SeqCst) {
                socket.write_all(&message)?;
            }
        }
        // One byte now and then.
        5 => {
            let mut socket = connect()?;
            for byte in hello().into_iter().cycle() {
                if go.load(Ordering::SeqCst) {
                    break;
                }
                socket.write_all(&[byte])?;
                std::thread::sleep(Duration::from_millis(10));
            }
        }
        // Deaf: asks for a large file and takes nothing of it.
        6 => {
            let _socket = begin(address, "long.wmv")?;
            wait();
        }
        // Leaves in the middle, without a word and with much unread.
        _ => {
            while !go.load(Ordering::SeqCst) {
                drop(begin(address, "long.wmv")?);
            }
        }
    }
    Ok(())
}
