//! The programs as they are run: what they print, what they refuse, how they end.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use crate::support::program::Running;
use crate::support::scratch::Scratch;
use mms_proto::mmsp::{Client, ClientConfig};
use mms_proto::{ClientEvent, CloseReason, Input, Machine as _, PlayRequest, StreamNumber};
use serde_json::Value;

const CLIP: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/clips/test-pattern.wmv");
const CLIP_PACKETS: usize = 85;
/// Far more than anything here takes.
const PATIENCE: Duration = Duration::from_secs(60);

fn program(name: &str) -> PathBuf {
    crate::support::program::build(name, !cfg!(debug_assertions))
}

/// Runs a program to its end.
fn run(name: &str, arguments: &[&str]) -> Output {
    let mut running = Running::start(Command::new(program(name)).args(arguments));
    let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
    let status = running.ends_within(PATIENCE).unwrap_or_else(|| panic!("{name} does not end"));
    running.0.stdout.take().unwrap().read_to_end(&mut stdout).unwrap();
    running.0.stderr.take().unwrap().read_to_end(&mut stderr).unwrap();
    Output { status, stdout, stderr }
}

fn assert_fails(name: &str, arguments: &[&str], code: i32, reason: &str) {
    let output = run(name, arguments);
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{name} {arguments:?}: {stderr}");
    assert!(stderr.contains(reason), "{name} {arguments:?}: no {reason:?} in {stderr}");
    assert_eq!(output.stdout, b"", "{name} {arguments:?}");
}

/// The lines that a program prints, as they come.
fn lines(output: impl Read + Send + 'static) -> Receiver<String> {
    let (sender, receiver) = channel();
    std::thread::spawn(move || {
        for line in BufReader::new(output).lines().map_while(Result::ok) {
            if sender.send(line).is_err() {
                return;
            }
        }
    });
    receiver
}

/// `serve`, running.
struct Serve {
    running: Running,
    urls: Vec<String>,
    address: SocketAddr,
    said: Receiver<String>,
}

impl Serve {
    /// Starts to serve a folder of so many files on a free port.
    fn start(folder: &Path, files: usize, more: &[&str]) -> Self {
        let mut command = Command::new(program("serve"));
        command.arg(folder).args(["--listen", "127.0.0.1:0"]).args(more);
        Self::run(&mut command, files)
    }

    fn run(command: &mut Command, files: usize) -> Self {
        let mut running = Running::start(command);
        let stdout = lines(running.0.stdout.take().unwrap());
        let said = lines(running.0.stderr.take().unwrap());
        let urls: Vec<_> = (0..files).map(|_| stdout.recv_timeout(PATIENCE).unwrap()).collect();
        let host = urls[0].strip_prefix("mms://").unwrap().split('/').next().unwrap();
        Self { address: host.parse().unwrap(), running, urls, said }
    }

    /// The next line about a player that has left.
    fn says(&self) -> String {
        loop {
            let line = self.said.recv_timeout(PATIENCE).unwrap();
            if line.contains(" left after ") {
                return line;
            }
        }
    }
}

/// What a line says after the time of day, which it begins with.
fn without_time(line: &str) -> &str {
    let (time, rest) = line.split_once(' ').unwrap();
    let form = time.replace(|c: char| c.is_ascii_digit(), "0");
    assert_eq!(form, "0000-00-00T00:00:00Z", "{line}");
    rest
}

/// Fetches a file by the rules and returns the packets, or why there are none.
fn fetch(address: SocketAddr, path: &str) -> Result<usize, CloseReason> {
    let mut socket = TcpStream::connect(address).unwrap();
    let mut config = ClientConfig::new("127.0.0.1", path);
    // One that is sent packets as they are in the file.
    config.session.player = "NSPlayer/7.1.0.3055".to_owned();
    let mut client = Client::new(Instant::now(), config);
    let streams = (1..=2).filter_map(StreamNumber::new);
    let mut packets = 0;
    loop {
        match client.poll_output() {
            mms_proto::Output::Transmit { data: bytes, .. } => {
                socket.write_all(&bytes.to_bytes()).unwrap()
            }
            mms_proto::Output::Event(ClientEvent::Ready(_)) => {
                client.play(Instant::now(), PlayRequest::all(streams.clone())).unwrap();
            }
            mms_proto::Output::Event(ClientEvent::Packet(_)) => packets += 1,
            mms_proto::Output::Event(ClientEvent::EndOfStream { .. }) => {
                client.close(Instant::now());
            }
            mms_proto::Output::Event(ClientEvent::Closed(CloseReason::Local)) => {
                return Ok(packets);
            }
            mms_proto::Output::Event(ClientEvent::Closed(reason)) => return Err(reason),
            mms_proto::Output::Event(_) => {}
            mms_proto::Output::Connect { .. }
            | mms_proto::Output::Close { .. }
            | mms_proto::Output::Datagram(_) => {
                unreachable!("a session over one connection")
            }
            mms_proto::Output::Wait(_) => {
                let mut bytes = vec![0; 0x1_0000];
                let count = socket.read(&mut bytes).unwrap();
                let now = Instant::now();
                let input =
                    if count == 0 { Input::tcp_closed() } else { Input::tcp(&bytes[..count]) };
                client.handle_input(now, input).unwrap();
            }
        }
    }
}

