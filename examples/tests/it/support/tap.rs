//! What goes over the wire between a player and the server.

use std::io::Write as _;
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use mms_proto::Limits;
use mms_proto::mmsp::frame::{DataPacket, Frame, FrameDecoder};
use mms_proto::mmsp::message::{ClientMessage, ServerMessage};

/// One packet of the wire, in the order in which they passed.
#[derive(Debug, Clone)]
pub(crate) enum Passed {
    /// From the player.
    Request(ClientMessage),
    /// From the server.
    Answer,
    /// From the server.
    Data(DataPacket),
}

/// Stands between one player and the server.
#[derive(Debug)]
pub(crate) struct Tap {
    /// Where the player finds it.
    pub(crate) address: SocketAddr,
    passed: Receiver<Passed>,
    thread: JoinHandle<()>,
}

impl Tap {
    /// Waits for one player of this server.
    pub(crate) fn new(server: SocketAddr) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let (told, passed) = mpsc::channel();
        let thread = thread::spawn(move || {
            let (player, _) = listener.accept().unwrap();
            let server = TcpStream::connect(server).unwrap();
            for end in [&player, &server] {
                end.set_nodelay(true).unwrap();
                end.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
            }
            let ends = (player.try_clone().unwrap(), server.try_clone().unwrap());
            let requests = told.clone();
            let up = thread::spawn(move || pass(&ends.0, &ends.1, true, &requests));
            pass(&server, &player, false, &told);
            up.join().unwrap();
        });
        Self { address, passed, thread }
    }

    /// Waits until something passes of which this is true.
    pub(crate) fn wait_for(&self, is_it: impl Fn(&Passed) -> bool) {
        loop {
            let passed = self.passed.recv_timeout(Duration::from_secs(60)).expect("nothing passes");
            if is_it(&passed) {
                return;
            }
        }
    }

    /// All that passed and was not waited for, once player and server have parted.
    pub(crate) fn finish(self) -> Vec<Passed> {
        let passed = self.passed.iter().collect();
        self.thread.join().unwrap();
        passed
    }
}

/// Passes on whole packets of the wire, because players fail on others (T43), until one end goes.
fn pass(mut from: &TcpStream, mut to: &TcpStream, requests: bool, told: &Sender<Passed>) {
    let limits = Limits::default();
    let mut decoder = match requests {
        true => FrameDecoder::from_client(&limits),
        false => FrameDecoder::from_server(&limits),
    };
    let (mut waiting, mut piece) = (Vec::new(), vec![0; 64 << 10]);
    loop {
        // A reset is how some players leave (T47).
        let count = std::io::Read::read(&mut from, &mut piece).unwrap_or(0);
        if count == 0 {
            let _ = to.shutdown(Shutdown::Write);
            return;
        }
        waiting.extend_from_slice(&piece[..count]);
        decoder.push(&piece[..count]);
        while let Some(frame) = decoder.next_frame().unwrap() {
            match frame {
                Frame::Data(packet) => told.send(Passed::Data(packet)).unwrap(),
                Frame::Messages(mut messages) => {
                    while let Some((_, message)) = messages.split_next().unwrap() {
                        let mut deviations = Vec::new();
                        told.send(match requests {
                            true => Passed::Request(
                                ClientMessage::decode(&message, &mut deviations).unwrap(),
                            ),
                            false => {
                                ServerMessage::decode(&message, &mut deviations).unwrap();
                                Passed::Answer
                            }
                        })
                        .unwrap();
                    }
                }
            }
        }
        let whole = waiting.len() - decoder.buffered();
        if to.write_all(&waiting[..whole]).is_err() {
            let _ = from.shutdown(Shutdown::Both);
            return;
        }
        waiting.drain(..whole);
    }
}
