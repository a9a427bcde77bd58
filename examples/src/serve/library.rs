//! Which files there are, and which file a player means.

use std::ffi::OsStr;
use std::fs;
use std::io;
use std::path::{Component, Path, PathBuf};

use percent_encoding::{AsciiSet, CONTROLS, percent_decode_str, utf8_percent_encode};

use super::playlist::{first_of, is_list};
use super::title::Title;
use crate::files::{open_regular, shown};

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
    /// The files that can be played, in order.
    files: Vec<PathBuf>,
    notes: Vec<String>,
}

/// Why there is nothing to serve.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LibraryError {
    /// It is not there, or may not be read.
    #[error("cannot read {path}: {source}; name a file or folder that is there", path = shown(.path))]
    Unreadable {
        /// What was named.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It is a list, which has an option of its own.
    #[error("{path} is a list; play its files with --playlist {path}", path = shown(.0))]
    List(PathBuf),
    /// There is no ASF file in the folder.
    #[error("there is no .wmv, .wma or .asf file in {path}; name another folder, or a file", path = shown(.0))]
    Empty(PathBuf),
    /// There are ASF files in the folder, and none can be played.
    #[error("no file in {path} can be played: {}", .notes.join("; "), path = shown(.path))]
    NothingOpens {
        /// The folder.
        path: PathBuf,
        /// Each file with the reason.
        notes: Vec<String>,
    },
}

impl Library {
    /// Looks at a file or folder.
    ///
    /// # Errors
    /// When it cannot be read, is a list, or is a folder without files that can be served.
    pub fn open(path: &Path) -> Result<Self, LibraryError> {
        let unreadable = |source| LibraryError::Unreadable { path: path.to_owned(), source };
        let real = fs::canonicalize(path).map_err(unreadable)?;
        if fs::metadata(&real).map_err(unreadable)?.is_dir() {
            let Found { files, notes } = Found::in_folder(&real);
            return match (files.is_empty(), notes.is_empty()) {
                (false, _) => Ok(Self { root: real, only: None, files, notes }),
                (true, true) => Err(LibraryError::Empty(path.to_owned())),
                (true, false) => Err(LibraryError::NothingOpens { path: path.to_owned(), notes }),
            };
        }
        if is_list(&real, &mut open_regular(&real).map_err(unreadable)?) {
            return Err(LibraryError::List(path.to_owned()));
        }
        let root = real.parent().map(Path::to_owned).unwrap_or_default();
        Ok(Self { root, only: Some(real.clone()), files: vec![real], notes: Vec::new() })
    }

    /// The only file, if there is only one.
    #[must_use]
    pub fn only(&self) -> Option<&Path> {
        self.only.as_deref()
    }

    /// All files that could be played when it was opened, in order.
    #[must_use]
    pub fn files(&self) -> &[PathBuf] {
        &self.files
    }

    /// The files that are not offered, each with the reason.
    #[must_use]
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    /// The path of each file as it stands in a URL, in order.
    #[must_use]
    pub fn list(&self) -> Vec<String> {
        let mut paths: Vec<String> = self.files.iter().filter_map(|file| self.name(file)).collect();
        paths.sort();
        paths
    }

