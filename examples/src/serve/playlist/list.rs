//! What a list file says: paths, line by line or as references of a simple `.asx` file.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use super::PlaylistError;

/// The longest list, in bytes.
const MAX_BYTES: u64 = 1 << 20;
/// The most entries.
const MAX_ENTRIES: usize = 10_000;

/// The files that a list names, in order; at least one.
pub(super) fn read(path: &Path) -> Result<Vec<PathBuf>, PlaylistError> {
    let unreadable = |source| PlaylistError::Unreadable { path: path.to_owned(), source };
    let too_long = |what, limit| PlaylistError::TooLong { path: path.to_owned(), what, limit };
    let file = File::open(path).map_err(unreadable)?;
    let mut bytes = Vec::new();
    file.take(MAX_BYTES.saturating_add(1)).read_to_end(&mut bytes).map_err(unreadable)?;
    if bytes.len() as u64 > MAX_BYTES {
        return Err(too_long("bytes", MAX_BYTES));
    }
    let text = String::from_utf8(bytes).map_err(|_| PlaylistError::NotText(path.to_owned()))?;
    let text = text.trim_start_matches('\u{FEFF}');
    let start = text.trim_start().get(..4).unwrap_or_default();
    let named = if start.eq_ignore_ascii_case("<asx") { references(text) } else { lines(text) };
    if named.len() > MAX_ENTRIES {
        return Err(too_long("entries", MAX_ENTRIES as u64));
    }
    if named.is_empty() {
        return Err(PlaylistError::Empty(path.to_owned()));
    }
    let folder = path.parent().unwrap_or_else(|| Path::new(""));
    let entries = named.into_iter().map(|(line, entry)| {
        if entry.contains("://") {
            return Err(PlaylistError::Remote { path: path.to_owned(), line, entry });
        }
        Ok(folder.join(entry))
    });
    entries.collect()
}

/// Each entry with its line, from 1.
fn lines(text: &str) -> Vec<(usize, String)> {
    (1_usize..)
        .zip(text.lines())
        .map(|(number, line)| (number, line.trim().to_owned()))
        .filter(|(_, line)| !line.is_empty() && !line.starts_with('#'))
        .collect()
}

/// The `href` of each `<ref>` outside of comments, with its line.
fn references(text: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    let (mut rest, mut line) = (text, 1_usize);
    while let Some((before, tag)) = rest.split_once('<') {
        line = line.saturating_add(newlines(before));
        let end = if tag.starts_with("!--") { "-->" } else { ">" };
        let Some((inside, behind)) = tag.split_once(end) else { break };
        if let Some(reference) = reference(inside) {
            found.push((line, reference));
        }
        line = line.saturating_add(newlines(inside));
        rest = behind;
    }
    found
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
            return Some(unescaped(value.trim())).filter(|value| !value.is_empty());
        }
        rest = behind;
    }
    None
}

/// The characters that XML needs other words for; `&amp;` last, since it makes no new ones.
fn unescaped(value: &str) -> String {
    let words = [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&apos;", "'"), ("&amp;", "&")];
    words.into_iter().fold(value.to_owned(), |value, (word, sign)| value.replace(word, sign))
}

fn newlines(text: &str) -> usize {
    text.matches('\n').count()
}

/// The entries of the text of a list as they are written, each with its line, from 1.
#[must_use]
pub fn listed(text: &str) -> Vec<(usize, String)> {
    let text = text.trim_start_matches('\u{FEFF}');
    let start = text.trim_start().get(..4).unwrap_or_default();
    if start.eq_ignore_ascii_case("<asx") { references(text) } else { lines(text) }
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
    fn asx_that_is_not_well_formed() {
        for text in ["<asx", "<asx><ref", "<asx><ref href", "<asx><ref href=>", "<asx><ref href=x>"]
        {
            assert_eq!(references(text), [], "{text}");
        }
        assert_eq!(
            references("<asx><ref href=\"\"/><ref href=\"\u{e9}\"/>"),
            [(1, "é".to_owned())]
        );
    }
}
