//! Ten thousand connections that come to nothing: they are closed in time, take little memory and
//! give it back, and the server goes on letting others in.
//!
//! They need more descriptors than most systems give, and memory is counted for a whole process:
//! the test runs itself again as the server, with as many descriptors as it may have, and that one
//! runs itself once more as the crowd.

#![cfg(target_os = "linux")]

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::attack::CLIP;
use crate::attack::honest::Honest;
use crate::attack::raw::{PATIENCE, session};
use crate::support::scratch::Scratch;
use crate::support::served::Served;
use mms_examples::serve::Options;
use mms_proto::mmsp::frame::MessageWriter;

/// Connections, if the system allows so many.
const MANY: usize = 10_000;
/// Descriptors for everything else.
const SPARE: usize = 200;
/// Threads of the crowd: when the system has no room for more who wait to be let in, it tries again
/// a second later.
const THREADS: usize = 50;
/// How long a player may take to ask for a file. The whole crowd is there before that is over.
const HANDSHAKE: Duration = Duration::from_secs(10);
/// The most memory for one connection that comes to nothing, in KiB: there is a session on two of
/// three.
const EACH: u64 = 12;
/// What may be kept of one crowd more, in KiB: a third of what their sessions take.
const KEPT: u64 = 6 << 10;

/// Says which of the processes this is.
const ROLE: &str = "MMS_HALF_OPEN";
const TEST: &str = "attack::half_open::ten_thousand_half_open_connections";

/// A line of `/proc/self/status` in KiB.
fn memory(name: &str) -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
    line.trim_start_matches(':').trim().trim_end_matches(" kB").parse().unwrap()
}

/// How many descriptors this process may have.
fn descriptors() -> usize {
    let limits = fs::read_to_string("/proc/self/limits").unwrap();
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files")).unwrap();
    line.split_whitespace().next().unwrap().parse().unwrap_or(usize::MAX)
}

/// This test as another process, with all the descriptors that it may have.
fn again(role: &str) -> Command {
    let mut command = Command::new("sh");
    command.args(["-c", "ulimit -n \"$(ulimit -Hn)\"; exec \"$@\"", "sh"]);
    command.arg(std::env::current_exe().unwrap()).args(["--exact", TEST, "--nocapture"]);
    command.env(ROLE, role);
    command
}

/// How many it has.
fn open_descriptors() -> usize {
    fs::read_dir("/proc/self/fd").unwrap().count()
}

/// Connects so often, and says nothing or not enough. Then it leaves, or waits until it is thrown
/// out.
fn crowd(address: SocketAddr, count: usize, stays: bool) {
    let connect = session("clip.wmv")[0].clone();
    let connect = MessageWriter::default().write(0, |out| connect.encode(out));
    let come = |number: usize| {
        let mut socket = TcpStream::connect(address).unwrap();
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        let said = [0, connect.len() / 2, connect.len()][number % 3];
        socket.write_all(&connect[..said]).unwrap();
        socket
    };
    let mut sockets: Vec<TcpStream> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..THREADS)
            .map(|thread| {
                let mine = (thread..count).step_by(THREADS);
                scope.spawn(move || mine.map(come).collect::<Vec<_>>())
            })
            .collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    });
    println!("crowd: {} are there", sockets.len());
    for socket in sockets.iter_mut().filter(|_| stays) {
        let mut rest = Vec::new();
        // Closed with or without an answer, by an end or by a reset.
        if let Err(error) = socket.read_to_end(&mut rest) {
            assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset, "{error}");
        }
    }
    println!("crowd: all are gone");
}

/// Serves while a crowd comes and is thrown out, and two smaller ones come and go.
fn besieged() {
    let scratch = Scratch::new("half-open");
    fs::copy(CLIP, scratch.join("clip.wmv")).unwrap();
    let mut options = Options::new(&*scratch);
    options.max_players = 2 * MANY;
    let timeouts = options.timeouts.clone();
    options.timeouts = timeouts.with_handshake(HANDSHAKE).with_frame(HANDSHAKE);
    let server = Served::start(options);
    let honest = Honest::new(server.address, "clip.wmv");
    let count = MANY.min(descriptors().saturating_sub(SPARE));
    println!("{count} connections");
    let (before, descriptors) = (memory("VmRSS"), open_descriptors());
    let mut after = Vec::new();
    for (stays, count) in [("stays", count), ("leaves", count / 2), ("leaves", count / 2)] {
        let role = format!("{stays} {} {count}", server.address);
        let mut crowd = again(&role).stdout(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(crowd.stdout.take().unwrap()).lines();
        let mut lines = lines.map(Result::unwrap).filter(|line| line.contains("crowd: "));
        honest.undisturbed_by(|| {
            assert!(lines.next().unwrap().ends_with(&format!("{count} are there")));
            assert!(lines.next().unwrap().ends_with("all are gone"));
            assert!(crowd.wait().unwrap().success());
            let begun = Instant::now();
            // The honest player has some.
            while open_descriptors() > descriptors + 10 {
                assert!(begun.elapsed() < PATIENCE, "{} descriptors", open_descriptors());
                std::thread::sleep(Duration::from_millis(10));
            }
        });
        after.push(memory("VmRSS"));
    }
    let most = memory("VmHWM") - before;
    println!("{before} KiB before, {most} KiB more at most, {after:?} KiB after");
    assert!(most < EACH * MANY as u64, "{most} KiB for {count} connections");
    // Memory that the system was not given back is used again: it grows no more.
    assert!(after[2] < after[1] + KEPT, "{after:?} KiB");
    // The first crowd: one in three said nothing, one began to speak, one said who it was.
    let timed_out = |line: &&String| line.contains(" s while connecting");
    let silent = server.lines().iter().filter(timed_out).count();
    assert!(silent >= count / 3, "{silent} of {count}");
}

#[test]
fn ten_thousand_half_open_connections() {
    match std::env::var(ROLE) {
        Err(_) => {
            let output = again("besieged").output().unwrap();
            let said = String::from_utf8_lossy(&output.stdout);
            println!("{said}");
            let errors = String::from_utf8_lossy(&output.stderr);
            assert!(output.status.success(), "{said}{errors}");
            assert!(said.contains("1 passed"), "{said}");
        }
        Ok(role) => match role.split(' ').collect::<Vec<_>>()[..] {
            [stays, address, count] => {
                crowd(address.parse().unwrap(), count.parse().unwrap(), stays == "stays");
            }
            _ => besieged(),
        },
    }
}
