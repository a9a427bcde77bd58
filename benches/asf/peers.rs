//! The programs that are measured beside this one.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::Failure;
use crate::clock::Timed;

/// Where a program is, if it is installed.
pub(crate) fn find(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join(program)).find(|file| file.is_file())
}

/// `cat FILE FILE ...`: what it costs to read the bytes.
pub(crate) fn cat(file: &Path, passes: u32) -> Timed {
    let work = (0..passes).map(|_| OsString::from(file)).collect();
    Timed::with("cat", passes, work, Vec::new())
}

/// A loop over libavformat's `av_read_frame`, or why there is none.
pub(crate) fn av_read_frame(file: &Path, passes: u32) -> Result<Result<Timed, String>, Failure> {
    let missing = |what: &str| Ok(Err(format!("{what} is not installed")));
    let (Some(compiler), Some(pkg_config)) = (find("cc"), find("pkg-config")) else {
        return missing("cc or pkg-config");
    };
    let flags = Command::new(pkg_config)
        .args(["--cflags", "--libs", "libavformat", "libavcodec", "libavutil"])
        .output()?;
    if !flags.status.success() {
        return missing("libavformat-dev");
    }
    let flags = String::from_utf8(flags.stdout)?;
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("av_read_frame.c");
    let program = Path::new(env!("CARGO_TARGET_TMPDIR")).join("av_read_frame");
    let status = Command::new(compiler)
        .args(["-O2", "-o"])
        .arg(&program)
        .arg(source)
        .args(flags.split_whitespace())
        .status()?;
    if !status.success() {
        return Err(format!("av_read_frame.c cannot be compiled: {status}").into());
    }
    Ok(Ok(Timed::new(program, passes).argument(file)))
}

/// `cat FILE >OUTPUT`, so often: what it costs to read the bytes and to write them.
pub(crate) fn copy(file: &Path, output: &Path, count: u32) -> Timed {
    let arguments = |input: &Path| repeated(r#"cat "$2" >"$3""#, count, &[input.into()]);
    Timed::with("bash", count, arguments(file), arguments(Path::new("/dev/null"))).writes(output)
}

/// `ffmpeg -c copy` to a new file, so often.
pub(crate) fn remux(ffmpeg: &Path, file: &Path, output: &Path, count: u32) -> Timed {
    let command = r#""$2" -v error -nostdin -y -i "$3" $4 -c copy -f asf "$5""#;
    let arguments =
        |limit: &str| repeated(command, count, &[ffmpeg.into(), file.into(), limit.into()]);
    Timed::with("bash", count, arguments(""), arguments("-t 0")).writes(output)
}

/// What bash needs to run a command again and again, which reads its arguments from `$2` on: programs
/// that write one file are started for each, and their starts are subtracted.
fn repeated(command: &str, count: u32, arguments: &[OsString]) -> Vec<OsString> {
    let script = format!("for ((n = 0; n < $1; n++)); do {command} || exit; done");
    let start = ["-c".into(), script.into(), "again".into(), count.to_string().into()];
    start.into_iter().chain(arguments.iter().cloned()).collect()
}
