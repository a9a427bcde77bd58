//! What a list file says: paths, line by line or as references of a simple `.asx` file.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use percent_encoding::percent_decode_str;
use url::Url;

use super::PlaylistError;

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
    /// The files in order with their lines, from 1; at least one.
    pub(super) entries: Vec<(usize, PathBuf)>,
    /// Elements that are not honoured, each with the line of the first.
    pub(super) ignored: Vec<(&'static str, usize)>,
}

/// Reads a list.
pub(super) fn read(path: &Path) -> Result<List, PlaylistError> {
    let unreadable = |source| PlaylistError::Unreadable { path: path.to_owned(), source };
    let too_long = |what, limit| PlaylistError::TooLong { path: path.to_owned(), what, limit };
    let file = File::open(path).map_err(unreadable)?;
    let mut bytes = Vec::new();
    file.take(MAX_BYTES.saturating_add(1)).read_to_end(&mut bytes).map_err(unreadable)?;
    if bytes.len() as u64 > MAX_BYTES {
        return Err(too_long("bytes", MAX_BYTES));
    }
    // Old lists are in Latin-1, in which a byte is a character.
    let (text, latin1) = match String::from_utf8(bytes) {
        Ok(text) => (text, false),
        Err(error) => (error.into_bytes().into_iter().map(char::from).collect(), true),
    };
    let Listed { entries: named, ignored } = listed(&text);
    if named.len() > MAX_ENTRIES {
        return Err(too_long("entries", MAX_ENTRIES as u64));
    }
    if named.is_empty() {
        return Err(PlaylistError::Empty(path.to_owned()));
    }
    let folder = path.parent().unwrap_or_else(|| Path::new(""));
    let entries = named.into_iter().map(|(line, entry)| match file_of(folder, &entry, latin1) {
        Some(file) => Ok((line, file)),
        None => Err(PlaylistError::Remote { path: path.to_owned(), line, entry }),
    });
    Ok(List { entries: entries.collect::<Result<_, _>>()?, ignored })
}

/// The text of a list, read.
#[derive(Debug)]
pub struct Listed {
    /// The entries as they are written, each with its line, from 1.
    pub entries: Vec<(usize, String)>,
    /// Elements that are not honoured, each with the line of the first.
    pub ignored: Vec<(&'static str, usize)>,
}

/// Reads the text of a list.
#[must_use]
pub fn listed(text: &str) -> Listed {
    let text = text.trim_start_matches('\u{FEFF}');
    let start = text.trim_start().get(..4).unwrap_or_default();
    if start.eq_ignore_ascii_case("<asx") {
        Listed { entries: references(text), ignored: ignored(text) }
    } else {
        Listed { entries: lines(text), ignored: Vec::new() }
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

/// Each entry with its line, from 1.
fn lines(text: &str) -> Vec<(usize, String)> {
    (1_usize..)
        .zip(text.lines())
        .map(|(number, line)| (number, line.trim().to_owned()))
        .filter(|(_, line)| !line.is_empty() && !line.starts_with('#'))
        .collect()
}

/// The `href` of each `<ref>`, with its line.
fn references(text: &str) -> Vec<(usize, String)> {
    let tags = Tags { rest: text, line: 1 };
    tags.filter_map(|(line, tag)| Some((line, reference(tag)?))).collect()
}

/// Elements that are not honoured, each with the line of the first.
fn ignored(text: &str) -> Vec<(&'static str, usize)> {
    let mut found: Vec<(&'static str, usize)> = Vec::new();
    for (line, tag) in (Tags { rest: text, line: 1 }) {
        let name = tag.split(|c: char| c.is_ascii_whitespace() || c == '/').next();
        let name = name.unwrap_or_default();
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
        assert_eq!(lines(text), expected);
    }

    #[test]
    fn references_of_an_asx_file() {
        let text = "<ASX version=\"3.0\">\n<title>A > B</title>\n<!-- <ref href=\"no.wma\"/> -->\n\
            <Entry><REF HREF = \"a &amp; b.wma\" /></Entry>\n\
            <entry>\n<ref id='x' href='c.wmv'></ref><reference href=\"no\"/></entry></ASX>";
        let expected = [(4, "a & b.wma".to_owned()), (6, "c.wmv".to_owned())];
        assert_eq!(references(text), expected);
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
            assert_eq!(references(text), [], "{text}");
        }
        assert_eq!(
            references("<asx><ref href=\"\"/><ref href=\"&#13;\"/><ref href=\"\u{e9}\"/>"),
            [(1, "é".to_owned())]
        );
    }
}
