//! Cargo, run by a test.
//!
//! It may run inside `cargo test`: cargo gives its lock back before the tests run. With the whole
//! workspace selected, the features are those of `cargo test --workspace`, so that nothing is
//! built twice.

use std::process::{Command, Stdio};

use serde_json::Value;

/// What `cargo ARGUMENTS --workspace` built, with the profile `release` or the usual one: one JSON
/// object an artifact.
pub(crate) fn artifacts(arguments: &[&str], release: bool) -> Vec<Value> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .args(arguments)
        .args(["--workspace", "--offline", "--message-format=json"])
        .args(release.then_some("--release"))
        .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "cargo {arguments:?}: {errors}");
    let lines = String::from_utf8(output.stdout).unwrap();
    lines
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap())
        .filter(|message| message["reason"] == "compiler-artifact")
        .collect()
}
