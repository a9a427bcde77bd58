//! Who may play: names and passwords from a file.

use std::collections::HashMap;
use std::fmt;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use subtle::{Choice, ConstantTimeEq as _};

use crate::files::{open_regular, shown};

/// Bytes of a file of users.
const FILE: u64 = 1 << 20;
/// Bytes of one line.
const LINE: usize = 1024;

/// Names and passwords.
pub struct Users {
    passwords: HashMap<String, String>,
}

/// Why there are none.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum UsersError {
    /// The file cannot be read.
    #[error("cannot read {path}: {source}; name a file that is there", path = shown(.path))]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The file is too long.
    #[error("{path} has more than {FILE} bytes; it is no file of users", path = shown(.0))]
    TooLong(PathBuf),
    /// The file is not in UTF-8.
    #[error("{path} is not in UTF-8; save it as such", path = shown(.0))]
    NotText(PathBuf),
    /// A line says something else.
    #[error("line {line} of {path} {what}; write name:password", path = shown(.path))]
    Line {
        /// The file.
        path: PathBuf,
        /// Its line, from 1.
        line: usize,
        /// What is wrong with it.
        what: &'static str,
    },
    /// There is nobody in it.
    #[error("{path} names nobody, so nobody could play; write a line name:password", path = shown(.0))]
    Empty(PathBuf),
}

impl Users {
    /// Reads a file of lines `name:password`. A password may have colons and spaces in it. Empty
    /// lines, and those that begin with `#`, say nothing.
    ///
    /// # Errors
    /// When it cannot be read, is a pipe or the like, is too long, or has a line that says something
    /// else.
    pub fn read(path: &Path) -> Result<Self, UsersError> {
        let unreadable = |source| UsersError::Unreadable { path: path.to_owned(), source };
        let file = open_regular(path).map_err(unreadable)?;
        let mut bytes = Vec::new();
        file.take(FILE.saturating_add(1)).read_to_end(&mut bytes).map_err(unreadable)?;
        if bytes.len() as u64 > FILE {
            return Err(UsersError::TooLong(path.to_owned()));
        }
        let text = String::from_utf8(bytes).map_err(|_| UsersError::NotText(path.to_owned()))?;
        Self::parse(&text, path)
    }

    /// Reads the text of such a file; `path` is what errors call it.
    ///
    /// # Errors
    /// When it has a line that says something else, or names nobody.
    pub fn parse(text: &str, path: &Path) -> Result<Self, UsersError> {
        let mut passwords = HashMap::new();
        let text = text.strip_prefix('\u{FEFF}').unwrap_or(text);
        for (index, line) in text.lines().enumerate() {
            let wrong = |what| UsersError::Line {
                path: path.to_owned(),
                line: index.saturating_add(1),
                what,
            };
            if line.trim().is_empty() || line.starts_with('#') {
                continue;
            }
            if line.len() > LINE {
                return Err(wrong("is too long"));
            }
            let (name, password) = line.split_once(':').ok_or_else(|| wrong("has no colon"))?;
            if name.is_empty() || password.is_empty() {
                return Err(wrong("lacks a name or a password"));
            }
            if passwords.insert(name.to_owned(), password.to_owned()).is_some() {
                return Err(wrong("names somebody again"));
            }
        }
        if passwords.is_empty() {
            return Err(UsersError::Empty(path.to_owned()));
        }
        Ok(Self { passwords })
    }

    /// Whether this is the password of that user. The time that it takes depends on the lengths
    /// of both passwords alone, and not on how much of it is right.
    #[must_use]
    pub fn admits(&self, name: &str, password: &str) -> bool {
        let stored = self.passwords.get(name);
        // Nobody has an empty password, so that this is not a way in.
        let right = stored.map_or("", String::as_str).as_bytes().ct_eq(password.as_bytes());
        (right & Choice::from(u8::from(stored.is_some()))).into()
    }
}

impl fmt::Debug for Users {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Passwords have no business in a log.
        write!(f, "Users({})", self.passwords.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Users, String> {
        Users::parse(text, Path::new("users.txt")).map_err(|error| error.to_string())
    }

    #[test]
    fn names_and_passwords_are_read() {
        let users =
            parse("\u{FEFF}# who\r\nanna:a:b c \r\n\r\n  \nbert:\u{e4}#\nemma: x\n").unwrap();
        for (name, password) in [("anna", "a:b c "), ("bert", "\u{e4}#"), ("emma", " x")] {
            assert!(users.admits(name, password), "{name}");
        }
        for (name, password) in [
            ("anna", ""),
            ("anna", "a:b c"),
            ("anna", "a:b c  "),
            ("anna", "A:b c "),
            ("Anna", "a:b c "),
            ("bert", "x"),
            ("nobody", ""),
            ("", ""),
            ("# who", ""),
        ] {
            assert!(!users.admits(name, password), "{name} {password}");
        }
        assert_eq!(format!("{users:?}"), "Users(3)");
    }

    #[cfg(unix)]
    #[test]
    fn a_pipe_is_not_waited_for() {
        let folder = tempfile::tempdir().unwrap();
        let pipe = folder.path().join("users");
        assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        let error = Users::read(&pipe).unwrap_err().to_string();
        assert!(error.contains("it is not a regular file but a pipe"), "{error}");
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (text, reason) in [
            ("", "names nobody"),
            ("# nobody\n", "names nobody"),
            ("anna\n", "line 1 of users.txt has no colon; write name:password"),
            ("#\nanna:\n", "line 2 of users.txt lacks a name or a password"),
            (":x\n", "lacks a name"),
            ("a:b\na:c\n", "line 2 of users.txt names somebody again"),
            (&format!("a:{}\n", "x".repeat(2_000)), "line 1 of users.txt is too long"),
        ] {
            let error = parse(text).unwrap_err();
            assert!(error.contains(reason), "{text:?}: {error}");
        }
        let error = Users::read(Path::new("/nonexistent/users")).unwrap_err();
        assert!(error.to_string().starts_with("cannot read /nonexistent/users: "), "{error}");
    }
}
