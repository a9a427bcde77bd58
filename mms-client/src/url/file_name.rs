//! A local file name made from the last part of a remote path.
//!
//! The path comes from whoever wrote the link, so nothing in it may choose the folder, hide the
//! file, name a device or confuse a terminal.

/// Longest name handed out, in bytes of UTF-8; leaves room for ".part" under the usual limit of 255.
const MAX_BYTES: usize = 200;

/// What a name is cut to, so that a one-byte prefix still fits.
const CUT_BYTES: usize = MAX_BYTES - 1;

/// Longest ending (with its dot) that survives when a name is cut, in bytes.
const MAX_EXTENSION_BYTES: usize = 16;

/// Device names that Windows gives a meaning in every folder, whatever extension follows.
const RESERVED: [&str; 6] = ["CON", "PRN", "AUX", "NUL", "CONIN$", "CONOUT$"];

/// The last non-empty part of `path` (already percent-decoded), made safe as a local file name.
pub(super) fn from_path(path: &str) -> Option<String> {
    let is_separator = |c| matches!(c, '/' | '\\');
    let last = path.trim_end_matches(is_separator).rsplit(is_separator).next()?;
    let shown: String = last.chars().filter(|&c| !is_invisible(c)).map(replace_unsafe).collect();
    // Leading dots hide a file on Unix; trailing dots and spaces vanish on Windows.
    let name = trim(&shown);
    if name.is_empty() {
        return None;
    }
    // Cut first: cutting "nul      long.wmv" could bring the device name back.
    let name = shorten(name);
    let needs_prefix = is_reserved(&name) || name.starts_with('-');
    Some(if needs_prefix { format!("_{name}") } else { name })
}

fn trim(name: &str) -> &str {
    let is_edge = |c: char| c == '.' || c.is_whitespace();
    name.trim_matches(is_edge)
}

/// Characters that change how a name is displayed without being seen themselves.
fn is_invisible(c: char) -> bool {
    matches!(c,
        '\u{061C}' | '\u{200B}' | '\u{200E}' | '\u{200F}' | '\u{2028}'..='\u{202E}'
        | '\u{2060}' | '\u{2066}'..='\u{2069}' | '\u{FEFF}')
}

fn replace_unsafe(c: char) -> char {
    match c {
        '<' | '>' | ':' | '"' | '|' | '?' | '*' => '_',
        _ if c.is_control() => '_',
        _ => c,
    }
}

fn is_reserved(name: &str) -> bool {
    // Windows looks at what precedes the first dot, without the spaces at its end.
    let stem = name.split('.').next().unwrap_or_default().trim_end();
    if RESERVED.iter().any(|reserved| stem.eq_ignore_ascii_case(reserved)) {
        return true;
    }
    let Some((kind, number)) = stem.split_at_checked(3) else {
        return false;
    };
    let mut digits = number.chars();
    (kind.eq_ignore_ascii_case("COM") || kind.eq_ignore_ascii_case("LPT"))
        && matches!(digits.next(), Some('0'..='9' | '¹' | '²' | '³'))
        && digits.next().is_none()
}

/// Cuts the stem rather than the extension, so that the file still opens with the right program.
fn shorten(name: &str) -> String {
    if name.len() <= CUT_BYTES {
        return name.to_owned();
    }
    let extension = name
        .rfind('.')
        .and_then(|dot| name.get(dot..))
        .filter(|extension| extension.len() <= MAX_EXTENSION_BYTES)
        .unwrap_or_default();
    let room = CUT_BYTES.saturating_sub(extension.len());
    let end = (0..=room).rev().find(|&end| name.is_char_boundary(end)).unwrap_or(0);
    let stem = name.get(..end).unwrap_or_default();
    format!("{}{extension}", trim(stem))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_the_last_part() {
        for (path, want) in [
            ("video.wmv", Some("video.wmv")),
            ("a/b/Video One.wmv", Some("Video One.wmv")),
            ("a/b/", Some("b")),
            ("a\\b\\c.asf", Some("c.asf")),
            ("a/b\\c.asf", Some("c.asf")),
            ("Übung 日本.wma", Some("Übung 日本.wma")),
            ("", None),
            ("/", None),
            ("///", None),
        ] {
            assert_eq!(from_path(path).as_deref(), want, "{path:?}");
        }
    }

    #[test]
    fn disarms_hostile_names() {
        for (path, want) in [
            (".", None),
            ("..", None),
            ("...", None),
            ("a/..", None),
            ("../../etc/passwd", Some("passwd")),
            ("..\\..\\boot.ini", Some("boot.ini")),
            (".bashrc", Some("bashrc")),
            (". .x", Some("x")),
            ("x. . ", Some("x")),
            (" \u{3000} ", None),
            ("-rf", Some("_-rf")),
            ("c:evil.wmv", Some("c_evil.wmv")),
            ("a.wmv:stream", Some("a.wmv_stream")),
            ("a<b>c|d*e?f\"g", Some("a_b_c_d_e_f_g")),
            ("a\0b\nc\u{1b}[2Jd\u{85}e", Some("a_b_c_[2Jd_e")),
            ("song\u{202e}vmw.exe", Some("songvmw.exe")),
            ("\u{feff}\u{200b}", None),
            ("\u{feff}.hidden", Some("hidden")),
            ("nul", Some("_nul")),
            ("NUL.wmv", Some("_NUL.wmv")),
            ("con .tar.gz", Some("_con .tar.gz")),
            ("Com1.asf", Some("_Com1.asf")),
            ("lpt¹", Some("_lpt¹")),
            ("CONOUT$", Some("_CONOUT$")),
            ("com10", Some("com10")),
            ("コン.wmv", Some("コン.wmv")),
            ("console.wmv", Some("console.wmv")),
        ] {
            assert_eq!(from_path(path).as_deref(), want, "{path:?}");
        }
    }

    #[test]
    fn cuts_long_names_at_a_character_and_keeps_the_extension() {
        let name = from_path(&format!("{}.wmv", "é".repeat(400))).unwrap();
        assert_eq!(name, format!("{}.wmv", "é".repeat(97)));
        let no_extension = from_path(&"日".repeat(400)).unwrap();
        assert_eq!(no_extension, "日".repeat(66));
        let all_extension = from_path(&format!("a.{}", "b".repeat(400))).unwrap();
        assert_eq!(all_extension.len(), CUT_BYTES);
        let spaces = from_path(&format!("a{}b.wmv", " ".repeat(400))).unwrap();
        assert_eq!(spaces, "a.wmv");
        assert!(from_path(&"-".repeat(400)).unwrap().len() <= MAX_BYTES);
        let device = from_path(&format!("nul{}b.wmv", " ".repeat(400))).unwrap();
        assert_eq!(device, "_nul.wmv");
    }
}
