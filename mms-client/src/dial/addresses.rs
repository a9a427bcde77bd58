//! The order in which the addresses of a server are tried.

use std::net::SocketAddr;

/// Addresses tried at most: a name with hundreds would leave each too little time.
const MAX_ADDRESSES: usize = 16;

/// Alternates address families, beginning with the family the system prefers, so that one broken
/// family cannot use up the time; keeps the system's order otherwise.
pub(super) fn interleave(addresses: Vec<SocketAddr>) -> Vec<SocketAddr> {
    let ipv6_first = addresses.first().is_some_and(SocketAddr::is_ipv6);
    let (preferred, other): (Vec<_>, Vec<_>) =
        addresses.into_iter().partition(|address| address.is_ipv6() == ipv6_first);
    let (mut preferred, mut other) = (preferred.into_iter(), other.into_iter());
    let mut mixed = Vec::new();
    while mixed.len() < MAX_ADDRESSES {
        let before = mixed.len();
        mixed.extend(preferred.next());
        mixed.extend(other.next());
        if mixed.len() == before {
            break;
        }
    }
    mixed
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, Ipv6Addr};

    use super::*;

    fn v4(port: u16) -> SocketAddr {
        SocketAddr::from((Ipv4Addr::LOCALHOST, port))
    }

    fn v6(port: u16) -> SocketAddr {
        SocketAddr::from((Ipv6Addr::LOCALHOST, port))
    }

    #[test]
    fn families_alternate() {
        for (given, want) in [
            (vec![], vec![]),
            (vec![v4(1), v4(2)], vec![v4(1), v4(2)]),
            (vec![v6(1), v6(2), v6(3), v4(4)], vec![v6(1), v4(4), v6(2), v6(3)]),
            (vec![v4(1), v4(2), v6(3), v6(4)], vec![v4(1), v6(3), v4(2), v6(4)]),
        ] {
            assert_eq!(interleave(given), want);
        }
        assert_eq!(interleave((1..500).map(v4).collect()).len(), MAX_ADDRESSES);
        let both = (1..500).flat_map(|port| [v4(port), v6(port)]).collect();
        assert_eq!(interleave(both).len(), MAX_ADDRESSES);
    }
}
