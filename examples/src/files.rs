//! How the programs speak about files.

use std::fs::{self, File, FileType, Permissions};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use mms_asf::{FileError, NotAsf};

use crate::text::one_line;

/// A file's name, on one line: whoever made the file may have put anything into its name, such as
/// what makes a terminal do things.
#[must_use]
pub fn shown(path: &Path) -> String {
    one_line(&path.to_string_lossy(), '?')
}

/// What is wrong with a file that is no ASF file, as the rest of a sentence about it.
pub(crate) fn not_asf(error: &mms_asf::Error) -> String {
    match error {
        mms_asf::Error::NotAsf(NotAsf::Empty) => "is empty".to_owned(),
        mms_asf::Error::NotAsf(NotAsf::Text) => "is a text file, not ASF".to_owned(),
        error => format!("is no ASF file, or its header is damaged ({error})"),
    }
}

/// [`not_asf`] where reading may have failed, too.
pub(crate) fn not_asf_file(error: &FileError) -> String {
    match error {
        FileError::Format(error) => not_asf(error),
        error => format!("is no ASF file, or its header is damaged ({error})"),
    }
}

/// The name that stands for standard output.
pub(crate) const STDOUT: &str = "-";

/// [`shown`] for a file that is written, or for standard output.
pub(crate) fn output_name(path: &Path) -> String {
    if path.as_os_str() == STDOUT { "standard output".to_owned() } else { shown(path) }
}

/// The name that stands for standard input.
const STDIN: &str = "-";

/// Whether standard input is meant.
pub(crate) fn is_stdin(path: &Path) -> bool {
    path.as_os_str() == STDIN
}

/// The permissions of a file made from this input, before the mask of the process: those of the
/// input, or of any new file where it is a copy of standard input.
pub(crate) fn permissions_after(input: &File, from_stdin: bool) -> io::Result<Permissions> {
    #[cfg(unix)]
    if from_stdin {
        return Ok(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    }
    let _ = from_stdin;
    Ok(input.metadata()?.permissions())
}

/// [`shown`] for a file that is read, or for standard input.
#[must_use]
pub fn input_name(path: &Path) -> String {
    if is_stdin(path) { "standard input".to_owned() } else { shown(path) }
}

/// Where a file lies, or will lie, whatever way its name takes there. A link is not replaced, but
/// what it leads to.
pub(crate) fn place(path: &Path) -> PathBuf {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let in_folder = || {
        let folder = fs::canonicalize(folder.unwrap_or_else(|| Path::new("."))).ok()?;
        Some(folder.join(path.file_name()?))
    };
    fs::canonicalize(path).ok().or_else(in_folder).unwrap_or_else(|| path.to_owned())
}

/// Opens a file to be read, without ever waiting: opening a pipe waits for whoever writes into it.
///
/// # Errors
/// When it cannot be opened, or is a folder, a pipe or a device. It is looked at once it is open:
/// what had this name before may be another one.
pub fn open_regular(path: &Path) -> io::Result<File> {
    let mut options = File::options();
    options.read(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::custom_flags(&mut options, libc::O_NONBLOCK);
    let file = options.open(path)?;
    let kind = file.metadata()?.file_type();
    if !kind.is_file() {
        let kind = special(kind);
        let why = format!("it is not a regular file but a {kind}");
        return Err(io::Error::new(ErrorKind::InvalidInput, why));
    }
    Ok(file)
}

/// The kind of a file that is not a regular one.
pub(crate) fn special(kind: FileType) -> &'static str {
    #[cfg(unix)]
    {
        use std::os::unix::fs::FileTypeExt as _;
        if kind.is_fifo() {
            return "pipe";
        }
        if kind.is_socket() {
            return "socket";
        }
    }
    if kind.is_dir() { "folder" } else { "device" }
}

/// Whether a path is that of a folder by its last character.
pub(crate) fn ends_as_folder(path: &Path) -> bool {
    let last = path.as_os_str().as_encoded_bytes().last();
    last.is_some_and(|&last| std::path::is_separator(last.into()))
}

/// Whether a path is that of a pipe, or of a device that takes bytes one after the other; a disk is
/// none.
pub(crate) fn is_stream(path: &Path) -> bool {
    #[cfg(unix)]
    let stream = |kind: FileType| {
        use std::os::unix::fs::FileTypeExt as _;
        kind.is_fifo() || kind.is_char_device()
    };
    #[cfg(not(unix))]
    let stream = |kind: FileType| !kind.is_file() && !kind.is_dir();
    path.metadata().is_ok_and(|found| stream(found.file_type()))
}

/// Why a file may not be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Taken {
    /// A folder, a pipe or a device is there, which is nothing to be replaced, or a folder is meant.
    NoFile,
    /// A file is there.
    Exists,
}

/// Whether a file may be written: none is there, or it may be replaced.
pub(crate) fn check_free(path: &Path, replace: bool) -> Result<(), Taken> {
    match path.metadata() {
        _ if ends_as_folder(path) => Err(Taken::NoFile),
        Ok(found) if !found.is_file() => Err(Taken::NoFile),
        Ok(_) if !replace => Err(Taken::Exists),
        // A link that leads nowhere is there too.
        Err(_) if !replace && path.symlink_metadata().is_ok() => Err(Taken::Exists),
        _ => Ok(()),
    }
}

/// What to do where a file cannot be written.
pub(crate) fn advice(error: &io::Error) -> &'static str {
    match error.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => "free some space",
        ErrorKind::NotFound => "make its folder first",
        ErrorKind::BrokenPipe => "nobody reads it any more",
        _ => "choose another place with -o",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(unix)]
    #[test]
    fn a_pipe_is_not_waited_for() {
        let folder = tempfile::tempdir().unwrap();
        let pipe = folder.path().join("pipe");
        assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        let device = Path::new("/dev/zero");
        for (path, kind) in [(&*pipe, "pipe"), (folder.path(), "folder"), (device, "device")] {
            let error = open_regular(path).unwrap_err().to_string();
            assert_eq!(error, format!("it is not a regular file but a {kind}"));
        }
        fs::write(folder.path().join("file"), b"x").unwrap();
        assert!(open_regular(&folder.path().join("file")).is_ok());
    }

    #[test]
    fn a_name_that_ends_with_a_separator_is_no_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("new");
        assert_eq!(check_free(&path, false), Ok(()));
        for name in ["new/", "new//"] {
            assert_eq!(check_free(&folder.path().join(name), true), Err(Taken::NoFile));
        }
    }

    #[test]
    fn a_name_is_one_line() {
        assert_eq!(shown(Path::new("a\nb\u{1b}[31m \u{e9}\u{202e}.wmv")), "a?b?[31m \u{e9}?.wmv");
        #[cfg(unix)]
        {
            use std::os::unix::ffi::OsStrExt as _;
            let name = std::ffi::OsStr::from_bytes(b"a\xff.wmv");
            assert_eq!(shown(Path::new(name)), "a\u{fffd}.wmv");
        }
    }
}
