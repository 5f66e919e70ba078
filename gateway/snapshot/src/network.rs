//! A network that callers may come from.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

/// A range of addresses in CIDR notation, such as `10.1.0.0/16` or `2001:db8::/32` (source: RFC 4632, 3.1, and RFC 4291, 2.3). Written and
/// read as that text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Network(IpNet);

/// Why a text is no network. Says how to mend it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NetworkError {
    /// It cannot be read.
    #[error(
        "must be a network in CIDR notation, such as 10.1.0.0/16, 192.0.2.7/32 or 2001:db8::/32"
    )]
    Unreadable,
    /// It has bits behind its length, so that it is not clear what is meant.
    #[error(
        "has bits set behind its length; write {0} for the network, or the length of a whole address for the one address"
    )]
    HostBits(IpNet),
    /// It is one of IPv4 in the form of one of IPv6.
    #[error(
        "is a network of IPv4 written as IPv6; write it as IPv4, such as 10.1.0.0/16: callers over IPv4 are compared as that"
    )]
    Mapped,
}

impl Network {
    /// Whether an address lies in it. An IPv4 address in the form of an IPv6 one (`::ffff:192.0.2.1`) counts as IPv4.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        self.0.contains(&address.to_canonical())
    }
}

impl FromStr for Network {
    type Err = NetworkError;

    fn from_str(text: &str) -> Result<Self, NetworkError> {
        let network: IpNet = text.parse().map_err(|_| NetworkError::Unreadable)?;
        if network.trunc() != network {
            return Err(NetworkError::HostBits(network.trunc()));
        }
        // `::ffff:0:0/96` and what lies in it; a wider one, such as `::/0`, is one of IPv6.
        let is_mapped =
            network.addr() != network.addr().to_canonical() && network.prefix_len() >= 96;
        if is_mapped {
            return Err(NetworkError::Mapped);
        }
        Ok(Self(network))
    }
}

impl TryFrom<String> for Network {
    type Error = NetworkError;

    fn try_from(text: String) -> Result<Self, NetworkError> {
        text.parse()
    }
}

impl From<Network> for String {
    fn from(network: Network) -> Self {
        network.to_string()
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn network(text: &str) -> Result<Network, NetworkError> {
        text.parse()
    }

    #[test]
    fn an_address_is_in_its_network_however_it_is_written() {
        for (text, inside, outside) in [
            ("10.1.0.0/16", "10.1.255.255", "10.2.0.0"),
            ("10.1.0.0/16", "::ffff:10.1.2.3", "::ffff:10.2.2.3"),
            ("192.0.2.7/32", "192.0.2.7", "192.0.2.8"),
            ("0.0.0.0/0", "255.255.255.255", "2001:db8::1"),
            ("2001:db8::/32", "2001:db8:ffff::1", "2001:db9::1"),
            ("::/0", "fe80::1", "10.0.0.1"),
            ("::/0", "::1", "::ffff:10.0.0.1"),
        ] {
            let network = network(text).unwrap();
            assert!(network.contains(inside.parse().unwrap()), "{text} {inside}");
            assert!(
                !network.contains(outside.parse().unwrap()),
                "{text} {outside}"
            );
        }
    }

    #[test]
    fn refuses_what_is_no_network_or_not_clear() {
        for text in [
            "",
            "10.0.0.1",
            "10.0.0.0/33",
            "10.0.0/8",
            "10.0.0.0/-1",
            "10.0.0.0/8 ",
            "::/129",
            "host/8",
            "fe80::1%eth0/64",
        ] {
            assert_eq!(network(text), Err(NetworkError::Unreadable), "{text}");
        }
        for text in [
            "::ffff:10.0.0.0/104",
            "::ffff:10.0.0.1/128",
            "::ffff:0:0/96",
        ] {
            assert_eq!(network(text), Err(NetworkError::Mapped), "{text}");
        }
        let told = network("10.1.2.3/16").unwrap_err().to_string();
        assert!(told.contains("write 10.1.0.0/16 for the network"), "{told}");
        assert!(network("2001:db8::1/64").is_err());
    }

    #[test]
    fn is_read_again_as_it_was_written() {
        for text in ["10.0.0.0/8", "2001:db8::/32", "::/0"] {
            let written = serde_json::to_string(&network(text).unwrap()).unwrap();
            assert_eq!(written, format!("{text:?}"));
            assert_eq!(
                serde_json::from_str::<Network>(&written)
                    .unwrap()
                    .to_string(),
                text
            );
        }
        assert!(serde_json::from_str::<Network>("\"10.0.0.1/8\"").is_err());
    }
}
