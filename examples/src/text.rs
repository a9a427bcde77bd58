//! Text that programs print: one line stays one line, and shows itself as it is.
//!
//! Titles, file names and messages come from files and servers, whose makers may have written
//! anything, such as characters that move a terminal's cursor or turn the direction of a line.

use serde_json::Value;

/// Whether a character controls a terminal, breaks a line or changes how others are shown without
/// being seen: C0 and C1 controls, line and paragraph separators, marks of direction.
#[must_use]
pub fn is_control(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{061C}' | '\u{200E}' | '\u{200F}' | '\u{2028}'..='\u{202E}'
            | '\u{2066}'..='\u{2069}' | '\u{FEFF}')
}

/// The text as one line, with `instead` for each character that [`is_control`].
#[must_use]
pub fn one_line(text: &str, instead: char) -> String {
    text.chars().map(|c| if is_control(c) { instead } else { c }).collect()
}

/// JSON on one line. `serde_json` escapes C0 controls alone; here every character that
/// [`is_control`] is escaped.
#[must_use]
pub fn json(value: &Value) -> String {
    escaped(&value.to_string())
}

/// JSON with indentation, escaped like [`json`].
#[must_use]
pub fn pretty_json(value: &Value) -> String {
    escaped(&format!("{value:#}"))
}

/// Outside of strings JSON has none of these characters but the line feeds of an indentation.
fn escaped(json: &str) -> String {
    let mut out = String::with_capacity(json.len());
    for c in json.chars() {
        if c != '\n' && is_control(c) {
            // All are in the basic plane.
            out.push_str(&format!("\\u{:04x}", u32::from(c)));
        } else {
            out.push(c);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn controls_marks_and_separators_are_escaped() {
        let all: String = (0..0x1_0000).filter_map(char::from_u32).collect();
        let value = json!({ "title": all });
        for text in [json(&value), pretty_json(&value)] {
            let left: Vec<char> = text.chars().filter(|&c| is_control(c) && c != '\n').collect();
            assert!(left.is_empty(), "{left:?}");
            assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), value);
        }
        let line = json(&json!("a\u{85}\u{9b}2J\u{202e}gnp\u{2028}\u{2029}\u{2066}\u{feff}é"));
        let wanted = r#""a\u0085\u009b2J\u202egnp\u2028\u2029\u2066\ufeffé""#;
        assert_eq!(line, wanted);
    }

    #[test]
    fn a_line_is_one_line() {
        assert_eq!(one_line("a\nb\u{1b}[31m\u{85}\u{2028}\u{202e}c\u{7f}é", ' '), "a b [31m   c é");
    }
}
