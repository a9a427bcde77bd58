//! How much processor time ASF files cost, beside `cat` of the same file and beside FFmpeg.
//!
//! `cargo bench` prints a table for each of the two files that `make-asf` makes: one of large
//! packets, one of small ones. What is measured is user and system time of processes that do the
//! same several times over, without what it takes to start them. Each line is the median of
//! rounds that alternate with those of the other lines, because a machine is never equally busy
//! for long. The ratios count, and the table says whether they are what they should be.

#[path = "asf/bodies.rs"]
mod bodies;
#[path = "asf/clock.rs"]
mod clock;
#[path = "asf/output.rs"]
mod output;
#[path = "asf/peers.rs"]
mod peers;
#[path = "asf/table.rs"]
mod table;

use std::path::{Path, PathBuf};
use std::process::Command;

use self::bodies::Body;
use self::clock::Timed;
use self::output::Output;
use self::peers::find;
use self::table::{Line, Wanted};

type Failure = Box<dyn std::error::Error>;

/// How much is done.
#[derive(Debug, Clone, Copy)]
struct Extent {
    rounds: usize,
    /// How often a process does its work.
    passes: u32,
    /// How often programs are started that do their work once.
    copies: u32,
    /// Sizes of the files in millions of bytes.
    sizes: [u32; 2],
}

const FULL: Extent = Extent { rounds: 5, passes: 10, copies: 3, sizes: [233, 244] };
/// To see that everything runs; the figures mean little.
const SHORT: Extent = Extent { rounds: 1, passes: 1, copies: 1, sizes: [8, 8] };

fn main() -> Result<(), Failure> {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    if let Some(("--body", arguments)) = arguments.split_first().map(|(a, rest)| (&**a, rest)) {
        return bodies::run(arguments);
    }
    let given = |wanted: &str| arguments.iter().any(|argument| argument == wanted);
    // Without cargo's flag this is a test.
    let extent = if given("--bench") && !given("--test") { FULL } else { SHORT };
    let Some(files) = files(&extent)? else { return Ok(()) };
    let output = Output::find();
    for (name, file) in ["A", "B"].into_iter().zip(&files) {
        measure(name, file, &extent, output.as_ref())?;
    }
    table::explain(&extent, output.as_ref());
    Ok(())
}

/// The two files; `None` when they are not there, cannot be made, and nothing was to be measured.
fn files(extent: &Extent) -> Result<Option<[PathBuf; 2]>, Failure> {
    let full = extent.sizes == FULL.sizes;
    let folder = match std::env::var_os("MMS_BENCH_FILES") {
        Some(folder) if full => PathBuf::from(folder),
        _ => Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("asf-bench"),
    };
    let folder = if full { folder } else { folder.join("short") };
    let files = ["a.asf", "b.asf"].map(|name| folder.join(name));
    if files.iter().all(|file| file.is_file()) {
        return Ok(Some(files));
    }
    if find("ffmpeg").is_none() {
        let [a, b] = &files;
        let missing = format!(
            "ffmpeg, which makes {} and {}, is not installed, and MMS_BENCH_FILES does not say \
             where else they are",
            a.display(),
            b.display()
        );
        if full {
            return Err(missing.into());
        }
        println!("skipped: {missing}");
        return Ok(None);
    }
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("make-asf");
    let sizes = extent.sizes.map(|size| size.to_string());
    let status = Command::new(script).arg(&folder).args(sizes).status()?;
    if !status.success() {
        return Err(format!("make-asf failed: {status}").into());
    }
    Ok(Some(files))
}

/// Measures everything on one file and prints the table.
fn measure(
    name: &str,
    file: &Path,
    extent: &Extent,
    output: Option<&Output>,
) -> Result<(), Failure> {
    let small = name == "B";
    let mut lines = vec![
        Line::new("cat", peers::cat(file, extent.passes), None),
        body(Body::Reader, file, extent, Some(Wanted::AtMost(if small { 3.0 } else { 1.5 })))?,
        body(Body::Parser, file, extent, Some(Wanted::AtMost(if small { 3.0 } else { 1.5 })))?,
        body(Body::Assembler, file, extent, Some(Wanted::Below("av_read_frame", 1.0)))?,
    ];
    let mut skipped = Vec::new();
    match peers::av_read_frame(file, extent.passes)? {
        Ok(peer) => lines.push(Line::new("av_read_frame", peer, None)),
        Err(reason) => skipped.push(("av_read_frame", reason)),
    }
    let made =
        output.map(|output| output.folder.join(format!("mms-bench-{}.asf", std::process::id())));
    match &made {
        Some(made) => {
            let wanted = Some(Wanted::Below("ffmpeg -c copy", 0.5));
            let mut repair = body(Body::Repair, file, extent, wanted)?;
            repair.timed = repair.timed.writes(made);
            lines.push(repair);
            let copy = peers::copy(file, made, extent.copies);
            lines.push(Line::new("cat to a new file", copy, None));
            match find("ffmpeg") {
                Some(ffmpeg) => {
                    let remux = peers::remux(&ffmpeg, file, made, extent.copies);
                    lines.push(Line::new("ffmpeg -c copy", remux, None));
                }
                None => skipped.push(("ffmpeg -c copy", "ffmpeg is not installed".into())),
            }
        }
        None => {
            for name in ["repair", "cat to a new file", "ffmpeg -c copy"] {
                let reason = "the folder for output is not there or has too little room";
                skipped.push((name, reason.to_owned()));
            }
        }
    }
    let measured = rounds(&mut lines, extent);
    if let Some(made) = made {
        let _ = std::fs::remove_file(made.with_extension("asf.start"));
        let _ = std::fs::remove_file(made);
    }
    table::print(name, file, &lines, &skipped, &measured?)
}

/// Runs all rounds, and returns what each line says about what it found.
fn rounds(lines: &mut [Line], extent: &Extent) -> Result<Vec<(&'static str, String)>, Failure> {
    // Once without counting: brings the file into memory, and tells what it is about.
    let mut said = Vec::new();
    for line in lines.iter() {
        said.push((line.name, line.timed.said()?));
    }
    agree(&said)?;
    for _ in 0..extent.rounds {
        for line in lines.iter_mut() {
            line.rounds.push(line.timed.measure()?);
        }
    }
    Ok(said)
}

/// A line for a body of this program, which it runs in another process of its own.
fn body(body: Body, file: &Path, extent: &Extent, wanted: Option<Wanted>) -> Result<Line, Failure> {
    let timed = Timed::new(&std::env::current_exe()?, extent.passes)
        .argument("--body")
        .argument(body.name())
        .argument(file);
    Ok(Line::new(body.name(), timed, wanted))
}

/// Whoever counts the same things must have counted the same.
fn agree(said: &[(&'static str, String)]) -> Result<(), Failure> {
    let of = |name: &str| said.iter().find(|(of, _)| *of == name).map(|(_, said)| &**said);
    for [one, other] in
        [[Body::Reader.name(), Body::Parser.name()], [Body::Assembler.name(), "av_read_frame"]]
    {
        match (of(one), of(other)) {
            (Some(a), Some(b)) if a != b => {
                return Err(format!("{one} counted {a}, {other} counted {b}").into());
            }
            _ => {}
        }
    }
    Ok(())
}
