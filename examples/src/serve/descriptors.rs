//! Files and connections that the system lets the server have open.

/// Descriptors for other things than players: files on demand, logs, the event loop.
const RESERVE: u64 = 64;

/// Raises the limit of open files as far as these players need it and the system allows. Returns a
/// line about what is missing.
#[cfg(unix)]
pub(super) fn raise(players: usize) -> Option<String> {
    let wanted = u64::try_from(players).unwrap_or(u64::MAX).saturating_add(RESERVE);
    let before = rlimit::Resource::NOFILE.get_soft().ok()?;
    if before >= wanted {
        return None;
    }
    let allowed = rlimit::increase_nofile_limit(wanted).unwrap_or(before);
    missing(allowed, wanted, players)
}

/// There is no such limit.
#[cfg(not(unix))]
pub(super) fn raise(_: usize) -> Option<String> {
    None
}

#[cfg(any(unix, test))]
fn missing(allowed: u64, wanted: u64, players: usize) -> Option<String> {
    let enough = allowed.saturating_sub(RESERVE);
    (allowed < wanted).then(|| {
        format!(
            "the system allows {allowed} open files, enough for {enough} players of {players}; \
             raise the limit with ulimit -n {wanted}, or lower --max-clients"
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_is_said() {
        assert_eq!(missing(1_064, 1_064, 1_000), None);
        let said = missing(1_000, 5_064, 5_000).unwrap();
        assert!(said.contains("936 players of 5000") && said.contains("ulimit -n 5064"), "{said}");
        assert!(missing(40, 1_064, 1_000).unwrap().contains("enough for 0 players"));
    }
}
