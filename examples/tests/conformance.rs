//! `docs/conformance.md` names a test for every requirement of MS-MMSP: they exist, are run, and
//! say which requirements they prove.
//!
//! A program of its own: it names requirements for another reason than to prove them, and waits for
//! cargo, which nothing else should do beside it.

#![cfg(test)]

#[path = "it/support/cargo.rs"]
mod cargo;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The requirements: letter and number of the last one.
const GROUPS: [(char, u32); 3] = [('W', 75), ('C', 121), ('S', 104)];

/// What waits, and for which part of the project. A requirement leaves this list when its part is
/// done, and none joins it unnoticed.
#[rustfmt::skip]
const LATER: [(&str, char, &[u32]); 5] = [
    ("UDP", 'W', &[28, 73, 75]),
    ("UDP", 'C', &[24, 26, 45, 46, 47, 48, 49, 54, 93, 96, 97, 98, 99, 100, 101, 113, 114, 115, 116, 117, 118]),
    ("UDP", 'S', &[11, 31, 66, 73, 75, 76, 77, 78, 79, 98, 101, 102, 103, 104]),
    ("HTTP", 'C', &[109, 120]),
    ("NTLM", 'C', &[112]),
];

/// What was decided against; the page says why.
const AGAINST: [&str; 1] = ["MMSP-S-004"];

/// A test that proves more than this many requirements proves none of them well, unless it is a
/// table with a line for each and says so.
const MOST_IDS: usize = 5;
const TABLE: &str = "table keyed by id";

/// One line of the tables.
#[derive(Debug)]
struct Row {
    id: String,
    proof: Proof,
}

#[derive(Debug, PartialEq, Eq)]
enum Proof {
    Tests(Vec<String>),
    Later(String),
    DecidedAgainst,
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// The tables of the page.
fn rows() -> Vec<Row> {
    let text = fs::read_to_string(root().join("docs/conformance.md")).unwrap();
    text.lines().filter(|line| line.starts_with("| MMSP-")).map(row).collect()
}

fn row(line: &str) -> Row {
    let cells = line.strip_prefix("| ").and_then(|rest| rest.trim_end().strip_suffix(" |"));
    let cells = cells.unwrap_or_else(|| panic!("no table row: {line}"));
    let (Some((id, _)), Some((_, tests))) = (cells.split_once(" | "), cells.rsplit_once(" | "))
    else {
        panic!("no table row: {line}");
    };
    let proof = match (tests.strip_prefix("later: "), tests.strip_prefix("decided against: ")) {
        (Some(part), _) => Proof::Later(part.to_owned()),
        (None, Some(reason)) => {
            assert!(!reason.is_empty(), "no reason: {line}");
            Proof::DecidedAgainst
        }
        (None, None) => Proof::Tests(
            tests
                .split("<br>")
                .flat_map(|tests| tests.split(','))
                .map(|test| test.trim().trim_matches('`').to_owned())
                .collect(),
        ),
    };
    Row { id: id.to_owned(), proof }
}

/// The program that a test is in.
#[derive(Debug)]
struct Binary {
    source: PathBuf,
    tests: BTreeSet<String>,
    ignored: BTreeSet<String>,
}

/// Every test program of the workspace, by `package::binary`; `lib` for the tests in a library.
fn binaries() -> BTreeMap<String, Binary> {
    // Of the profile that this test was built with: they are there already.
    let release = !cfg!(debug_assertions);
    let mut binaries = BTreeMap::new();
    for artifact in cargo::artifacts(&["test", "--no-run"], release) {
        let (Some(program), Some(true)) =
            (artifact["executable"].as_str(), artifact["profile"]["test"].as_bool())
        else {
            continue;
        };
        let target = &artifact["target"];
        let kind = target["kind"][0].as_str().unwrap();
        let binary = match kind {
            "lib" => "lib",
            "test" => target["name"].as_str().unwrap(),
            _ => continue,
        };
        let package = package(artifact["package_id"].as_str().unwrap());
        let tests = list(program, &[]);
        let ignored = list(program, &["--ignored"]);
        let source = target["src_path"].as_str().unwrap().into();
        let name = format!("{package}::{binary}");
        assert!(binaries.insert(name, Binary { source, tests, ignored }).is_none());
    }
    binaries
}

/// `path+file:///…/folder#name@version`, where the name is left out if it is the folder's.
fn package(id: &str) -> &str {
    let (path, name) = id.split_once('#').unwrap();
    name.split_once('@').map_or_else(|| path.rsplit('/').next().unwrap(), |(name, _)| name)
}

fn list(program: &str, more: &[&str]) -> BTreeSet<String> {
    let mut command = Command::new(program);
    let output = command.args(["--list", "--format", "terse"]).args(more).output().unwrap();
    assert!(output.status.success(), "{program}: {output:?}");
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines().filter_map(|line| line.strip_suffix(": test")).map(str::to_owned).collect()
}

/// The source of a test, found through its modules.
fn body(binary: &Binary, test: &str) -> Result<String, String> {
    let read = |path: &Path| fs::read_to_string(path).map(|text| text.replace('\r', "")).ok();
    let mut text = read(&binary.source).ok_or("its program's source cannot be read")?;
    let mut folder = binary.source.parent().unwrap().to_owned();
    let mut modules: Vec<_> = test.split("::").collect();
    let name = modules.pop().unwrap();
    for module in modules {
        let files = [format!("{module}.rs"), format!("{module}/mod.rs")];
        let file = || files.iter().find_map(|file| read(&folder.join(file)));
        let elsewhere = || read(&folder.join(path_of(&text, module)?));
        text = block(&text, &format!("mod {module} {{"))
            .or_else(file)
            .or_else(elsewhere)
            .ok_or_else(|| format!("module {module} is not found"))?;
        folder.push(module);
    }
    block(&text, &format!("fn {name}(")).ok_or_else(|| format!("fn {name} is not in its module"))
}

/// Where a module's attribute says that its file is.
fn path_of<'a>(text: &'a str, module: &str) -> Option<&'a str> {
    let (before, _) = text.split_once(&format!("\nmod {module};"))?;
    before.lines().last()?.strip_prefix("#[path = \"")?.strip_suffix("\"]")
}

