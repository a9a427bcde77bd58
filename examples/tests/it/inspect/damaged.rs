//! `inspect` and damaged files.

use std::fs;
use std::path::Path;

use crate::scripted::program::run;
use crate::support::scratch::Scratch;
use mms_examples::inspect::Report;
use serde_json::Value;

const CLIP: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/clips/test-pattern.wmv");

/// Everything that there is to tell, without a panic. True when it could be read.
fn look(path: &Path) -> bool {
    match Report::of(path) {
        Ok(report) => {
            let text = report.text();
            assert!(text.chars().all(|c| c == '\n' || !c.is_control()), "{text:?}");
            let whole = serde_json::to_string(&report.json()).unwrap();
            serde_json::from_str::<Value>(&whole).unwrap();
            true
        }
        Err(error) => {
            let line = error.to_string();
            assert!(line.contains("; ") && !line.contains(char::is_control), "{line}");
            false
        }
    }
}

/// The clip without most of its packets.
fn small() -> Vec<u8> {
    let mut bytes = fs::read(CLIP).unwrap();
    bytes.truncate(875 + 2 * 3200 + 10);
    bytes
}

#[test]
fn every_truncation() {
    let scratch = Scratch::new("truncated");
    let path = scratch.join("a.wmv");
    let small = small();
    let header = 875;
    for length in (0..=header + 20).chain((header + 20..small.len()).step_by(97)) {
        fs::write(&path, &small[..length]).unwrap();
        // The head of the Data Object, 50 bytes, may be missing, but not be cut.
        assert_eq!(look(&path), length == header - 50 || length >= header, "{length}");
    }
}

#[test]
fn changed_bytes() {
    let scratch = Scratch::new("changed");
    let path = scratch.join("a.wmv");
    let small = small();
    let mut seed = 1_u64;
    let mut random = || {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (seed >> 33) as usize
    };
    for _ in 0..1000 {
        let mut bytes = small.clone();
        for _ in 0..=random() % 8 {
            let at = if random() % 2 == 0 { random() % 900 } else { random() % small.len() };
            bytes[at] = random().to_le_bytes()[0];
        }
        fs::write(&path, &bytes).unwrap();
        look(&path);
    }
    for length in [1, 24, 100, 5000] {
        let noise: Vec<u8> = (0..length).map(|_| random().to_le_bytes()[0]).collect();
        fs::write(&path, noise).unwrap();
        assert!(!look(&path));
    }
}

#[test]
fn samples_from_elsewhere() {
    for path in mms_tests::asf_samples().unwrap_or_default() {
        look(&path);
    }
}

#[test]
fn the_program() {
    let scratch = Scratch::new("inspect");
    let text = run("inspect", &scratch, [CLIP]).done();
    assert!(text.contains("85 of 3200 bytes") && text.contains("320 x 240"), "{text}");
    let object: Value =
        serde_json::from_str(&run("inspect", &scratch, [CLIP, "--json"]).done()).unwrap();
    assert_eq!((&object["packets"], &object["error"]), (&85.into(), &Value::Null));
    assert_eq!(object["streams"].as_array().unwrap().len(), 2);

    fs::write(scratch.join("text.wmv"), "no ASF file").unwrap();
    fs::write(scratch.join("empty.wmv"), "").unwrap();
    fs::write(scratch.join("noise.wmv"), [7; 500]).unwrap();
    for (file, why) in [
        ("none.wmv", "cannot be read"),
        ("text.wmv", "is a text file, not ASF; "),
        ("empty.wmv", "is empty; "),
        ("noise.wmv", "is no ASF file, or its header is damaged ("),
        (".", "is no regular file"),
    ] {
        let ended = run("inspect", &scratch, [file, "--json"]);
        let line = ended.failed();
        assert!(line.starts_with(&format!("inspect: {file}: {why}")), "{line}");
        let object: Value = serde_json::from_slice(&ended.stdout).unwrap();
        assert!(object["error"].as_str().unwrap().starts_with(why), "{object}");
        assert!(run("inspect", &scratch, [file]).stdout.is_empty());
    }
    // A name may hold anything; the terminal gets one line of it.
    let ended = run("inspect", &scratch, ["no\n\u{1b}[2Jne.wmv"]);
    assert!(ended.failed().starts_with("inspect: no??[2Jne.wmv: cannot be read"), "{ended:?}");
    assert_eq!(run("inspect", &scratch, [""; 0]).status, Some(2));
}
