//! A file that has its name only when it is complete.

use std::fs::{self, File, Metadata, OpenOptions, Permissions};
use std::io::{self, ErrorKind, Read as _, Seek as _, SeekFrom, Write};
use std::path::{Path, PathBuf};

use fs4::fs_std::FileExt as _;
use mms_asf::guid;

use crate::files::place;

/// Names that are tried.
const MAX_NAMES: u32 = 100;
/// Names in a folder that are looked at for files that an earlier run left.
const MAX_SWEPT: usize = 10_000;

/// A file being written, beside the one that it will be. It goes when it is dropped.
///
/// While it is written its lock is held, which the system takes back however the program ends. So
/// one that is not locked was left by a program that was killed, and the next run in the same
/// folder removes it. `tempfile` has no such thing: its names do not tell what they are.
#[derive(Debug)]
pub(crate) struct Draft {
    file: File,
    /// `None` for one that never gets a name.
    named: Option<Named>,
}

#[derive(Debug)]
struct Named {
    path: PathBuf,
    /// The name that it will have.
    place: PathBuf,
    kept: bool,
}

impl Draft {
    /// In the folder of the target, so that it only has to be renamed, and for those alone who may
    /// read a file with these permissions.
    pub(crate) fn beside(target: &Path, permissions: &Permissions) -> io::Result<Self> {
        let place = place(target);
        sweep(place.parent().filter(|folder| !folder.as_os_str().is_empty()));
        for number in 0..MAX_NAMES {
            // Without the name of the target, which may be as long as a name can be.
            let path = place.with_file_name(format!(".mms.{}.{number}.part", std::process::id()));
            match options(permissions).open(&path) {
                Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error),
                // Not locked where another run took it for a file that was left.
                Ok(file) if !is_ours(&file, &path) => {}
                Ok(file) => {
                    let named = Some(Named { path, place, kept: false });
                    return Ok(Self { file, named });
                }
            }
        }
        Err(ErrorKind::AlreadyExists.into())
    }

    /// Among the temporary files, without a name: it goes with the program, however that ends.
    pub(crate) fn unnamed() -> io::Result<Self> {
        Ok(Self { file: tempfile::tempfile()?, named: None })
    }

    pub(crate) fn file(&mut self) -> &mut File {
        &mut self.file
    }

    /// Gives it the owner and the group of another file, as far as the system permits. Say it before
    /// [`allow`](Self::allow): a new owner takes some permissions away.
    pub(crate) fn give(&self, like: &Metadata) {
        #[cfg(unix)]
        {
            use std::os::unix::fs::{MetadataExt as _, fchown};
            let (owner, group) = (Some(like.uid()), Some(like.gid()));
            // Others than root may give it to a group of their own, and to nobody else.
            let _ = fchown(&self.file, owner, group).or_else(|_| fchown(&self.file, None, group));
        }
        #[cfg(not(unix))]
        let _ = like;
    }

    /// Gives it these permissions, where the file system knows any: a mask may have narrowed them.
    pub(crate) fn allow(&self, permissions: &Permissions) {
        let _ = self.file.set_permissions(permissions.clone());
    }

    /// Gives it its name, in the place of what has it now if that is wanted.
    ///
    /// # Errors
    /// [`ErrorKind::AlreadyExists`] when something has it and shall not be replaced, and what the
    /// system says otherwise.
    pub(crate) fn keep(mut self, replace: bool) -> io::Result<()> {
        let Some(named) = &mut self.named else { return Ok(()) };
        // Otherwise a loss of power could leave an empty file in the place of the old one.
        self.file.sync_all()?;
        if !replace {
            // Renaming would replace a file that came in the meantime; a second name does not.
            match fs::hard_link(&named.path, &named.place) {
                Err(error) if error.kind() != ErrorKind::AlreadyExists => {}
                done => return done,
            }
            // Not every file system has second names.
            if named.place.symlink_metadata().is_ok() {
                return Err(ErrorKind::AlreadyExists.into());
            }
        }
        fs::rename(&named.path, &named.place)?;
        named.kept = true;
        Ok(())
    }

    /// Copies all of it to a pipe or the like.
    pub(crate) fn pour(mut self, to: &mut impl Write) -> io::Result<()> {
        self.file.seek(SeekFrom::Start(0))?;
        io::copy(&mut self.file, to)?;
        to.flush()
    }
}