#[test]
fn serve_prints_an_address_for_each_file_at_once() {
    let scratch = Scratch::new("addresses");
    fs::create_dir(scratch.join("sub folder")).unwrap();
    for name in ["b.wmv", "sub folder/100%.asf", "a.WMA", "notes.txt"] {
        fs::copy(CLIP, scratch.join(name)).unwrap();
    }
    let serve = Serve::start(&scratch, 3, &["--pace", "full"]);
    let at = |path: &str| format!("mms://{}/{path}", serve.address);
    assert_eq!(serve.urls, [at("a.WMA"), at("b.wmv"), at("sub%20folder/100%25.asf")]);
    assert_ne!(serve.address.port(), 0);
    for url in &serve.urls {
        let path = url.splitn(4, '/').last().unwrap();
        assert_eq!(fetch(serve.address, path), Ok(CLIP_PACKETS), "{url}");
        let said = serve.says();
        assert!(said.ends_with(&format!("\"{path}\" 85 packets, 272000 bytes")), "{said}");
    }
}

#[test]
fn serve_reports_in_json() {
    let serve = Serve::start(Path::new(CLIP), 1, &["--pace", "full", "--json-log"]);
    assert_eq!(fetch(serve.address, "test-pattern.wmv"), Ok(CLIP_PACKETS));
    assert!(fetch(serve.address, "\u{202e}\n\"").is_err());
    let lines: Vec<Value> = (0..4)
        .map(|_| serde_json::from_str(&serve.said.recv_timeout(PATIENCE).unwrap()).unwrap())
        .collect();
    let told = |event: &str| lines.iter().filter(|line| line["event"] == event).collect::<Vec<_>>();
    let [opened] = told("opened")[..] else { panic!("{lines:#?}") };
    assert_eq!(opened["file"], "test-pattern.wmv");
    assert_eq!(opened["product"], "NSPlayer/7.1.0.3055");
    let [log] = told("log")[..] else { panic!("{lines:#?}") };
    assert_eq!(log["packets_received"], CLIP_PACKETS);
    let [left, refused] = told("left")[..] else { panic!("{lines:#?}") };
    assert_eq!((&left["packets"], &left["bytes"]), (&CLIP_PACKETS.into(), &272_000.into()));
    assert_eq!((&left["error"], &left["refused"]), (&Value::Null, &Value::Null));
    assert_eq!(refused["file"], "\u{202e}\n\"");
    assert_eq!(refused["refused"], "there is no such file");
}

