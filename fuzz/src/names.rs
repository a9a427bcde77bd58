//! Text that people and players write: addresses, file names, lists, files of users.

use std::path::{Component, Path};

use mms_client::MmsUrl;
use mms_examples::serve::{Library, Listed, Users, listed};

/// Any text as an address, typed by a person or sent by a server that redirects.
pub fn address(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    for parse in [MmsUrl::parse, MmsUrl::parse_redirect] {
        let Ok(url) = parse(text) else { continue };
        assert!(!url.host().is_empty() && url.port() > 0);
        assert!(!url.wire_path().contains('\0'));
        // What is shown can be printed, and says the same but for the password.
        let shown = url.to_string();
        assert!(shown.bytes().all(|byte| byte.is_ascii_graphic()), "{shown:?}");
        let again = MmsUrl::parse(&shown).expect("an address that was shown");
        assert_eq!((again.scheme(), again.host()), (url.scheme(), url.host()));
        assert_eq!((again.port(), again.user()), (url.port(), url.user()));
        assert_eq!(again.password(), None);
        assert_eq!(again.to_string(), shown);
        if let Some(name) = url.file_name() {
            is_safe(&name);
        }
    }
}

/// Any text as the name of a file: one to write, at the end of an address, and one to serve, as a
/// player asks for it.
pub fn file_name(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    for address in [format!("mms://host/{text}"), format!("mms://host/folder/{text}/?query")] {
        for parse in [MmsUrl::parse, MmsUrl::parse_redirect] {
            if let Some(name) = parse(&address).ok().and_then(|url| url.file_name()) {
                is_safe(&name);
            }
        }
    }
    // Of whichever package this is compiled in.
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/clips");
    let library = Library::open(&folder).expect("a folder of clips");
    if let Some(found) = library.find(text) {
        let folder = folder.canonicalize().expect("it is there");
        assert!(found.starts_with(folder), "{}", found.display());
    }
}

/// A name in one folder that hides nothing.
fn is_safe(name: &str) {
    assert!(!name.is_empty() && name.len() <= 200, "{name:?}");
    assert!(!name.starts_with(['.', '-']), "{name:?}");
    assert!(!name.contains(['/', '\\', ':']) && !name.contains(char::is_control), "{name:?}");
    let mut parts = Path::new(name).components();
    assert!(matches!(parts.next(), Some(Component::Normal(_))) && parts.next().is_none());
}

/// Any bytes as a list, `.m3u` or `.asx`.
pub fn list(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let mut before = 1;
    let Listed { entries, nameless, ignored } = listed(&text);
    let lines = text.matches('\n').count() + 1;
    for (line, what) in nameless {
        assert!((1..=lines).contains(&line), "{line}: {what}");
    }
    for (element, line) in ignored {
        assert!((1..=lines).contains(&line), "{line}: {element}");
    }
    for (line, entry) in entries {
        assert!((before..=lines).contains(&line), "{line}: {entry:?}");
        assert!(!entry.trim().is_empty(), "{line}: {entry:?}");
        before = line;
    }
}

/// Any text as a file of users, and its lines as what players say.
pub fn users(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let Ok(users) = Users::parse(text, Path::new("users")) else { return };
    let text = text.strip_prefix('\u{FEFF}').unwrap_or(text);
    let lines = text.lines().filter(|line| !line.starts_with('#') && !line.trim().is_empty());
    for line in lines {
        let (name, password) = line.split_once(':').expect("a name and a password");
        assert!(users.admits(name, password), "{name:?}");
        assert!(!users.admits(name, &format!("{password}x")), "{name:?}");
        assert!(!users.admits(name, "") && !users.admits("", password));
    }
    // Passwords have no business in a log.
    assert!(format!("{users:?}").len() < 40);
}

/// The first inputs: target, name and bytes.
#[cfg(test)]
pub(crate) fn first_inputs() -> Vec<(&'static str, &'static str, &'static [u8])> {
    vec![
        ("address", "plain", b"mms://example.org/film.wmv"),
        ("address", "all", b"mmst://user%3A:pass%20word@example.org:1756/a%20b/film.wmv?x=1#end"),
        ("address", "ipv6", b"MMS://[2001:db8::1]:80/live"),
        ("address", "ipv4", b" mms://127.0.0.1 "),
        ("address", "name", "mms://b\u{fc}cher.example/\u{fc}%FF/..%2F..%2Fx".as_bytes()),
        ("address", "unsupported", b"mmsh://example.org/film.wmv"),
        ("address", "literal", b"mms://example.org/100%/#1.wmv?a=b"),
        ("file_name", "clip", b"test-pattern.wmv"),
        ("file_name", "encoded", b"test%2Dpattern.wmv?token=1"),
        ("file_name", "outside", b"..%2f..%2f..\\..//etc/passwd"),
        ("file_name", "device", b"NUL  .wmv"),
        ("file_name", "hidden", "..\u{202e}vmw.\u{200b}exe. ".as_bytes()),
        ("file_name", "dashes", b"--force"),
        ("list", "m3u", b"#EXTM3U\r\n#EXTINF:5,One\r\none.wma\r\n\r\n  sub/two.wmv  \r\n"),
        ("list", "latin1", b"caf\xE9.wma\n..\\other.wmv\nfile:///film%20one.wmv\n"),
        (
            "list",
            "asx",
            b"<ASX version=\"3.0\">\n<title>A > B</title>\n<!-- <ref href=\"no.wma\"/> -->\n\
              <Entry><REF HREF = \"a &amp; b&#38;.wma\" /><duration value='00:10'/></Entry>\n\
              <repeat><entry><ref id='x' href='c.wmv'></ref></entry></repeat></ASX>",
        ),
        ("list", "cut", b"\xEF\xBB\xBF<asx><ref href=\"a"),
        ("list", "remote", b"mms://example.org/film.wmv\n"),
        ("users", "some", b"\xEF\xBB\xBF# who\r\nanna:a:b c \r\n\r\n  \nbert:\xC3\xA4#\nemma: x\n"),
        ("users", "twice", b"anna:x\nanna:y\n"),
        ("users", "no_colon", b"anna\n"),
    ]
}
