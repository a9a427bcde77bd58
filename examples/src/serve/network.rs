//! What is taken for one peer: an address, or the network of a home.

use std::net::{IpAddr, Ipv6Addr};

/// A peer whose connections are counted together: an IPv4 address, or the /64 network of an IPv6
/// address, of which one home has all addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Network(IpAddr);

/// Bits of an IPv6 address that name the network.
const PREFIX: u128 = u128::MAX << 64;

impl Network {
    /// The network of an address. An IPv4 address that came over an IPv6 socket is one of IPv4.
    pub(super) fn of(address: IpAddr) -> Self {
        Self(match address.to_canonical() {
            IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() & PREFIX).into(),
            address @ IpAddr::V4(_) => address,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_one_network() {
        let network = |text: &str| Network::of(text.parse().unwrap());
        assert_ne!(network("192.0.2.1"), network("192.0.2.2"));
        assert_eq!(network("192.0.2.1"), network("::ffff:192.0.2.1"));
        assert_eq!(network("2001:db8:1:2::1"), network("2001:db8:1:2:ffff:ffff:ffff:ffff"));
        assert_ne!(network("2001:db8:1:2::1"), network("2001:db8:1:3::1"));
        assert_eq!(network("::1"), network("::1"));
    }
}
