//! Recognition of lists among files.

use std::io::Read;
use std::path::Path;

use mms_asf::guid;

/// Bytes at the start of a file that show what it is.
const START: u64 = 64;
/// Extensions of lists.
const EXTENSIONS: [&str; 6] = ["asx", "m3u", "m3u8", "wax", "wmx", "wvx"];

/// Whether a file is a list by its name or its first bytes; an ASF file is none under any name.
pub(in crate::serve) fn is_list(path: &Path, file: &mut impl Read) -> bool {
    let mut start = Vec::new();
    if file.take(START).read_to_end(&mut start).is_err()
        || start.starts_with(&guid::HEADER.to_bytes_le())
    {
        return false;
    }
    let start = String::from_utf8_lossy(&start).to_ascii_lowercase();
    let start = start.trim_start_matches('\u{FEFF}').trim_start();
    let extension = path.extension().and_then(|extension| extension.to_str()).unwrap_or_default();
    start.starts_with("#extm3u")
        || start.starts_with("<asx")
        || EXTENSIONS.iter().any(|known| extension.eq_ignore_ascii_case(known))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_recognised() {
        let asf = guid::HEADER.to_bytes_le();
        for (name, content, expected) in [
            ("a.m3u", &b"b.wmv\n"[..], true),
            ("a.ASX", b"", true),
            ("a.wmv", b"\xEF\xBB\xBF <ASX version", true),
            ("a.wma", b"#EXTM3U\r\nb.wma", true),
            ("b.wmv", b"no film", false),
            ("b.asx", &asf, false),
        ] {
            assert_eq!(is_list(Path::new(name), &mut &content[..]), expected, "{name}");
        }
    }
}
