//! Command lines, read alike by all programs: no error repeats an address, which may contain a
//! password, and every program has a version.

use std::ffi::OsString;
use std::fmt;

use clap::error::ErrorKind;
use clap::{Args, Parser};
use mms_client::MmsUrl;

/// The variable that a password is taken from: unlike an option, others on the machine cannot read
/// it.
pub const PASSWORD_VARIABLE: &str = "MMS_PASSWORD";

/// Reads the command line; ends the program where it is wrong, or asks for help or the version.
#[must_use]
pub fn parse<P: Parser>() -> P {
    let arguments: Vec<OsString> = std::env::args_os().collect();
    let command = P::command().version(env!("CARGO_PKG_VERSION"));
    let parsed =
        command.try_get_matches_from(&arguments).and_then(|matches| P::from_arg_matches(&matches));
    parsed.unwrap_or_else(|error| exit(&error, &arguments))
}

/// Ends the program because its arguments make no sense together.
pub fn refuse<P: Parser>(kind: ErrorKind, why: impl fmt::Display) -> ! {
    let arguments: Vec<OsString> = std::env::args_os().collect();
    exit(&P::command().error(kind, why), &arguments)
}

/// Prints what clap says of these arguments, without the addresses among them.
fn exit(error: &clap::Error, arguments: &[OsString]) -> ! {
    if error.use_stderr() {
        let said = without_addresses(&error.render().to_string(), arguments);
        // If it cannot be written nobody wants to read it.
        let _ = std::io::Write::write_all(&mut std::io::stderr(), said.as_bytes());
        std::process::exit(error.exit_code());
    }
    // Help and version say nothing of the arguments.
    error.exit()
}

/// The text with "mms://…" in place of each address that is an argument, or a part of one.
fn without_addresses(text: &str, arguments: &[OsString]) -> String {
    let mut addresses: Vec<String> = Vec::new();
    for argument in arguments.iter().skip(1) {
        let argument = argument.to_string_lossy();
        let parts = argument.match_indices('=').map(|(at, _)| argument.get(at.saturating_add(1)..));
        for part in std::iter::once(Some(argument.as_ref())).chain(parts).flatten() {
            if is_address(part) {
                addresses.push(part.to_owned());
            }
        }
    }
    // The longest first, as others are parts of it.
    addresses.sort_by_key(|address| std::cmp::Reverse(address.len()));
    addresses.iter().fold(text.to_owned(), |text, address| text.replace(address, &hidden(address)))
}

/// Whether this may be an address, in whatever way it is wrong.
fn is_address(text: &str) -> bool {
    let scheme = text.get(..3).is_some_and(|begin| begin.eq_ignore_ascii_case("mms"));
    text.contains("://") || text.contains('@') || (scheme && text.contains(':'))
}

/// What is shown of an address that cannot be read: its scheme.
fn hidden(address: &str) -> String {
    match address.split_once("://") {
        Some((scheme, _)) if scheme.chars().all(|c| c.is_ascii_alphanumeric()) => {
            format!("{scheme}://…")
        }
        _ => "…".to_owned(),
    }
}

/// An address for a log, without the user and the password that it may contain.
#[must_use]
pub fn shown_address(address: &str) -> String {
    match address.parse::<MmsUrl>() {
        Ok(url) => url.to_string(),
        Err(_) if address.contains('@') => hidden(address),
        Err(_) => address.to_owned(),
    }
}

/// Name and password for the server of an address.
#[derive(Args, Debug)]
pub struct Login {
    /// Name to give to a server that asks.
    #[arg(long, value_name = "NAME")]
    user: Option<String>,
    /// Password to give to a server that asks, in clear text if it wants it so. Without it, the
    /// one in the variable `MMS_PASSWORD`.
    #[arg(long, value_name = "WORD", requires = "user")]
    password: Option<String>,
}

