//! The standard streams, under whatever name.
//!
//! Media and summary must not go to the same place, and `-o /dev/stdout`, `/dev/fd/1` or the name
//! of the file that standard output was sent to are other names for `-`.

use std::io::{self, Write as _};
use std::path::Path;

use crate::files::STDOUT;

/// Whether a path names standard output. A device such as `/dev/null` does not, unless it is the
/// terminal: nothing that is written to it meets again.
#[must_use]
pub fn is_stdout(path: &Path) -> bool {
    path.as_os_str() == STDOUT || path.metadata().is_ok_and(|found| same::is_stdout(&found))
}

/// Prints a report where the media does not go: to standard output; to standard error when the
/// media goes to standard output; nowhere when both are the same.
///
/// # Errors
/// When it cannot be written.
pub fn print(text: &str, media_to_stdout: bool) -> io::Result<()> {
    match media_to_stdout {
        false => io::stdout().write_all(text.as_bytes()),
        true if same::stderr_is_stdout() => Ok(()),
        true => io::stderr().write_all(text.as_bytes()),
    }
}

#[cfg(unix)]
mod same {
    use std::fs::{File, Metadata};
    use std::io::{self, IsTerminal as _};
    use std::os::fd::AsFd;
    use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _};

    pub(super) fn is_stdout(found: &Metadata) -> bool {
        let Ok(out) = of(io::stdout()) else { return false };
        same(found, &out) && (!found.file_type().is_char_device() || io::stdout().is_terminal())
    }

    pub(super) fn stderr_is_stdout() -> bool {
        match (of(io::stdout()), of(io::stderr())) {
            (Ok(out), Ok(err)) => same(&out, &err) && !out.file_type().is_char_device(),
            _ => false,
        }
    }

    fn same(a: &Metadata, b: &Metadata) -> bool {
        (a.dev(), a.ino()) == (b.dev(), b.ino())
    }

    fn of(stream: impl AsFd) -> io::Result<Metadata> {
        File::from(stream.as_fd().try_clone_to_owned()?).metadata()
    }
}

#[cfg(not(unix))]
mod same {
    use std::fs::Metadata;

    pub(super) fn is_stdout(_: &Metadata) -> bool {
        false
    }

    pub(super) fn stderr_is_stdout() -> bool {
        false
    }
}
