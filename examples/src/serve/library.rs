//! Which files there are, and which file a player means.

use std::fs;
use std::io;
use std::path::{Component, Path, PathBuf};

use percent_encoding::{AsciiSet, CONTROLS, percent_decode_str, utf8_percent_encode};

/// Folders inside folders that are looked into.
const MAX_DEPTH: usize = 8;
/// Files that are listed.
const MAX_FILES: usize = 10_000;
/// What is encoded in a URL's path; a backslash is no character of one.
const ENCODED: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'#')
    .add(b'<')
    .add(b'>')
    .add(b'?')
    .add(b'`')
    .add(b'%')
    .add(b'\\');

/// A file, or a folder with all ASF files in it. Nothing outside it can be reached.
#[derive(Debug)]
pub struct Library {
    /// The folder, with every link resolved.
    root: PathBuf,
    /// The only file, if there is only one.
    only: Option<PathBuf>,
}

/// Why there is nothing to serve.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LibraryError {
    /// It is not there, or may not be read.
    #[error("cannot read {path}: {source}; name a file or folder that is there", path = .path.display())]
    Unreadable {
        /// What was named.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// There is no ASF file in the folder.
    #[error("there is no .wmv, .wma or .asf file in {path}; name another folder, or a file", path = .0.display())]
    Empty(PathBuf),
}

impl Library {
    /// Looks at a file or folder.
    ///
    /// # Errors
    /// When it cannot be read, or is a folder without files to serve.
    pub fn open(path: &Path) -> Result<Self, LibraryError> {
        let unreadable = |source| LibraryError::Unreadable { path: path.to_owned(), source };
        let real = fs::canonicalize(path).map_err(unreadable)?;
        if fs::metadata(&real).map_err(unreadable)?.is_dir() {
            let library = Self { root: real, only: None };
            if library.list().is_empty() {
                return Err(LibraryError::Empty(path.to_owned()));
            }
            return Ok(library);
        }
        fs::File::open(&real).map_err(unreadable)?;
        let root = real.parent().map(Path::to_owned).unwrap_or_default();
        Ok(Self { root, only: Some(real) })
    }

    /// The only file, if there is only one.
    #[must_use]
    pub fn only(&self) -> Option<&Path> {
        self.only.as_deref()
    }

    /// All files, in order.
    #[must_use]
    pub fn files(&self) -> Vec<PathBuf> {
        let mut found = Vec::new();
        match &self.only {
            Some(file) => found.push(file.clone()),
            None => collect(&self.root, MAX_DEPTH, &mut found),
        }
        found.sort();
        found
    }

    /// The path of each file as it stands in a URL, in order.
    #[must_use]
    pub fn list(&self) -> Vec<String> {
        let mut paths: Vec<String> = self
            .files()
            .iter()
            .filter_map(|file| file.strip_prefix(&self.root).ok()?.to_str())
            // In a URL it is a slash everywhere.
            .map(|path| path.replace(std::path::MAIN_SEPARATOR, "/"))
            .map(|path| encoded(&path))
            .collect();
        paths.sort();
        paths
    }

    /// The file that a player asks for by this name. `None` when it is not there, and for
    /// everything outside the library.
    #[must_use]
    pub fn find(&self, asked: &str) -> Option<PathBuf> {
        spellings(asked).iter().find_map(|name| self.resolve(name))
    }

    fn resolve(&self, name: &str) -> Option<PathBuf> {
        let relative = Path::new(name.trim_start_matches('/'));
        let plain = |part: Component<'_>| matches!(part, Component::Normal(_));
        // A backslash is a part of a name, or separates names where the system says so.
        if !relative.components().all(plain) || name.contains('\0') {
            return None;
        }
        // Links are followed and must not lead outside.
        let real = fs::canonicalize(self.root.join(relative)).ok()?;
        let inside = match &self.only {
            Some(only) => real == *only,
            None => real.starts_with(&self.root) && is_asf(&real),
        };
        (inside && real.is_file()).then_some(real)
    }
}

/// A name as it stands in a URL.
pub(super) fn encoded(name: &str) -> String {
    utf8_percent_encode(name, ENCODED).to_string()
}

