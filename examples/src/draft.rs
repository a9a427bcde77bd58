//! A file that has its name only when it is complete.

use std::fs::{self, File, Permissions};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use crate::files::place;

/// Names that are tried.
const MAX_NAMES: u32 = 100;

/// A file being written, beside the one that it will be. It goes when it is dropped.
#[derive(Debug)]
pub(crate) struct Draft {
    file: File,
    path: PathBuf,
    /// Where it will lie.
    place: PathBuf,
    kept: bool,
}

impl Draft {
    /// In the folder of the target, so that it only has to be renamed.
    pub(crate) fn beside(target: &Path) -> io::Result<Self> {
        let place = place(target);
        for number in 0..MAX_NAMES {
            // Without the name of the target, which may be as long as a name can be.
            let path = place.with_file_name(format!(".mms.{}.{number}.part", std::process::id()));
            match File::options().write(true).create_new(true).open(&path) {
                Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error),
                Ok(file) => return Ok(Self { file, path, place, kept: false }),
            }
        }
        Err(ErrorKind::AlreadyExists.into())
    }

    pub(crate) fn file(&mut self) -> &mut File {
        &mut self.file
    }

    /// Gives it these permissions, where the file system knows any.
    pub(crate) fn allow(&self, permissions: &Permissions) {
        let _ = self.file.set_permissions(permissions.clone());
    }

    /// Gives it its name, in the place of what has it now if that is wanted.
    ///
    /// # Errors
    /// [`ErrorKind::AlreadyExists`] when something has it and shall not be replaced, and what the
    /// system says otherwise.
    pub(crate) fn keep(mut self, replace: bool) -> io::Result<()> {
        // Otherwise a loss of power could leave an empty file in the place of the old one.
        self.file.sync_all()?;
        if !replace {
            // Renaming would replace a file that came in the meantime; a second name does not.
            match fs::hard_link(&self.path, &self.place) {
                Err(error) if error.kind() != ErrorKind::AlreadyExists => {}
                done => return done,
            }
            // Not every file system has second names.
            if self.place.symlink_metadata().is_ok() {
                return Err(ErrorKind::AlreadyExists.into());
            }
        }
        fs::rename(&self.path, &self.place)?;
        self.kept = true;
        Ok(())
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        if !self.kept {
            let _ = fs::remove_file(&self.path);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    #[test]
    fn what_came_meanwhile_is_replaced_on_demand_only() {
        let folder = std::env::temp_dir().join(format!("mms-draft-{}", std::process::id()));
        fs::create_dir(&folder).unwrap();
        let target = folder.join("a.wmv");
        for (replace, left) in [(false, "came meanwhile"), (true, "new")] {
            let mut draft = Draft::beside(&target).unwrap();
            draft.file().write_all(b"new").unwrap();
            fs::write(&target, "came meanwhile").unwrap();
            let refused = draft.keep(replace).err().map(|error| error.kind());
            assert_eq!(refused, (!replace).then_some(ErrorKind::AlreadyExists));
            assert_eq!(fs::read_to_string(&target).unwrap(), left);
            assert_eq!(fs::read_dir(&folder).unwrap().count(), 1);
        }
        fs::remove_dir_all(&folder).unwrap();
    }
}
