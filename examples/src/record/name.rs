//! Names of recordings: after the address, with the extension of what is recorded.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use mms_asf::Header;
use mms_client::MmsUrl;

/// Name of a recording whose address names none, without an extension.
const UNNAMED: &str = "stream";
/// Extensions that say nothing about the streams.
const GENERIC: &str = "asf";
/// Extensions of other media and of lists, which would be wrong in a recording's name.
const OTHERS: [&str; 22] = [
    "asf", "asx", "avi", "htm", "html", "m3u", "mov", "mp3", "mp4", "mpeg", "mpg", "nsc", "ra",
    "ram", "rm", "wax", "wm", "wma", "wmv", "wmx", "wpl", "wvx",
];

/// The extension of a file with these streams of a header, all of them where none are chosen.
pub(super) fn extension(header: &Header, chosen: Option<&[u8]>) -> &'static str {
    let mut streams = header
        .streams()
        .iter()
        .filter(|stream| chosen.is_none_or(|chosen| chosen.contains(&stream.number)));
    if streams.clone().any(|stream| stream.video().is_some()) {
        "wmv"
    } else if streams.any(|stream| stream.audio().is_some()) {
        "wma"
    } else {
        GENERIC
    }
}

/// The last part of the address, with this extension unless its own is as good.
pub(super) fn named(url: &MmsUrl, extension: &str) -> PathBuf {
    let name = url.file_name().unwrap_or_else(|| UNNAMED.to_owned());
    with_extension(Path::new(&name), extension)
}

/// Replaces the extension of a name where it is that of something else, and adds it to a name
/// without one; `speech.2004` has none.
pub(super) fn with_extension(path: &Path, extension: &str) -> PathBuf {
    let is = |other: &str| path.extension().is_some_and(|found| found.eq_ignore_ascii_case(other));
    if is(extension) || is(GENERIC) {
        return path.to_owned();
    }
    if OTHERS.iter().any(|other| is(other)) {
        return path.with_extension(extension);
    }
    let mut name = path.file_name().map(OsString::from).unwrap_or_default();
    name.push(".");
    name.push(extension);
    path.with_file_name(name)
}

/// `name-1.wmv` with a dash, `name.2.wmv` without.
pub(super) fn numbered(path: &Path, dash: &str, number: u32) -> PathBuf {
    let mut name = path.file_stem().map(OsString::from).unwrap_or_default();
    name.push(if dash.is_empty() { "." } else { dash });
    name.push(number.to_string());
    if let Some(extension) = path.extension() {
        name.push(".");
        name.push(extension);
    }
    path.with_file_name(name)
}

#[cfg(test)]
mod tests {
    use mms_asf::testing::{self, TestStream};

    use super::*;

    #[test]
    fn the_extension_follows_what_is_recorded() {
        for (path, extension, name) in [
            ("clip.wmv", "wmv", "clip.wmv"),
            ("CLIP.WMV", "wmv", "CLIP.WMV"),
            ("clip.wmv", "wma", "clip.wma"),
            ("song.wma", "wmv", "song.wmv"),
            ("clip.asf", "wmv", "clip.asf"),
            ("list.asx", "wma", "list.wma"),
            ("radio", "wma", "radio.wma"),
            ("speech.2004", "wmv", "speech.2004.wmv"),
            ("", "wmv", "stream.wmv"),
            ("", "asf", "stream.asf"),
        ] {
            let url = format!("mms://host/dir/{path}").trim_end_matches("dir/").parse().unwrap();
            assert_eq!(named(&url, extension), Path::new(name), "{path}");
        }
    }

    #[test]
    fn the_streams_that_are_chosen_decide() {
        let header =
            |streams: &[TestStream]| Header::parse(&testing::header(200, 0, streams)).unwrap();
        let both = header(&[TestStream::Audio(1), TestStream::Video(2)]);
        assert_eq!(extension(&both, None), "wmv");
        assert_eq!(extension(&both, Some(&[1])), "wma");
        assert_eq!(extension(&both, Some(&[2])), "wmv");
        assert_eq!(extension(&header(&[TestStream::Audio(9)]), None), "wma");
        assert_eq!(extension(&both, Some(&[])), "asf");
    }
}