impl Login {
    /// The name and password to log in with; `None` where there are none.
    ///
    /// The name may be the one in the address. A name and a password in the address are left to
    /// the client.
    ///
    /// # Errors
    /// When there is a name and no password.
    pub fn credentials(&self, url: Option<&MmsUrl>) -> Result<Option<(String, String)>, String> {
        self.with_variable(url, std::env::var(PASSWORD_VARIABLE).ok())
    }

    fn with_variable(
        &self,
        url: Option<&MmsUrl>,
        variable: Option<String>,
    ) -> Result<Option<(String, String)>, String> {
        let password = self.password.clone().or(variable);
        match (&self.user, password) {
            (Some(user), Some(password)) => Ok(Some((user.clone(), password))),
            (Some(_), None) => {
                Err(format!("--user needs a password: --password, or {PASSWORD_VARIABLE}"))
            }
            (None, Some(password)) => {
                let url = url.filter(|url| url.password().is_none());
                Ok(url.and_then(MmsUrl::user).map(|user| (user.to_owned(), password)))
            }
            (None, None) => Ok(None),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(arguments: &[&str]) -> String {
        let arguments: Vec<OsString> = arguments.iter().map(OsString::from).collect();
        let text = format!("invalid value '{}' for '<URL>'", arguments[1].to_string_lossy());
        without_addresses(&text, &arguments)
    }

    #[test]
    fn addresses_are_not_repeated() {
        for (argument, shown) in [
            ("mms://anna:secret@host:99999/a", "mms://…"),
            ("http://anna:secret@host/a", "http://…"),
            ("mms:/anna:secret", "…"),
            ("MMS:anna:secret", "…"),
            ("anna:secret@host/a", "…"),
            ("mms://anna:sec/ret @host", "mms://…"),
            ("a=http://anna:secret@host", "…"),
            ("film.wmv", "film.wmv"),
            ("12:30", "12:30"),
        ] {
            assert_eq!(said(&["x", argument]), format!("invalid value '{shown}' for '<URL>'"));
        }
        let arguments = ["x", "--redirect=a=http://u:p@h"].map(OsString::from);
        let text = "invalid value 'a=http://u:p@h' for '--redirect'";
        let said = without_addresses(text, &arguments);
        assert_eq!(said, "invalid value '…' for '--redirect'");
    }

    #[test]
    fn an_address_in_a_log_has_no_password() {
        assert_eq!(shown_address("mms://anna:secret@host/a.wmv"), "mms://anna@host/a.wmv");
        assert_eq!(shown_address("mmsu://anna:secret@host/a.wmv"), "mmsu://…");
        assert_eq!(shown_address("mmsu://host:0/new.wmv"), "mmsu://host:0/new.wmv");
        assert_eq!(shown_address("mmst://host/new.wmv"), "mmst://host/new.wmv");
    }

    #[test]
    fn the_password_comes_from_the_option_or_the_variable() {
        let login = |user: Option<&str>, password: Option<&str>| Login {
            user: user.map(str::to_owned),
            password: password.map(str::to_owned),
        };
        let url: MmsUrl = "mms://bert@host/a".parse().unwrap();
        let whole: MmsUrl = "mms://bert:word@host/a".parse().unwrap();
        let with = |login: Login, url, variable: Option<&str>| {
            login.with_variable(Some(url), variable.map(str::to_owned))
        };
        let pair = |user: &str, password: &str| Ok(Some((user.to_owned(), password.to_owned())));
        assert_eq!(with(login(Some("anna"), Some("a")), &url, Some("b")), pair("anna", "a"));
        assert_eq!(with(login(Some("anna"), None), &url, Some("b")), pair("anna", "b"));
        assert_eq!(with(login(None, None), &url, Some("b")), pair("bert", "b"));
        assert_eq!(with(login(None, None), &whole, Some("b")), Ok(None));
        assert_eq!(with(login(None, None), &url, None), Ok(None));
        let error = with(login(Some("anna"), None), &url, None).unwrap_err();
        assert!(error.contains("MMS_PASSWORD"), "{error}");
    }
}
