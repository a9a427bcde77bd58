//! A file that has its name only when it is complete.

use std::fs::{self, File, Permissions};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use super::{RepairError, place};

/// Names that are tried.
const MAX_NAMES: u32 = 100;

/// A file being written, beside the one that it will be. It goes when it is dropped.
#[derive(Debug)]
pub(super) struct Draft {
    file: File,
    path: PathBuf,
    /// Its name in the end, as it was given.
    target: PathBuf,
    /// Where that is.
    place: PathBuf,
    kept: bool,
}

impl Draft {
    /// In the folder of the target, so that it only has to be renamed.
    pub(super) fn beside(target: &Path) -> Result<Self, RepairError> {
        let place = place(target);
        let mut result = Err(ErrorKind::AlreadyExists.into());
        for number in 0..MAX_NAMES {
            // Without the name of the target, which may be as long as a name can be.
            let path =
                place.with_file_name(format!(".repair.{}.{number}.part", std::process::id()));
            result = File::options().write(true).create_new(true).open(&path);
            match result {
                Ok(file) => {
                    return Ok(Self { file, path, target: target.to_owned(), place, kept: false });
                }
                Err(error) if error.kind() == ErrorKind::AlreadyExists => result = Err(error),
                Err(source) => {
                    return Err(RepairError::Unwritable { path: target.to_owned(), source });
                }
            }
        }
        let source = result.err().unwrap_or_else(|| ErrorKind::AlreadyExists.into());
        Err(RepairError::Unwritable { path: target.to_owned(), source })
    }

    pub(super) fn file(&mut self) -> &mut File {
        &mut self.file
    }

    /// Gives it these permissions, where the file system knows any.
    pub(super) fn allow(&self, permissions: &Permissions) {
        let _ = self.file.set_permissions(permissions.clone());
    }

    /// Gives it its name, in the place of what has it now if that is wanted, and returns the name.
    pub(super) fn keep(mut self, replace: bool) -> Result<PathBuf, RepairError> {
        let unwritable = |source| RepairError::Unwritable { path: self.target.clone(), source };
        // Otherwise a loss of power could leave an empty file in the place of the old one.
        self.file.sync_all().map_err(unwritable)?;
        if replace {
            fs::rename(&self.path, &self.place).map_err(unwritable)?;
            self.kept = true;
            return Ok(self.target.clone());
        }
        // Renaming would replace a file that came in the meantime; a second name does not.
        match fs::hard_link(&self.path, &self.place) {
            Ok(()) => Ok(self.target.clone()),
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {
                Err(RepairError::Exists(self.target.clone()))
            }
            // Not every file system has second names.
            Err(_) if self.place.symlink_metadata().is_ok() => {
                Err(RepairError::Exists(self.target.clone()))
            }
            Err(_) => {
                fs::rename(&self.path, &self.place).map_err(unwritable)?;
                self.kept = true;
                Ok(self.target.clone())
            }
        }
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        if !self.kept {
            let _ = fs::remove_file(&self.path);
        }
    }
}
