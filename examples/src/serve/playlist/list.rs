//! What a list file says: paths, line by line or as references of a simple `.asx` file.

use std::io::Read;
use std::path::{Path, PathBuf};

use mms_asf::guid;
use percent_encoding::percent_decode_str;
use url::Url;

use super::{EntryError, LeftOut, PlaylistError};
use crate::files::open_regular;
use crate::text::one_line;

/// The longest list, in bytes.
const MAX_BYTES: u64 = 1 << 20;
/// The most entries.
const MAX_ENTRIES: usize = 10_000;

/// Elements of an `.asx` file that change what is played or shown, and are not followed.
const NOT_HONOURED: [&str; 11] = [
    "author",
    "base",
    "copyright",
    "duration",
    "endmarker",
    "entryref",
    "event",
    "repeat",
    "startmarker",
    "starttime",
    "title",
];

/// A list that was read.
#[derive(Debug)]
pub(super) struct List {
    /// The files in order with their lines, from 1.
    pub(super) files: Vec<(usize, PathBuf)>,
    /// Entries on other machines, and those without a file.
    pub(super) nameless: Vec<LeftOut>,
    /// Elements that are not honoured, each with the line of the first.
    pub(super) ignored: Vec<(&'static str, usize)>,
}

/// Reads a list.
pub(super) fn read(path: &Path) -> Result<List, PlaylistError> {
    let unreadable = |source| PlaylistError::Unreadable { path: path.to_owned(), source };
    let too_long = |what, limit| PlaylistError::TooLong { path: path.to_owned(), what, limit };
    let file = open_regular(path).map_err(unreadable)?;
    let mut bytes = Vec::new();
    file.take(MAX_BYTES.saturating_add(1)).read_to_end(&mut bytes).map_err(unreadable)?;
    if bytes.starts_with(&guid::HEADER.to_bytes_le()) {
        return Err(PlaylistError::Media(path.to_owned()));
    }
    if bytes.len() as u64 > MAX_BYTES {
        return Err(too_long("bytes", MAX_BYTES));
    }
    if bytes.contains(&0) {
        return Err(PlaylistError::Binary(path.to_owned()));
    }
    // Old lists are in Latin-1, in which a byte is a character.
    let (text, latin1) = match String::from_utf8(bytes) {
        Ok(text) => (text, false),
        Err(error) => (error.into_bytes().into_iter().map(char::from).collect(), true),
    };
    let Listed { entries: named, nameless, ignored } = listed(&text);
    if named.len() > MAX_ENTRIES {
        return Err(too_long("entries", MAX_ENTRIES as u64));
    }
    if named.is_empty() {
        return Err(PlaylistError::Empty(path.to_owned()));
    }
    let folder = path.parent().unwrap_or_else(|| Path::new(""));
    let without =
        |(line, what): (usize, &str)| LeftOut::new(line, what.to_owned(), EntryError::Nameless);
    let mut nameless: Vec<_> = nameless.into_iter().map(without).collect();
    let mut files = Vec::new();
    for (line, entry) in named {
        match file_of(folder, &entry, latin1) {
            Some(file) => files.push((line, file)),
            None => nameless.push(LeftOut::new(line, address(&entry), EntryError::Remote)),
        }
    }
    Ok(List { files, nameless, ignored })
}

/// An address on one line, without a login.
fn address(entry: &str) -> String {
    let without_login = entry.split_once("://").and_then(|(scheme, rest)| {
        let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        let (authority, path) = rest.split_at_checked(end)?;
        let (_, host) = authority.rsplit_once('@')?;
        Some(format!("{scheme}://{host}{path}"))
    });
    one_line(without_login.as_deref().unwrap_or(entry), '?')
}

/// The text of a list, read.
#[derive(Debug)]
pub struct Listed {
    /// The entries as they are written, each with its line, from 1.
    pub entries: Vec<(usize, String)>,
    /// Elements and titles without a file, each with its line, from 1.
    pub nameless: Vec<(usize, &'static str)>,
    /// Elements that are not honoured, each with the line of the first.
    pub ignored: Vec<(&'static str, usize)>,
}

/// Reads the text of a list.
#[must_use]
pub fn listed(text: &str) -> Listed {
    let text = text.trim_start_matches('\u{FEFF}');
    let start = text.trim_start().get(..4).unwrap_or_default();
    if start.eq_ignore_ascii_case("<asx") {
        let (entries, nameless) = references(text);
        Listed { entries, nameless, ignored: ignored(text) }
    } else {
        let (entries, nameless) = lines(text);
        Listed { entries, nameless, ignored: Vec::new() }
    }
}

/// The file that an entry means, in the spelling in which it is there; `None` for one on another
/// machine.
fn file_of(folder: &Path, entry: &str, latin1: bool) -> Option<PathBuf> {
    if entry.get(..7).is_some_and(|begin| begin.eq_ignore_ascii_case("file://")) {
        return Url::parse(entry).ok()?.to_file_path().ok();
    }
    if entry.contains("://") {
        return None;
    }
    let slashes = entry.replace('\\', "/");
    let decoded = |name: &str| percent_decode_str(name).decode_utf8().ok().map(String::from);
    let spellings =
        [Some(entry.to_owned()), Some(slashes.clone()), decoded(entry), decoded(&slashes)];
    let spellings = spellings.into_iter().flatten();
    let mut paths = spellings.flat_map(|name| {
        let bytes = latin1.then(|| in_bytes(&name)).flatten();
        [Some(folder.join(&name)), bytes.map(|name| folder.join(name))].into_iter().flatten()
    });
    Some(paths.find(|path| path.exists()).unwrap_or_else(|| folder.join(entry)))
}

/// A name as its file has it that was named when all names were in Latin-1.
#[cfg(unix)]
fn in_bytes(name: &str) -> Option<PathBuf> {
    use std::os::unix::ffi::OsStringExt as _;
    let bytes: Option<Vec<u8>> = name.chars().map(|c| u8::try_from(c).ok()).collect();
    bytes.map(|bytes| std::ffi::OsString::from_vec(bytes).into())
}

/// Names are in Unicode.
#[cfg(not(unix))]
fn in_bytes(_: &str) -> Option<PathBuf> {
    None
}

/// Each entry with its line, from 1, and what has none.
type Entries = (Vec<(usize, String)>, Vec<(usize, &'static str)>);

/// The lines that are paths, and the titles that no path follows.
fn lines(text: &str) -> Entries {
    const TITLE: &str = "#EXTINF";
    let (mut entries, mut nameless) = (Vec::new(), Vec::new());
    let mut title = None;
    for (number, line) in (1_usize..).zip(text.lines().map(str::trim)) {
        if line.get(..TITLE.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(TITLE)) {
            nameless.extend(title.replace(number).map(|number| (number, TITLE)));
        } else if !line.is_empty() && !line.starts_with('#') {
            title = None;
            entries.push((number, line.to_owned()));
        }
    }
    nameless.extend(title.map(|number| (number, TITLE)));
    (entries, nameless)
}

/// The `href` of each `<ref>`, and each `<entry>` without one.
fn references(text: &str) -> Entries {
    const ENTRY: &str = "<entry>";
    let (mut entries, mut nameless) = (Vec::new(), Vec::new());
    // The line of an entry that has no file yet.
    let mut open = None;
    for (line, tag) in (Tags { rest: text, line: 1 }) {
        if let Some(href) = reference(tag) {
            open = None;
            entries.push((line, href));
        } else if element(tag).eq_ignore_ascii_case("entry") {
            nameless.extend(open.replace(line).map(|line| (line, ENTRY)));
        }
        if tag.get(..6).is_some_and(|begin| begin.eq_ignore_ascii_case("/entry")) {
            nameless.extend(open.take().map(|line| (line, ENTRY)));
        }
    }
    nameless.extend(open.map(|line| (line, ENTRY)));
    (entries, nameless)
}

/// The name of an element at its start; empty at its end.
fn element(tag: &str) -> &str {
    tag.split(|c: char| c.is_ascii_whitespace() || c == '/').next().unwrap_or_default()
}

/// Elements that are not honoured, each with the line of the first.
fn ignored(text: &str) -> Vec<(&'static str, usize)> {
    let mut found: Vec<(&'static str, usize)> = Vec::new();
    for (line, tag) in (Tags { rest: text, line: 1 }) {
        let name = element(tag);
        let known = NOT_HONOURED.into_iter().find(|known| known.eq_ignore_ascii_case(name));
        if let Some(known) = known.filter(|known| found.iter().all(|(name, _)| name != known)) {
            found.push((known, line));
        }
    }
    found
}

/// The tags of an `.asx` file outside of comments, each with its line.
struct Tags<'a> {
    rest: &'a str,
    line: usize,
}

impl<'a> Iterator for Tags<'a> {
    type Item = (usize, &'a str);

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let (before, tag) = self.rest.split_once('<')?;
            self.line = self.line.saturating_add(newlines(before));
            let comment = tag.starts_with("!--");
            let (inside, after) = tag.split_once(if comment { "-->" } else { ">" })?;
            let line = self.line;
            self.line = self.line.saturating_add(newlines(inside));
            self.rest = after;
            if !comment {
                return Some((line, inside));
            }
        }
    }
}

/// The `href` of a tag, if it is a `ref`. Names are in upper case as often as not.
fn reference(tag: &str) -> Option<String> {
    let (name, mut rest) = tag.split_once(|c: char| c.is_ascii_whitespace())?;
    if !name.eq_ignore_ascii_case("ref") {
        return None;
    }
    while let Some((name, behind)) = rest.split_once('=') {
        let behind = behind.trim_start();
        let quote = behind.chars().next().filter(|&c| c == '"' || c == '\'')?;
        let (value, behind) = behind.get(1..)?.split_once(quote)?;
        if name.trim().eq_ignore_ascii_case("href") {
            return Some(unescaped(value.trim())).filter(|value| !value.trim().is_empty());
        }
        rest = behind;
    }
    None
}

/// The text with the characters that XML names or numbers; what is not understood stays, as in
/// `a & b`.
fn unescaped(value: &str) -> String {
    let mut text = String::with_capacity(value.len());
    let mut rest = value;
    while let Some((before, after)) = rest.split_once('&') {
        text.push_str(before);
        let found = after.split_once(';').and_then(|(name, after)| Some((named(name)?, after)));
        let (c, after) = found.unwrap_or(('&', after));
        text.push(c);
        rest = after;
    }
    text.push_str(rest);
    text
}

/// The character of an entity.
fn named(name: &str) -> Option<char> {
    let number = |digits: &str, radix| {
        let digit = digits.starts_with(|c: char| c.is_digit(radix));
        let number = u32::from_str_radix(digits, radix).ok().filter(|_| digit)?;
        char::from_u32(number).filter(|&c| c != '\0')
    };
    match name {
        "lt" => Some('<'),
        "gt" => Some('>'),
        "quot" => Some('"'),
        "apos" => Some('\''),
        "amp" => Some('&'),
        _ => {
            let digits = name.strip_prefix('#')?;
            match digits.strip_prefix(['x', 'X']) {
                Some(digits) => number(digits, 16),
                None => number(digits, 10),
            }
        }
    }
}

fn newlines(text: &str) -> usize {
    text.matches('\n').count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_a_simple_list() {
        let text = "#EXTM3U\r\n#EXTINF:5,One\r\none.wma\r\n\r\n  sub/two.wmv  \r\n";
        let expected = [(3, "one.wma".to_owned()), (5, "sub/two.wmv".to_owned())];
        assert_eq!(lines(text), (expected.to_vec(), Vec::new()));
    }

    #[test]
    fn titles_and_entries_without_a_file() {
        let text =
            "#EXTM3U\n#EXTINF:5,One\n#EXTINF:6,Two\n# a remark\n\ntwo.wmv\n#extinf:7,Three\n";
        let (entries, nameless) = lines(text);
        assert_eq!(entries, [(6, "two.wmv".to_owned())]);
        assert_eq!(nameless, [(2, "#EXTINF"), (7, "#EXTINF")]);
        let text = "<asx>\n<entry><title>a</title></entry>\n<ENTRY><ref href='b'/></ENTRY>\n<entry/>\n\
            <entry>\n<entry><ref href=c/></entry><ref href='d'/>\n<entry><title>cut";
        let (entries, nameless) = references(text);
        assert_eq!(entries, [(3, "b".to_owned()), (6, "d".to_owned())]);
        assert_eq!(nameless, [2, 4, 5, 6, 7].map(|line| (line, "<entry>")));
    }

    #[test]
    fn a_login_is_not_shown() {
        for (entry, shown) in [
            ("mms://anna:secret@host/a@b", "mms://host/a@b"),
            ("http://anna:a@b@host?x", "http://host?x"),
            ("http://host/\u{1b}[1m", "http://host/?[1m"),
            ("file://host/a", "file://host/a"),
        ] {
            assert_eq!(address(entry), shown);
        }
    }

    #[test]
    fn references_of_an_asx_file() {
        let text = "<ASX version=\"3.0\">\n<title>A > B</title>\n<!-- <ref href=\"no.wma\"/> -->\n\
            <Entry><REF HREF = \"a &amp; b.wma\" /></Entry>\n\
            <entry>\n<ref id='x' href='c.wmv'></ref><reference href=\"no\"/></entry></ASX>";
        let expected = [(4, "a & b.wma".to_owned()), (6, "c.wmv".to_owned())];
        assert_eq!(references(text), (expected.to_vec(), Vec::new()));
    }

    #[test]
    fn elements_that_are_not_honoured() {
        let text = "<ASX>\n<Title>A</Title>\n<!-- <base href=\"x\"/> -->\n<REPEAT count='2'>\n\
            <entry><duration value=\"1:00\"/><ref href=\"a\"/></entry>\n<entry><DURATION/></entry></ASX>";
        assert_eq!(ignored(text), [("title", 2), ("repeat", 4), ("duration", 5)]);
    }

    #[test]
    fn characters_have_names_and_numbers() {
        for (written, meant) in [
            ("a &#38; b&#x26;&#X26;.wmv", "a & b&&.wmv"),
            ("&lt;&gt;&quot;&apos;&amp;lt;", "<>\"'&lt;"),
            ("caf&#233; &#x1F3B5;", "caf\u{e9} \u{1F3B5}"),
            ("a & b; &c &; &#; &#x; &#+38; &#0; &#xD800; &#99999999999; &nbsp;", ""),
            ("", ""),
        ] {
            let meant = if meant.is_empty() { written } else { meant };
            assert_eq!(unescaped(written), meant);
        }
    }

    #[test]
    fn asx_that_is_not_well_formed() {
        for text in ["<asx", "<asx><ref", "<asx><ref href", "<asx><ref href=>", "<asx><ref href=x>"]
        {
            assert_eq!(references(text).0, [], "{text}");
        }
        assert_eq!(
            references("<asx><ref href=\"\"/><ref href=\"&#13;\"/><ref href=\"\u{e9}\"/>").0,
            [(1, "é".to_owned())]
        );
    }
}