/// What a player may mean: the name as it came, without a query, then decoded, since some players
/// encode names and some do not (T31).
pub(super) fn spellings(asked: &str) -> Vec<String> {
    let without_query = asked.split('?').next().unwrap_or_default();
    let decoded = |name: &str| percent_decode_str(name).decode_utf8().ok().map(String::from);
    let plain = [asked, without_query].map(str::to_owned);
    plain.into_iter().chain([asked, without_query].into_iter().filter_map(decoded)).collect()
}

fn collect(folder: &Path, depth: usize, found: &mut Vec<PathBuf>) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries.flatten() {
        let path = entry.path();
        match entry.file_type() {
            Ok(kind) if kind.is_dir() && depth > 0 => {
                collect(&path, depth.saturating_sub(1), found);
            }
            Ok(kind) if kind.is_file() && is_asf(&path) && found.len() < MAX_FILES => {
                found.push(path);
            }
            _ => {}
        }
    }
}

fn is_asf(path: &Path) -> bool {
    let extension = path.extension().and_then(|extension| extension.to_str()).unwrap_or_default();
    ["wmv", "wma", "asf"].iter().any(|known| extension.eq_ignore_ascii_case(known))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(name: &str) -> PathBuf {
        let folder =
            std::env::temp_dir().join(format!("mms-library-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(folder.join("in/sub")).unwrap();
        fs::write(folder.join("secret.wmv"), b"x").unwrap();
        fs::write(folder.join("in/a b.wmv"), b"x").unwrap();
        fs::write(folder.join("in/100%.WMA"), b"x").unwrap();
        fs::write(folder.join("in/notes.txt"), b"x").unwrap();
        fs::write(folder.join("in/sub/c.asf"), b"x").unwrap();
        folder
    }

    #[test]
    fn lists_and_finds_what_is_inside() {
        let folder = folder("inside");
        let library = Library::open(&folder.join("in")).unwrap();
        assert_eq!(library.list(), ["100%25.WMA", "a%20b.wmv", "sub/c.asf"]);
        for name in [
            "a b.wmv",
            "a%20b.wmv",
            "/a b.wmv",
            "a%20b.wmv?token=1",
            "100%.WMA",
            "100%25.WMA",
            "sub/c.asf",
        ] {
            assert!(library.find(name).is_some(), "{name}");
        }
        fs::remove_dir_all(folder).unwrap();
    }

    #[cfg(unix)]
    #[test]
    fn a_backslash_may_be_part_of_a_name() {
        let folder = folder("backslash");
        fs::write(folder.join(r"in/a\b.wmv"), b"x").unwrap();
        fs::write(folder.join(r"in/..\secret.wmv"), b"x").unwrap();
        let library = Library::open(&folder.join("in")).unwrap();
        let listed = library.list();
        assert!(listed.contains(&"a%5Cb.wmv".to_owned()), "{listed:?}");
        for name in listed.iter().map(String::as_str).chain([r"a\b.wmv", r"..\secret.wmv"]) {
            let found = library.find(name).unwrap();
            assert!(found.starts_with(fs::canonicalize(folder.join("in")).unwrap()), "{found:?}");
        }
        fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn nothing_outside_can_be_reached() {
        let folder = folder("outside");
        let library = Library::open(&folder.join("in")).unwrap();
        #[cfg(unix)]
        std::os::unix::fs::symlink(folder.join("secret.wmv"), folder.join("in/link.wmv")).unwrap();
        for name in [
            "../secret.wmv",
            "%2e%2e/secret.wmv",
            "sub/../../secret.wmv",
            "/etc/passwd",
            "link.wmv",
            "notes.txt",
            "",
            ".",
            "sub",
            "a\0b",
            "..\\secret.wmv",
            "sub\\..\\..\\secret.wmv",
            "C:\\secret.wmv",
            "missing.wmv",
            "%ff%fe.wmv",
        ] {
            assert_eq!(library.find(name), None, "{name}");
        }
        let single = Library::open(&folder.join("in/a b.wmv")).unwrap();
        assert_eq!(single.list(), ["a%20b.wmv"]);
        assert!(single.find("a b.wmv").is_some());
        assert_eq!(single.find("100%.WMA"), None);
        fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn nothing_to_serve() {
        assert!(matches!(
            Library::open(Path::new("/nonexistent/x")),
            Err(LibraryError::Unreadable { .. })
        ));
    }
}
