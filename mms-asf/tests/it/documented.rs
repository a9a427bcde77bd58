//! What the documentation says of every public item of a kind: where the specification describes
//! it, and when it fails. The compiler only sees that there is some.

use std::fs;
use std::path::{Path, PathBuf};

/// What stands for a structure of the specification, apart from the objects of the header, which
/// the first test finds by itself.
const STRUCTURES: [&str; 30] = [
    "AudioFormat",
    "AudioSpread",
    "BinaryFormat",
    "CodecEntry",
    "CommandSample",
    "DegradableJpegFormat",
    "Descriptor",
    "EncryptedObject",
    "EncryptionRecord",
    "Extension",
    "ExtensionSystem",
    "ExtensionValue",
    "Header",
    "Index",
    "IndexSpecifier",
    "JfifFormat",
    "LeakyBucket",
    "Marker",
    "MediaObjectIndex",
    "MetadataRecord",
    "Object",
    "Packet",
    "Payload",
    "ScriptCommand",
    "SimpleIndex",
    "Stream",
    "StreamBitrate",
    "StreamPriority",
    "TimecodeIndex",
    "VideoFormat",
];

/// A public item with its documentation.
#[derive(Debug)]
struct Item {
    /// Its first line; of a function all up to its body.
    head: String,
    doc: String,
}

impl Item {
    /// The name of a type; `None` for everything else.
    fn type_name(&self) -> Option<&str> {
        let name =
            ["pub struct ", "pub enum "].iter().find_map(|kind| self.head.strip_prefix(kind));
        name?.split(|c: char| !c.is_alphanumeric()).next()
    }

    /// "section 3.2 of the ASF specification" or "sections 3.3, 3.12 and 4.1".
    fn cites(&self) -> bool {
        let words = self.doc.split_whitespace().map(|word| word.trim_start_matches('('));
        let mut pairs = words.clone().zip(words.skip(1));
        pairs.any(|(word, number)| {
            ["section", "sections"].contains(&word)
                && number.starts_with(|c: char| c.is_ascii_digit())
        })
    }
}

/// The source files below a folder, without what tests are made with.
fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let tests = path.file_stem().is_some_and(|name| name == "testing" || name == "tests");
        if path.is_dir() && !tests {
            files.extend(sources(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") && !tests {
            files.push(path);
        }
    }
    files
}

/// All public items of the crate that have a line of their own.
fn items() -> Vec<Item> {
    let mut items = Vec::new();
    for file in sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src")) {
        let text = fs::read_to_string(file).unwrap();
        let mut doc = String::new();
        let mut lines = text.lines().map(str::trim);
        while let Some(line) = lines.next() {
            if let Some(said) = line.strip_prefix("///") {
                doc.push_str(said);
                doc.push(' ');
                continue;
            }
            if line.starts_with("#[") {
                continue;
            }
            if line.starts_with("pub ") {
                let mut head = line.to_owned();
                while head.starts_with("pub fn ") && !head.ends_with(['{', ';']) {
                    let Some(more) = lines.next() else { break };
                    head.push_str(more);
                }
                items.push(Item { head, doc: std::mem::take(&mut doc) });
            }
            doc.clear();
        }
    }
    items
}

#[test]
fn structures_name_their_section() {
    let items = items();
    let objects = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/src/objects.rs"));
    let objects = objects.unwrap();
    let bodies = objects.split("\n        $then! {").nth(1).and_then(|rest| rest.split('}').next());
    let bodies = bodies.unwrap().split(',').map(str::trim).filter(|name| !name.is_empty());
    let bodies: Vec<&str> = bodies.collect();
    assert!(bodies.len() > 20, "{bodies:?}");
    let mut missing = Vec::new();
    for name in bodies.iter().copied().chain(STRUCTURES) {
        match items.iter().find(|item| item.type_name() == Some(name)) {
            Some(item) if item.cites() => {}
            // A macro makes these three.
            None if name.ends_with("IndexParameters") => {}
            found => missing.push((name, found.map(|item| &item.doc))),
        }
    }
    assert!(missing.is_empty(), "{missing:#?}");
}

#[test]
fn functions_say_when_they_fail() {
    let items = items();
    let fallible: Vec<_> = items
        .iter()
        .filter(|item| item.head.starts_with("pub fn "))
        .filter(|item| item.head.split("->").last().is_some_and(|end| end.contains("Result<")))
        .collect();
    assert!(fallible.len() > 60, "{}", fallible.len());
    let silent: Vec<_> = fallible
        .iter()
        .filter(|item| {
            !["Fails", "fails", "error", "# Errors"].iter().any(|word| item.doc.contains(word))
        })
        .collect();
    assert!(silent.is_empty(), "{silent:#?}");
}