#[cfg(unix)]
#[test]
fn what_serve_prints_can_be_recorded() {
    let scratch = Scratch::new("backslash");
    fs::copy(CLIP, scratch.join(r"a\b.wmv")).unwrap();
    let serve = Serve::start(&scratch, 1, &["--pace", "full"]);
    let to = scratch.join("copy");
    let output = run("record", &[&serve.urls[0], "-q", "-o", to.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert!(serve.says().contains("85 packets"));
}

#[test]
fn serve_refuses_with_a_reason_while_others_play_on() {
    let scratch = Scratch::new("refusals");
    let clip = fs::read(CLIP).unwrap();
    let folder = scratch.join("served");
    fs::create_dir(&folder).unwrap();
    fs::write(scratch.join("secret.wmv"), &clip).unwrap();
    let packets = clip.len() - clip.len() % 3200;
    for (name, bytes) in [
        ("good.wmv", &clip[..]),
        ("cut header.wmv", &clip[..300]),
        ("header only.wmv", &clip[..875]),
        ("garbage.wmv", &clip[packets / 2..packets]),
        ("empty.wmv", &[]),
    ] {
        fs::write(folder.join(name), bytes).unwrap();
    }
    let serve = Serve::start(&folder, 1, &["--pace", "realtime"]);
    for name in ["cut header.wmv", "empty.wmv", "garbage.wmv", "header only.wmv"] {
        let said = serve.said.recv_timeout(PATIENCE).unwrap();
        assert!(without_time(&said).starts_with(&format!("{name} is left out: ")), "{said}");
    }
    let address = serve.address;
    // Six seconds, more than all the refusals take.
    let player = std::thread::spawn(move || fetch(address, "good.wmv"));
    for (path, reply, reason) in [
        ("missing.wmv", "does not have", "\"missing.wmv\" refused: there is no such file"),
        ("../secret.wmv", "does not have", "refused: there is no such file"),
        ("%2e%2e/secret.wmv", "does not have", "refused: there is no such file"),
        ("/etc/passwd", "does not have", "refused: there is no such file"),
        ("", "does not have", "\"\" refused: there is no such file"),
        ("cut header.wmv", "open", "\"cut%20header.wmv\" refused: "),
        ("header only.wmv", "open", "refused: the file holds no whole packet"),
        ("garbage.wmv", "open", "refused: "),
        ("empty.wmv", "open", "refused: "),
    ] {
        let CloseReason::Failed(error) = fetch(address, path).unwrap_err() else {
            panic!("{path}: another reason");
        };
        assert!(error.to_string().contains(reply), "{path}: {error}");
        let said = serve.says();
        assert!(said.contains(reason), "{path}: {said}");
        println!("{said}; told the player: {error}");
    }
    assert_eq!(player.join().unwrap(), Ok(CLIP_PACKETS));
}

#[cfg(unix)]
#[test]
fn serve_raises_the_limit_of_open_files_or_says_what_is_missing() {
    let start = |limits: &str| {
        let mut command = Command::new("sh");
        command.args(["-c", &format!("{limits}; exec \"$@\""), "sh"]).arg(program("serve"));
        command.args([CLIP, "--listen", "127.0.0.1:0", "--max-clients", "200"]);
        Serve::run(&mut command, 1)
    };
    let raised = start("ulimit -S -n 64");
    let limits = fs::read_to_string(format!("/proc/{}/limits", raised.running.0.id()));
    if let Ok(limits) = limits {
        let line = limits.lines().find(|line| line.starts_with("Max open files")).unwrap();
        assert_eq!(line.split_whitespace().nth(3), Some("264"), "{line}");
    }
    let hard = start("ulimit -n 64");
    let said = hard.said.recv_timeout(PATIENCE).unwrap();
    let wanted = "the system allows 64 open files, enough for 0 players of 200; ";
    assert!(without_time(&said).starts_with(wanted), "{said}");
}

#[cfg(unix)]
#[test]
fn a_pipe_in_a_list_does_not_hold_the_server() {
    let scratch = Scratch::new("fifo");
    fs::copy(CLIP, scratch.join("a.wmv")).unwrap();
    let pipe = scratch.join("pipe.wmv");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let list = scratch.join("list.m3u");
    fs::write(&list, "pipe.wmv\na.wmv\npipe.wmv\n").unwrap();
    for live in [false, true] {
        let mut command = Command::new(program("serve"));
        command.arg("--playlist").arg(&list).args(["--listen", "127.0.0.1:0"]);
        command.args(if live { &["--live", "--loop"][..] } else { &["--pace", "full"] });
        let mut serve = Serve::run(&mut command, 1);
        let said = serve.said.recv_timeout(PATIENCE).unwrap();
        assert!(said.contains("pipe.wmv: ") && said.contains("it is not a regular file"), "{said}");
        if !live {
            assert_eq!(fetch(serve.address, "list"), Ok(CLIP_PACKETS));
        }
        let id = serve.running.0.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
        let status = serve.running.ends_within(PATIENCE).unwrap();
        assert_eq!(status.code(), Some(0));
    }
    let pipe = pipe.to_str().unwrap();
    let reason = "it is not a regular file but a pipe";
    assert_fails("serve", &[pipe], 1, reason);
    assert_fails("serve", &["--playlist", pipe], 1, reason);
    assert_fails("serve", &[CLIP, "--users", pipe], 1, reason);
}

#[test]
fn an_address_that_is_everywhere_is_shown_as_one_that_others_reach() {
    let mut command = Command::new(program("serve"));
    let serve = Serve::run(command.args([CLIP, "--listen", "0.0.0.0:0", "--pace", "full"]), 1);
    assert!(!serve.address.ip().is_unspecified(), "{}", serve.address);
    assert_eq!(fetch(serve.address, "test-pattern.wmv"), Ok(CLIP_PACKETS));
    // One name, however it is asked for.
    assert!(without_time(&serve.says()).contains(": \"test-pattern.wmv\" 85 packets"));
    assert_eq!(fetch(serve.address, "/test%2Dpattern.wmv?a=b"), Ok(CLIP_PACKETS));
    assert!(without_time(&serve.says()).contains(": \"test-pattern.wmv\" 85 packets"));
}

#[cfg(unix)]
#[test]
fn serve_goes_on_when_descriptors_run_out() {
    let mut command = Command::new("sh");
    command.args(["-c", "ulimit -n 40; exec \"$@\"", "sh"]).arg(program("serve")).arg(CLIP);
    let serve = Serve::run(command.args(["--listen", "127.0.0.1:0", "--pace", "full"]), 1);
    let _silent: Vec<_> = (0..100).map(|_| TcpStream::connect(serve.address).unwrap()).collect();
    // Those that say nothing make room.
    for _ in 0..3 {
        assert_eq!(fetch(serve.address, "test-pattern.wmv"), Ok(CLIP_PACKETS));
    }
    let mut lines = std::iter::from_fn(|| serve.said.recv_timeout(PATIENCE).ok());
    assert!(lines.any(|line| without_time(&line).starts_with("cannot accept more: ")));
}

#[test]
fn serve_ends_with_0_when_it_is_told_to() {
    if !cfg!(unix) {
        // Nothing but Ctrl-C at a console tells it there.
        return;
    }
    for signal in ["-INT", "-TERM"] {
        let mut serve = Serve::start(Path::new(CLIP), 1, &[]);
        // A player that stays does not keep it.
        let player = TcpStream::connect(serve.address).unwrap();
        let id = serve.running.0.id().to_string();
        assert!(Command::new("kill").args([signal, &id]).status().unwrap().success());
        let status = serve.running.ends_within(PATIENCE).unwrap();
        assert_eq!(status.code(), Some(0), "{signal}");
        drop(player);
    }
}

#[test]
fn serve_ends_with_1_when_it_cannot_serve() {
    let scratch = Scratch::new("failures");
    let empty = scratch.to_str().unwrap();
    assert_fails("serve", &[empty], 1, "there is no .wmv, .wma or .asf file in");
    let missing = scratch.join("missing.wmv");
    let missing = missing.to_str().unwrap();
    assert_fails("serve", &[missing], 1, &format!("cannot read {missing}"));
    for (content, why) in [("", "it is empty"), ("a line of text\n", "it is text, not ASF")] {
        let named = scratch.join("named.wmv");
        fs::write(&named, content).unwrap();
        let named = named.to_str().unwrap();
        assert_fails("serve", &[named], 1, &format!("cannot serve {named}: {why}; "));
    }
    let users = scratch.join("users.txt");
    fs::write(&users, "anna\n").unwrap();
    let users = users.to_str().unwrap();
    let reason = format!("line 1 of {users} has no colon; write name:password");
    assert_fails("serve", &[CLIP, "--users", users], 1, &reason);
    assert_fails("serve", &["--playlist", missing], 1, &format!("cannot read {missing}"));
    assert_fails(
        "serve",
        &["--playlist", CLIP],
        1,
        "is an ASF file, not a list; leave out --playlist",
    );
    let list = scratch.join("list.m3u");
    fs::write(&list, CLIP).unwrap();
    let list = list.to_str().unwrap();
    let hint = format!("{list} is a list; play its files with --playlist {list}");
    assert_fails("serve", &[list], 1, &hint);
    assert_fails("serve", &[list, "--live"], 1, &hint);
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let reason = format!("cannot listen on {address}");
    assert_fails("serve", &[CLIP, "--listen", &address], 1, &reason);
}

#[test]
fn serve_ends_with_2_when_it_is_called_wrongly() {
    assert_fails("serve", &[], 2, "Usage");
    assert_fails("serve", &[CLIP, "--listen", "somewhere"], 2, "--listen");
    assert_fails("serve", &[CLIP, "--pace", "slow"], 2, "realtime, full");
    assert_fails("serve", &[CLIP, "--max-clients", "0"], 2, "nobody could play");
    assert_fails("serve", &[CLIP, "--redirect", "a.wmv"], 2, "write FROM=URL");
    assert_fails("serve", &[CLIP, "--redirect", "a=http://b/"], 2, "has to begin with mmst://");
    assert_fails("serve", &["-"], 2, "standard input can only be played --live");
    assert_fails("serve", &[CLIP, "--loop"], 2, "--loop is for --live");
    assert_fails("serve", &["-", "--live", "--loop"], 2, "standard input cannot begin again");
    assert_fails("serve", &[CLIP, "--live", "--pace", "full"], 2, "--pace is for files on demand");
    assert_fails("serve", &[CLIP, "--live", "--playlist", "x"], 2, "--live plays one thing");
    assert_fails("relay", &[], 2, "Usage");
    assert_fails("relay", &["http://example.org/"], 2, "use mms:// or mmst://");
    for name in ["serve", "relay"] {
        let help = run(name, &["--help"]);
        assert_eq!(help.status.code(), Some(0));
        assert!(String::from_utf8_lossy(&help.stdout).contains("--listen"));
    }
}
