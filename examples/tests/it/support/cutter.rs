//! A proxy that cuts connections.

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Stands between clients and a server on loopback until the test program ends.
#[derive(Debug)]
pub(crate) struct Cutter {
    pub(crate) address: SocketAddr,
    connections: Arc<AtomicUsize>,
}

impl Cutter {
    /// Cuts each connection after so many bytes of the server; those beyond `cuts` never.
    pub(crate) fn start(server: SocketAddr, cuts: &'static [usize]) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let connections = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&connections);
        std::thread::spawn(move || {
            for client in listener.incoming() {
                let number = count.fetch_add(1, Ordering::SeqCst);
                let left = cuts.get(number).copied().unwrap_or(usize::MAX);
                let client = client.unwrap();
                let server = TcpStream::connect(server).unwrap();
                let (from, to) = (client.try_clone().unwrap(), server.try_clone().unwrap());
                std::thread::spawn(move || pass(from, to, usize::MAX));
                std::thread::spawn(move || pass(server, client, left));
            }
        });
        Self { address, connections }
    }

    /// Connections so far.
    pub(crate) fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }
}

/// Hands on so many bytes, or until either end goes away.
fn pass(mut from: TcpStream, mut to: TcpStream, mut left: usize) {
    let mut buffer = [0; 4096];
    while left > 0 {
        let Ok(count @ 1..) = from.read(&mut buffer) else { break };
        let count = count.min(left);
        if to.write_all(&buffer[..count]).is_err() {
            break;
        }
        left -= count;
    }
    for socket in [from, to] {
        let _ = socket.shutdown(Shutdown::Both);
    }
}
