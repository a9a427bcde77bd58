//! Times as people type them.

use std::time::Duration;

/// The longest time that is taken.
const MAX_TIME: Duration = Duration::from_secs(0xFFFF_FFFF);

/// A time such as `90`, `2.5`, `1:30` or `1:02:03.5`.
///
/// # Errors
/// A sentence about what it should be.
pub fn parse(text: &str) -> Result<Duration, String> {
    time(text)
        .filter(|time| *time <= MAX_TIME)
        .ok_or_else(|| "it must be a time, such as 90, 2.5, 1:30 or 1:02:03.5".to_owned())
}

fn time(text: &str) -> Option<Duration> {
    let mut parts = text.split(':').rev();
    let last = parts.next()?;
    let mut whole = 0_u64;
    // Minutes and hours; a part that another precedes is below 60.
    let units: Vec<&str> = parts.collect();
    for (unit, part) in [60, 3_600].into_iter().zip(&units) {
        whole = whole.checked_add(digits(part)?.checked_mul(unit)?)?;
    }
    let (seconds, minutes) = (seconds(last)?, units.first().map(|part| digits(part)));
    let sixty = Duration::from_secs(60);
    let plain = match units.len() {
        0 => true,
        1 => seconds < sixty,
        2 => seconds < sixty && minutes.flatten().is_some_and(|minutes| minutes < 60),
        _ => false,
    };
    Duration::from_secs(whole).checked_add(seconds).filter(|_| plain)
}

fn digits(text: &str) -> Option<u64> {
    text.parse().ok().filter(|_| text.bytes().all(|byte| byte.is_ascii_digit()))
}

/// Seconds, with a fraction.
fn seconds(text: &str) -> Option<Duration> {
    let plain = text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    text.parse().ok().filter(|_| plain).and_then(|time| Duration::try_from_secs_f64(time).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_as_people_type_them() {
        for (text, milliseconds) in [
            ("0", 0),
            ("90", 90_000),
            ("2.5", 2_500),
            (".5", 500),
            ("1:30", 90_000),
            ("90:00", 5_400_000),
            ("0:00:07.25", 7_250),
            ("1:02:03.5", 3_723_500),
        ] {
            assert_eq!(parse(text), Ok(Duration::from_millis(milliseconds)), "{text}");
        }
        for text in [
            "",
            "-1",
            "+1",
            "NaN",
            "inf",
            "1e3",
            "1:",
            ":30",
            "1:60",
            "1:60:00",
            "1:-2",
            "1:2:3:4",
            "1.5:30",
            "4294967296",
            "99999999999999999999:00:00",
            "1 30",
            "1:30 ",
        ] {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
