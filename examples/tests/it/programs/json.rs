//! JSON of the programs: names that come from elsewhere cannot move a terminal or break a line.

#![cfg(unix)]

use crate::scripted::program::run;
use crate::support::scratch::Scratch;
use mms_examples::record::Demo;
use mms_examples::text::is_control;
use serde_json::Value;

const CLIP: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/clips/test-pattern.wmv");
/// C1 controls, marks of direction, separators, and a letter.
const NAME: &str = "a\u{85}\u{9b}2J\u{202e}\u{2066}\u{200f}\u{2028}\u{2029}\u{feff}\u{e9}.wmv";

#[test]
fn what_is_not_seen_is_escaped() {
    let scratch = Scratch::new("json");
    std::fs::copy(CLIP, scratch.join(NAME)).unwrap();
    let server = Demo::start().unwrap();
    let url = server.url().to_string();
    for (program, arguments, key) in [
        ("inspect", &[NAME, "--json"][..], "file"),
        ("inspect", &[NAME, "--json", "--packets"], "file"),
        ("repair", &[NAME, "-o", "b.wmv", "--json"], "input"),
        ("filter", &[NAME, "-o", "c.wmv", "--streams", "1", "--json"], "input"),
        ("record", &[&url, "-o", NAME, "--force", "--json"], "file"),
    ] {
        let text = run(program, &scratch, arguments).done();
        let object: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(object[key], NAME, "{program}");
        assert!(!text.contains(|c| c != '\n' && is_control(c)), "{program}: {text:?}");
        assert!(text.contains(r"a\u0085\u009b2J\u202e\u2066\u200f\u2028\u2029\ufeffé"), "{text}");
    }
    let refused = run("record", &scratch, [&url, "-o", NAME]);
    assert!(refused.failed().contains("a??2J??????é.wmv exists already"), "{refused:?}");
    // One line each, for people too.
    let text = run("record", &scratch, [&url, "-o", NAME, "--force"]).done();
    assert!(text.contains("to a??2J??????é.wmv (85 packets"), "{text}");
}