/// What begins on a line with `beginning` and ends with the brace that is indented like it: true
/// for everything that rustfmt has formatted.
fn block(text: &str, beginning: &str) -> Option<String> {
    let mut lines = text.lines().skip_while(|line| {
        let line = line.trim_start();
        let line = line.strip_prefix("pub(crate) ").unwrap_or(line);
        let line = line.strip_prefix("pub ").unwrap_or(line);
        !line.starts_with(beginning)
    });
    let first = lines.next()?;
    let indent = first.len() - first.trim_start().len();
    let end = format!("{:indent$}}}", "");
    let inside = lines.take_while(|line| *line != end);
    Some([first].into_iter().chain(inside).flat_map(|line| [line, "\n"]).collect())
}

#[test]
fn every_requirement_has_one_row() {
    let mut wanted = BTreeSet::new();
    for (letter, last) in GROUPS {
        wanted.extend((1..=last).map(|number| format!("MMSP-{letter}-{number:03}")));
    }
    let mut faults = Vec::new();
    let mut seen = BTreeSet::new();
    for row in rows() {
        if !wanted.contains(&row.id) {
            faults.push(format!("{} is no requirement", row.id));
        } else if !seen.insert(row.id.clone()) {
            faults.push(format!("{} has two rows", row.id));
        }
    }
    faults.extend(wanted.difference(&seen).map(|id| format!("{id} has no row")));
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn what_waits_is_known() {
    let later = LATER.iter().flat_map(|(part, letter, numbers)| {
        numbers.iter().map(move |number| (format!("MMSP-{letter}-{number:03}"), *part))
    });
    let against = AGAINST.iter().map(|id| ((*id).to_owned(), "decided against"));
    let known: BTreeSet<_> = later.chain(against).map(|(id, part)| (id, part.to_owned())).collect();
    let waiting = rows()
        .into_iter()
        .filter_map(|row| match row.proof {
            Proof::Later(part) => Some((row.id, part)),
            Proof::DecidedAgainst => Some((row.id, "decided against".to_owned())),
            Proof::Tests(_) => None,
        })
        .collect();
    let unknown: Vec<_> = known.symmetric_difference(&waiting).collect();
    assert!(unknown.is_empty(), "in one list and not in the other: {unknown:#?}");
}

#[test]
fn every_named_test_is_run_and_names_its_requirements() {
    let binaries = binaries();
    let mut proved = BTreeMap::<String, Vec<String>>::new();
    let mut faults = Vec::new();
    for row in rows() {
        if let Proof::Tests(tests) = row.proof {
            for test in tests {
                proved.entry(test).or_default().push(row.id.clone());
            }
        }
    }
    let mut find = |test: &str, ids: &[String]| -> Result<(), String> {
        let mut parts = test.splitn(3, "::");
        let (Some(package), Some(binary), Some(name)) = (parts.next(), parts.next(), parts.next())
        else {
            return Err("not of the form package::binary::test".to_owned());
        };
        let binary =
            binaries.get(&format!("{package}::{binary}")).ok_or("there is no such program")?;
        if !binary.tests.contains(name) {
            return Err("there is no such test".to_owned());
        }
        if binary.ignored.contains(name) {
            return Err("it is ignored".to_owned());
        }
        let body = body(binary, name)?;
        if ids.len() > MOST_IDS && !body.contains(TABLE) {
            faults.push(format!("{test} proves {} requirements and is no {TABLE}", ids.len()));
        }
        let silent: Vec<_> = ids.iter().filter(|id| !body.contains(id.as_str())).collect();
        if silent.is_empty() { Ok(()) } else { Err(format!("it does not name {silent:?}")) }
    };
    let mut missing = Vec::new();
    for (test, ids) in &proved {
        if let Err(fault) = find(test, ids) {
            missing.push(format!("{test}, for {}: {fault}", ids.join(", ")));
        }
    }
    faults.extend(missing);
    println!("{} tests prove requirements", proved.len());
    faults.extend(claims(&binaries, &proved));
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// What tests say that they prove and the page does not say of them.
fn claims(
    binaries: &BTreeMap<String, Binary>,
    proved: &BTreeMap<String, Vec<String>>,
) -> Vec<String> {
    let mut faults = Vec::new();
    // This program names requirements for another reason.
    for (name, binary) in binaries.iter().filter(|(name, _)| *name != "mms-examples::conformance") {
        for test in &binary.tests {
            let full = format!("{name}::{test}");
            let body = match body(binary, test) {
                Ok(body) => body,
                Err(fault) => {
                    faults.push(format!("{full}: {fault}"));
                    continue;
                }
            };
            let listed = proved.get(&full).map_or(&[][..], Vec::as_slice);
            for id in ids(&body) {
                if !listed.iter().any(|known| known == id) {
                    faults.push(format!("{full} names {id}, whose row does not name it"));
                }
            }
        }
    }
    faults
}

/// The requirements that a text names.
fn ids(text: &str) -> BTreeSet<&str> {
    let places = text.match_indices("MMSP-").map(|(at, _)| at);
    places.filter_map(|at| text.get(at..at + "MMSP-W-000".len())).collect()
}

#[test]
fn rows_and_blocks_are_read() {
    let Row { id, proof } =
        row("| MMSP-W-001 | a `|` b | 2.2 | `x::y::z`<br>`x::lib::w`, a::b::c |");
    assert_eq!(id, "MMSP-W-001");
    let tests = ["x::y::z", "x::lib::w", "a::b::c"].map(str::to_owned);
    assert_eq!(proof, Proof::Tests(tests.into()));
    let waiting = row("| MMSP-W-028 | b | 2.2 | later: UDP |");
    assert_eq!(waiting.proof, Proof::Later("UDP".to_owned()));
    let text = "mod a {\n    fn b() {\n        {\n        }\n        1\n    }\n    fn c() {\n        2\n    }\n}\n";
    let module = block(text, "mod a {").unwrap();
    let function = block(&module, "fn b(").unwrap();
    assert!(function.contains('1') && !function.contains('2'));
    assert_eq!(block(text, "fn d("), None);
    assert_eq!(path_of("#[path = \"../x.rs\"]\nmod x;\n", "x"), Some("../x.rs"));
    assert_eq!(path_of("mod w;\nmod x;\n", "x"), None);
    let named: Vec<_> = ids("// MMSP-C-105, MMSP-S-001; MMSP-C-105\nMMSP-").into_iter().collect();
    assert_eq!(named, ["MMSP-C-105", "MMSP-S-001"]);
    assert_eq!(package("path+file:///x/examples#mms-examples@0.1.0"), "mms-examples");
    assert_eq!(package("path+file:///x/mms-asf#0.1.0"), "mms-asf");
}
