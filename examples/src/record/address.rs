//! Words about an argument that is not an address.

use std::path::Path;

use mms_client::{MmsUrl, UrlError};

use crate::files::shown;

/// Extensions of lists, which hold the addresses of streams.
const LISTS: [&str; 6] = ["asx", "wax", "wvx", "wmx", "m3u", "nsc"];

/// Reads an address.
///
/// # Errors
/// One line about what the text is instead. It repeats no address, which may hold a password.
pub fn address(text: &str) -> Result<MmsUrl, String> {
    text.parse().map_err(|error: UrlError| match error {
        UrlError::MissingScheme if text.trim().is_empty() => {
            "the address is empty; write mms://server/file".to_owned()
        }
        UrlError::MissingScheme => match local(Path::new(text)) {
            Some(what) => what,
            None => format!("{error}, as in mms://server/file"),
        },
        UrlError::UnsupportedScheme { .. } | UrlError::WrongScheme { .. } if is_list(text) => {
            format!("{error}. This looks like a list: the address of the stream is in it")
        }
        _ => error.to_string(),
    })
}

/// What a name on this machine is.
fn local(path: &Path) -> Option<String> {
    let found = path.metadata().ok()?;
    let name = shown(path);
    Some(if found.is_dir() {
        format!("{name} is a folder on this machine, not an address such as mms://server/file")
    } else if path.to_str().is_some_and(is_list) {
        format!("{name} is a list on this machine: give the mms:// address that is in it")
    } else {
        format!(
            "{name} is a file on this machine, not an address such as mms://server/file: inspect \
             shows what is in it"
        )
    })
}

/// Whether a name, or the path of an address, ends like that of a list.
fn is_list(text: &str) -> bool {
    let path = text.split(['?', '#']).next().unwrap_or_default();
    let extension = path.rsplit_once('.').map_or("", |(_, extension)| extension.trim());
    LISTS.iter().any(|list| extension.eq_ignore_ascii_case(list))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_address_is_named() {
        let here = env!("CARGO_MANIFEST_DIR");
        let clip = format!("{here}/clips/test-pattern.wmv");
        for (text, said) in [
            ("", "the address is empty; write mms://server/file"),
            ("  ", "the address is empty; write mms://server/file"),
            (here, " is a folder on this machine, not an address such as mms://server/file"),
            (&clip, "test-pattern.wmv is a file on this machine, not an address such as mms"),
            ("host/a.wmv", "must begin with mms:// or mmst://, as in mms://server/file"),
            ("http://h/a.wmv", "http:// is not supported yet; use mms:// or mmst://"),
            (
                "http://h/a.ASX?x=1.wmv",
                "use mms:// or mmst://. This looks like a list: the address of the stream is in it",
            ),
            (
                "ftp://u:secret@h/a.m3u",
                "This looks like a list: the address of the stream is in it",
            ),
            ("mms://", "the address names no server; write mms://server/file"),
        ] {
            let error = address(text).unwrap_err();
            assert!(error.contains(said) && !error.contains("secret"), "{text}: {error}");
        }
        assert!(address("mms://h/list.asx").is_ok());
        let list = std::env::temp_dir().join(format!("mms-address-{}.asx", std::process::id()));
        std::fs::write(&list, "").unwrap();
        let error = address(list.to_str().unwrap()).unwrap_err();
        std::fs::remove_file(list).unwrap();
        assert!(
            error.ends_with("is a list on this machine: give the mms:// address that is in it")
        );
    }
}
