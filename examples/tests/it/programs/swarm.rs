//! `swarm` as it is run, with few players and for a short time.

use std::io::Read as _;
use std::process::{Command, Output};
use std::time::Duration;

use crate::support::program::Running;

/// Far more than anything here takes.
const PATIENCE: Duration = Duration::from_secs(120);

fn swarm(arguments: &[&str]) -> Output {
    let program = crate::support::program::build("swarm", !cfg!(debug_assertions));
    let mut running = Running::start(Command::new(program).args(arguments));
    let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
    let status = running.ends_within(PATIENCE).expect("swarm does not end");
    running.0.stdout.take().unwrap().read_to_end(&mut stdout).unwrap();
    running.0.stderr.take().unwrap().read_to_end(&mut stderr).unwrap();
    Output { status, stdout, stderr }
}

#[test]
fn every_packet_comes_to_every_player() {
    // How late they are depends on what else the machine does.
    let wanted = ["--late", "60000", "--memory", "4096"];
    let output = swarm(&[&["--sessions", "40", "--seconds", "3"], &wanted[..]].concat());
    let table = String::from_utf8(output.stdout).unwrap();
    println!("{table}{}", String::from_utf8_lossy(&output.stderr));
    assert!(table.starts_with("40 sessions at 64 kbit/s for 3 s from one process\n"));
    let line = |name: &str| {
        let line = table.lines().find_map(|line| line.strip_prefix(name)).expect(name);
        line.split_whitespace().collect::<Vec<_>>()
    };
    assert_eq!(line("players that came to the end"), ["40", "40", "yes"]);
    assert_eq!(line("packets"), ["1200", "1200", "yes"]);
    assert_eq!(line("the latest by")[2..], ["60000", "ms", "at", "most", "yes"]);
    if cfg!(target_os = "linux") {
        let memory = line("memory of the server a session");
        let kibibytes: f64 = memory[0].parse().unwrap();
        assert!(kibibytes > 0.0, "{memory:?}");
        assert_eq!(memory[1..], ["KiB", "4096", "KiB", "at", "most", "yes"]);
    }
    assert_eq!(output.status.code(), Some(0));
}

#[test]
fn what_is_missed_is_said() {
    // No packet is in time to the nanosecond.
    let output = swarm(&["--sessions", "2", "--seconds", "1", "--late", "0", "--memory", "4096"]);
    let table = String::from_utf8(output.stdout).unwrap();
    let late = table.lines().find(|line| line.starts_with("the latest by")).unwrap();
    assert!(late.ends_with("0 ms at most    no"), "{late}");
    assert_eq!(output.status.code(), Some(1), "{table}");
}

#[test]
fn one_player_beside_a_flood() {
    let output = swarm(&["--flood", "30", "--seconds", "2", "--late", "60000"]);
    let tables = String::from_utf8(output.stdout).unwrap();
    println!("{tables}{}", String::from_utf8_lossy(&output.stderr));
    for empty in [0, 7] {
        let title = format!(
            "1 sessions for 2 s beside 30 connections that seek without end; the file declares \
             {empty} empty streams"
        );
        let (_, table) = tables.split_once(&title).unwrap();
        let line = |name: &str| {
            let line = table.lines().find_map(|line| line.strip_prefix(name)).expect(name);
            line.split_whitespace().collect::<Vec<_>>()
        };
        assert_eq!(line("players that came to the end"), ["1", "1", "yes"]);
        let plays: u64 = line("play commands of the flood")[0].parse().unwrap();
        assert!(plays > 30, "{plays}");
    }
    assert_eq!(output.status.code(), Some(0));
}