impl Drop for Named {
    fn drop(&mut self) {
        if !self.kept {
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// A new file that never has wider permissions than these.
fn options(permissions: &Permissions) -> OpenOptions {
    let mut options = File::options();
    options.write(true).create_new(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
        options.mode(permissions.mode() & 0o777);
    }
    #[cfg(not(unix))]
    let _ = permissions;
    options
}

/// Locks a file that was made just now. False when another run removed it in between, or is about
/// to; true where the file system has no locks, and where nothing is removed either.
fn is_ours(file: &File, path: &Path) -> bool {
    match file.try_lock_exclusive() {
        Ok(locked) => locked && path.symlink_metadata().is_ok(),
        Err(_) => true,
    }
}

/// Removes what runs that were killed left in a folder. What cannot be removed stays.
fn sweep(folder: Option<&Path>) {
    let Ok(entries) = fs::read_dir(folder.unwrap_or_else(|| Path::new("."))) else { return };
    for entry in entries.take(MAX_SWEPT).map_while(Result::ok) {
        let named = entry.file_name().to_str().is_some_and(is_draft_name);
        if named && entry.file_type().is_ok_and(|found| found.is_file()) {
            let path = entry.path();
            // Locked until it is gone: it could be made just now.
            if let Ok(Some(_locked)) = stale(&path) {
                let _ = fs::remove_file(&path);
            }
        }
    }
}

/// `.mms.PROCESS.NUMBER.part`.
fn is_draft_name(name: &str) -> bool {
    let middle = name.strip_prefix(".mms.").and_then(|rest| rest.strip_suffix(".part"));
    let number = |text: &str| text.parse::<u32>().is_ok_and(|number| number.to_string() == text);
    middle.and_then(|middle| middle.split_once('.')).is_some_and(|(a, b)| number(a) && number(b))
}

/// Opens and locks a draft that is of this program, as its content shows, and not being written.
fn stale(path: &Path) -> io::Result<Option<File>> {
    let file = File::open(path)?;
    if !file.try_lock_exclusive()? {
        return Ok(None);
    }
    let mut head = Vec::new();
    (&file).take(16).read_to_end(&mut head)?;
    let ours = head.is_empty() || head == guid::HEADER.to_bytes_le();
    Ok(ours.then_some(file))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(name: &str) -> PathBuf {
        let folder = std::env::temp_dir().join(format!("mms-draft-{name}-{}", std::process::id()));
        fs::create_dir(&folder).unwrap();
        folder
    }

    fn permissions(folder: &Path) -> Permissions {
        let like = folder.join("like");
        fs::write(&like, "").unwrap();
        let permissions = like.metadata().unwrap().permissions();
        fs::remove_file(like).unwrap();
        permissions
    }

    #[test]
    fn what_came_meanwhile_is_replaced_on_demand_only() {
        let folder = folder("replace");
        let permissions = permissions(&folder);
        let target = folder.join("a.wmv");
        for (replace, left) in [(false, "came meanwhile"), (true, "new")] {
            let mut draft = Draft::beside(&target, &permissions).unwrap();
            draft.file().write_all(b"new").unwrap();
            fs::write(&target, "came meanwhile").unwrap();
            let refused = draft.keep(replace).err().map(|error| error.kind());
            assert_eq!(refused, (!replace).then_some(ErrorKind::AlreadyExists));
            assert_eq!(fs::read_to_string(&target).unwrap(), left);
            assert_eq!(fs::read_dir(&folder).unwrap().count(), 1);
        }
        fs::remove_dir_all(&folder).unwrap();
    }

    #[cfg(unix)]
    #[test]
    fn it_is_never_readable_by_more_than_the_input_is() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = folder("mode");
        for mode in [0o600, 0o400, 0o640] {
            let draft = Draft::beside(&folder.join("a"), &Permissions::from_mode(mode)).unwrap();
            let found = draft.file.metadata().unwrap().permissions().mode() & 0o777;
            assert_eq!(found & !mode, 0, "{found:o}");
        }
        fs::remove_dir_all(&folder).unwrap();
    }

    #[test]
    fn what_was_left_is_removed_and_nothing_else() {
        let folder = folder("sweep");
        let permissions = permissions(&folder);
        let asf = guid::HEADER.to_bytes_le();
        let left = [(".mms.1.0.part", &asf[..]), (".mms.4294967295.99.part", b"")];
        let foreign = [
            (".mms.1.1.part", &b"somebody else's"[..]),
            (".mms.01.0.part", &asf),
            (".mms.1.part", &asf),
            (".mms.1.0.part.wmv", &asf),
            (".mms.x.0.part", &asf),
            ("mms.1.0.part", &asf),
        ];
        for (name, bytes) in left.iter().chain(&foreign) {
            fs::write(folder.join(name), bytes).unwrap();
        }
        fs::create_dir(folder.join(".mms.2.0.part")).unwrap();
        // One that is being written stays, and so does what it will replace.
        let mut first = Draft::beside(&folder.join("a"), &permissions).unwrap();
        first.file().write_all(&asf).unwrap();
        let second = Draft::beside(&folder.join("b"), &permissions).unwrap();
        let paths = [&first, &second].map(|draft| draft.named.as_ref().unwrap().path.clone());
        assert!(paths.iter().all(|path| path.exists()) && paths[0] != paths[1]);
        for (name, _) in left {
            assert!(!folder.join(name).exists(), "{name}");
        }
        for (name, bytes) in foreign {
            assert_eq!(fs::read(folder.join(name)).unwrap(), bytes, "{name}");
        }
        assert!(folder.join(".mms.2.0.part").is_dir());
        first.keep(false).unwrap();
        assert!(folder.join("a").exists());
        drop(second);
        fs::remove_dir_all(&folder).unwrap();
    }
}
