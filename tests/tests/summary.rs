//! The last test program of `cargo test --workspace`: packages run in the order of their names.
//! Sums up what was skipped.

use std::collections::BTreeMap;
use std::io::{self, Write as _};

#[test]
fn skipped_tests_are_listed() {
    let lines = mms_tests::take_skipped();
    let mut reasons = BTreeMap::<&str, usize>::new();
    for line in &lines {
        let (_, reason) = line.rsplit_once(": ").unwrap();
        *reasons.entry(reason).or_default() += 1;
    }
    let mut summary = format!("\n{} tests skipped, or parts of them", lines.len());
    for (reason, count) in &reasons {
        summary += &format!("\n  {count}: {reason}");
    }
    if lines.is_empty() {
        summary = "\nno test was skipped".to_owned();
    }
    assert_eq!(reasons.values().sum::<usize>(), lines.len());
    // Not `println!`, which the harness captures.
    io::stderr().write_all((summary + "\n").as_bytes()).unwrap();
}