    /// The path of a file of the library as it stands in a URL.
    #[must_use]
    pub fn name(&self, file: &Path) -> Option<String> {
        let path = file.strip_prefix(&self.root).ok()?.to_str()?;
        // In a URL it is a slash everywhere.
        Some(encoded(&path.replace(std::path::MAIN_SEPARATOR, "/")))
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
        if self.only.is_none() && relative.iter().any(is_hidden) {
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

/// What a folder holds.
#[derive(Debug, Default)]
struct Found {
    files: Vec<PathBuf>,
    notes: Vec<String>,
}

impl Found {
    fn in_folder(root: &Path) -> Self {
        let mut found = Self::default();
        found.collect(root, root, MAX_DEPTH);
        found.files.sort();
        found.notes.sort();
        found.notes = first_of(found.notes);
        found
    }

    fn collect(&mut self, root: &Path, folder: &Path, depth: usize) {
        let entries = match fs::read_dir(folder) {
            Ok(entries) => entries,
            Err(error) => return self.leave_out(root, folder, &error.to_string()),
        };
        for entry in entries.flatten() {
            let (path, kind) = (entry.path(), entry.file_type());
            let Ok(kind) = kind else { continue };
            if is_hidden(&entry.file_name()) {
                continue;
            }
            if kind.is_dir() && depth > 0 {
                self.collect(root, &path, depth.saturating_sub(1));
            } else if kind.is_dir() {
                self.leave_out(root, &path, "it is a folder too deep");
            } else if is_asf(&path) {
                match self.check(&path, kind) {
                    Ok(()) => self.files.push(path),
                    Err(why) => self.leave_out(root, &path, &why),
                }
            }
        }
    }

    /// Whether a file can be offered.
    fn check(&self, path: &Path, kind: fs::FileType) -> Result<(), String> {
        if kind.is_symlink() {
            Err("it is a link".to_owned())
        } else if !kind.is_file() {
            Err("it is not a regular file".to_owned())
        } else if path.to_str().is_none() {
            Err("its name is not in UTF-8".to_owned())
        } else if self.files.len() >= MAX_FILES {
            Err(format!("there are {MAX_FILES} others"))
        } else {
            Title::check(path).map_err(|error| error.to_string())
        }
    }

    fn leave_out(&mut self, root: &Path, path: &Path, why: &str) {
        let name = path.strip_prefix(root).unwrap_or(path);
        self.notes.push(format!("{} is left out: {why}", shown(name)));
    }
}

/// Whether a file or folder is hidden by its name.
fn is_hidden(name: &OsStr) -> bool {
    name.as_encoded_bytes().starts_with(b".")
}

fn is_asf(path: &Path) -> bool {
    let extension = path.extension().and_then(|extension| extension.to_str()).unwrap_or_default();
    ["wmv", "wma", "asf"].iter().any(|known| extension.eq_ignore_ascii_case(known))
}

#[cfg(test)]
mod tests {
    use super::*;

    const CLIP: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/clips/test-pattern.wmv");

    fn folder(name: &str) -> PathBuf {
        let folder =
            std::env::temp_dir().join(format!("mms-library-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(folder.join("in/sub")).unwrap();
        fs::copy(CLIP, folder.join("secret.wmv")).unwrap();
        fs::copy(CLIP, folder.join("in/a b.wmv")).unwrap();
        fs::copy(CLIP, folder.join("in/100%.WMA")).unwrap();
        fs::write(folder.join("in/notes.txt"), b"x").unwrap();
        fs::copy(CLIP, folder.join("in/sub/c.asf")).unwrap();
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
        fs::copy(CLIP, folder.join(r"in/a\b.wmv")).unwrap();
        fs::copy(CLIP, folder.join(r"in/x..\secret.wmv")).unwrap();
        let library = Library::open(&folder.join("in")).unwrap();
        let listed = library.list();
        assert!(listed.contains(&"a%5Cb.wmv".to_owned()), "{listed:?}");
        for name in listed.iter().map(String::as_str).chain([r"a\b.wmv", r"x..\secret.wmv"]) {
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

    #[cfg(unix)]
    #[test]
    fn what_is_left_out_is_named() {
        use std::os::unix::ffi::OsStrExt as _;
        let folder = folder("left-out");
        let inside = folder.join("in");
        fs::write(inside.join("broken.wmv"), b"no film").unwrap();
        fs::write(inside.join("sub/empty.wmv"), b"").unwrap();
        fs::copy(CLIP, inside.join(OsStr::from_bytes(b"gr\xFCn.wmv"))).unwrap();
        std::os::unix::fs::symlink("a b.wmv", inside.join("link.wmv")).unwrap();
        assert!(
            std::process::Command::new("mkfifo")
                .arg(inside.join("pipe.wmv"))
                .status()
                .unwrap()
                .success()
        );
        fs::copy(CLIP, inside.join(".hidden.wmv")).unwrap();
        fs::create_dir(inside.join(".git")).unwrap();
        fs::copy(CLIP, inside.join(".git/x.wmv")).unwrap();
        let library = Library::open(&inside).unwrap();
        assert_eq!(library.list(), ["100%25.WMA", "a%20b.wmv", "sub/c.asf"]);
        let notes = library.notes();
        for (note, (name, why)) in notes.iter().zip([
            ("broken.wmv", ""),
            ("gr\u{fffd}n.wmv", "its name is not in UTF-8"),
            ("link.wmv", "it is a link"),
            ("pipe.wmv", "it is not a regular file"),
            ("sub/empty.wmv", ""),
        ]) {
            assert!(note.starts_with(&format!("{name} is left out: {why}")), "{note}");
        }
        assert_eq!(notes.len(), 5, "{notes:?}");
        for hidden in [".hidden.wmv", ".git/x.wmv"] {
            assert_eq!(library.find(hidden), None);
        }
        // One that is named is meant.
        let only = Library::open(&inside.join(".hidden.wmv")).unwrap();
        assert!(only.find(".hidden.wmv").is_some());
        fs::remove_file(inside.join(".hidden.wmv")).unwrap();
        for name in ["a b.wmv", "100%.WMA", "sub/c.asf"] {
            fs::write(inside.join(name), b"no film").unwrap();
        }
        let error = Library::open(&inside).unwrap_err().to_string();
        assert!(error.contains("can be played: ") && error.contains("link.wmv"), "{error}");
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
