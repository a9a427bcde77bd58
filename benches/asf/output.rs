//! Where the programs that write a file write it to.

use std::fmt;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::FULL;

/// A folder, in memory unless somebody wants it otherwise: no disk shall slow down whoever writes
/// more.
#[derive(Debug)]
pub(crate) struct Output {
    pub(crate) folder: PathBuf,
    /// Type and options of its file system, as the kernel names them.
    mount: Option<String>,
}

impl Output {
    /// `/dev/shm`, or what `MMS_BENCH_OUTPUT` says, if it has room for an output.
    pub(crate) fn find() -> Option<Self> {
        let folder =
            std::env::var_os("MMS_BENCH_OUTPUT").map_or_else(|| "/dev/shm".into(), PathBuf::from);
        let room = Command::new("df").args(["--output=avail", "-BM"]).arg(&folder).output().ok()?;
        let room = String::from_utf8(room.stdout).ok()?;
        let room: u32 = room.lines().last()?.trim().trim_end_matches('M').parse().ok()?;
        let [a, b] = FULL.sizes;
        let mount = std::fs::read_to_string("/proc/mounts").ok();
        let mount = mount.and_then(|mounts| mount_of(&folder.canonicalize().ok()?, &mounts));
        (room > a.max(b) + 20).then_some(Self { folder, mount })
    }

    /// A page of the output is not 4 KiB but up to 2 MiB.
    pub(crate) fn has_large_pages(&self) -> bool {
        let huge = |mount: &String| mount.split([' ', ',']).any(|option| option == "huge=always");
        self.mount.as_ref().is_some_and(huge)
    }
}

impl fmt::Display for Output {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mount = self.mount.as_deref().unwrap_or("an unknown file system");
        write!(f, "Output to {}, {mount}.", self.folder.display())
    }
}

/// Type and options of the file system that `folder` lies on.
fn mount_of(folder: &Path, mounts: &str) -> Option<String> {
    let mounts = mounts.lines().filter_map(|line| {
        let mut fields = line.split(' ').skip(1);
        let (place, kind, options) = (fields.next()?, fields.next()?, fields.next()?);
        folder.starts_with(place).then(|| (place.len(), format!("{kind} {options}")))
    });
    // The innermost, and of several in one place the last, which hides the others.
    mounts.max_by_key(|(len, _)| *len).map(|(_, mount)| mount)
}
