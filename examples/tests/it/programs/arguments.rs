//! What all programs do alike with their arguments: none repeats a password, all have a version.

use std::io::{BufRead as _, BufReader};

use crate::scripted::program::{Ended, program, run};
use crate::support::player;
use crate::support::scratch::Scratch;
use crate::support::served::Served;
use mms_examples::serve::Options;

const PROGRAMS: [&str; 8] =
    ["record", "serve", "relay", "swarm", "inspect", "repair", "filter", "tokio_client"];

fn refused(program: &'static str, arguments: &[&str]) -> Ended {
    let ended = run(program, &Scratch::new("arguments"), arguments);
    assert_eq!(ended.status, Some(2), "{program} {arguments:?}: {}", ended.stderr);
    assert!(ended.stderr.contains("error:"), "{}", ended.stderr);
    for secret in ["sesame", "alice"] {
        assert!(!ended.stderr.contains(secret), "{program} {arguments:?}: {}", ended.stderr);
    }
    ended
}

#[test]
fn a_wrong_address_is_not_repeated_with_its_password() {
    for address in [
        "http://alice:sesame@host/clip.wmv",
        "mms://alice:sesame@host:99999/clip.wmv",
        "mms:/alice:sesame@host",
        "mms://alice:sesame",
        "alice:sesame@host/clip.wmv",
    ] {
        for program in ["record", "relay", "tokio_client"] {
            refused(program, &[address]);
        }
        refused("serve", &["film.wmv", "--redirect", &format!("a.wmv={address}")]);
        refused("serve", &["film.wmv", &format!("--redirect={address}")]);
        refused("serve", &["film.wmv", "--listen", address]);
        refused("swarm", &["--listen", address]);
        refused("filter", &["a.wmv", "-o", "b.wmv", "--streams", address]);
    }
}

#[test]
fn a_surplus_argument_is_not_repeated_with_its_password() {
    let surplus = "mms://alice:sesame@host/clip.wmv";
    for program in ["record", "relay", "tokio_client"] {
        refused(program, &["mms://host/clip.wmv", surplus]);
    }
    refused("serve", &["film.wmv", surplus]);
    refused("swarm", &[surplus]);
    refused("inspect", &["film.wmv", surplus]);
    refused("repair", &["film.wmv", surplus]);
    refused("filter", &["a.wmv", "-o", "b.wmv", "--streams", "1", surplus]);
    let option = format!("--{surplus}");
    for program in PROGRAMS {
        refused(program, &[&option]);
    }
}

#[test]
fn every_program_has_a_version() {
    for program in PROGRAMS {
        let ended = run(program, &Scratch::new("version"), ["--version"]);
        assert_eq!(ended.status, Some(0), "{program}");
        let version = format!("{program} {}\n", env!("CARGO_PKG_VERSION"));
        assert_eq!(ended.stdout, version.as_bytes());
    }
}

#[test]
fn a_name_needs_a_password() {
    for program in ["record", "relay"] {
        let ended = refused(program, &["mms://host/clip.wmv", "--user", "bert"]);
        assert!(ended.stderr.contains("MMS_PASSWORD"), "{}", ended.stderr);
    }
}

#[test]
fn relay_logs_in() {
    let scratch = Scratch::new("relay-login");
    let users = scratch.join("users.txt");
    std::fs::write(&users, "alice:open sesame\n").unwrap();
    let mut options = Options::new(concat!(env!("CARGO_MANIFEST_DIR"), "/clips/test-pattern.wmv"));
    options.users = Some(users);
    // In real time: a relay that comes to the end before its player has nothing for it.
    options.pace = mms_examples::serve::Pace::BitRate;
    let server = Served::start(options);
    let url = format!("mms://{}/test-pattern.wmv", server.address);
    let ended = run("relay", &scratch, [&url, "--listen", "127.0.0.1:0"]);
    assert_eq!(ended.status, Some(1), "{}", ended.stderr);
    assert!(ended.stderr.contains("a user name and password are needed"), "{}", ended.stderr);

    let arguments = [&url, "--listen", "127.0.0.1:0", "--user", "alice"];
    let mut command = program("relay", &scratch, arguments);
    let mut relay = command.env("MMS_PASSWORD", "open sesame").spawn().unwrap();
    let mut line = String::new();
    BufReader::new(relay.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let host = line.strip_prefix("mms://").unwrap().split('/').next().unwrap();
    let packets = player::fetch(host.parse().unwrap(), "test-pattern.wmv");
    let _ = relay.kill();
    let ended: Ended = relay.wait_with_output().unwrap().into();
    assert!(packets.is_ok_and(|count| count > 0), "{}", ended.stderr);
    assert!(!ended.stderr.contains("sesame"), "{}", ended.stderr);
}
