//! Where a request comes from: the other end of its connection, or, where that is a proxy that is trusted, the address that the proxy names.

use std::net::{IpAddr, SocketAddr};

use fairlead_snapshot::Network;
use http::HeaderMap;

/// Where proxies write down who called them, one after the other.
const FORWARDED_FOR: &str = "x-forwarded-for";

/// The other end of a request's connection, among the extensions of its head.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Peer(pub(crate) IpAddr);

/// The proxies whose word counts.
#[derive(Debug, Default)]
pub(crate) struct TrustedProxies(Vec<Network>);

impl TrustedProxies {
    /// Those in these networks.
    #[must_use]
    pub(crate) fn new(networks: &[Network]) -> Self {
        Self(networks.to_vec())
    }

    /// Where a caller connects from: of the addresses that the proxies wrote down one after the other the last that is not a proxy's itself. What is
    /// in front of it anybody may have written. `None` where a trusted proxy wrote down what is no address.
    #[must_use]
    pub(crate) fn caller(&self, peer: IpAddr, headers: &HeaderMap) -> Option<IpAddr> {
        let mut caller = peer;
        if !self.trusts(caller) {
            return Some(caller);
        }
        let lines = headers.get_all(FORWARDED_FOR).iter();
        let lines: Vec<&[u8]> = lines.map(http::HeaderValue::as_bytes).collect();
        let entries = lines
            .iter()
            .rev()
            .flat_map(|line| line.rsplit(|byte| *byte == b','));
        for entry in entries {
            let entry = entry.trim_ascii();
            if entry.is_empty() {
                continue;
            }
            caller = address(entry)?;
            if !self.trusts(caller) {
                break;
            }
        }
        Some(caller)
    }

    fn trusts(&self, address: IpAddr) -> bool {
        self.0.iter().any(|network| network.contains(address))
    }
}

/// An address as proxies write it: alone, or with a port, IPv6 then in brackets.
fn address(entry: &[u8]) -> Option<IpAddr> {
    let text = std::str::from_utf8(entry).ok()?;
    let bare = text.trim_start_matches('[').trim_end_matches(']');
    let with_port = || text.parse().ok().map(|address: SocketAddr| address.ip());
    bare.parse().ok().or_else(with_port)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn caller(trusted: &[&str], peer: &str, lines: &[&str]) -> Option<String> {
        let networks: Vec<Network> = trusted.iter().map(|text| text.parse().unwrap()).collect();
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(FORWARDED_FOR, line.parse().unwrap());
        }
        let proxies = TrustedProxies::new(&networks);
        proxies
            .caller(peer.parse().unwrap(), &headers)
            .map(|address| address.to_string())
    }

    fn is(expected: &str) -> Option<String> {
        Some(expected.to_owned())
    }

    #[test]
    fn nobodys_word_counts_who_is_not_trusted() {
        assert_eq!(
            caller(&[], "198.51.100.7", &["10.0.0.1"]),
            is("198.51.100.7")
        );
        assert_eq!(
            caller(&["10.0.0.0/8"], "198.51.100.7", &["10.1.1.1"]),
            is("198.51.100.7")
        );
    }

    #[test]
    fn the_last_address_that_is_no_proxys_is_the_callers() {
        let proxies = ["10.0.0.0/8", "fd00::/8"];
        for (lines, expected) in [
            (&["203.0.113.9"][..], "203.0.113.9"),
            (&["192.0.2.1, 203.0.113.9"], "203.0.113.9"),
            (&["192.0.2.1", "203.0.113.9, 10.2.3.4"], "203.0.113.9"),
            (&["192.0.2.1, 203.0.113.9:4711, 10.2.3.4"], "203.0.113.9"),
            (&["[2001:db8::7]:443,fd00::1"], "2001:db8::7"),
            (&["2001:db8::7 , "], "2001:db8::7"),
            (&["10.9.9.9, 10.2.3.4"], "10.9.9.9"),
            (&["garbage, 203.0.113.9"], "203.0.113.9"),
            (&[], "10.0.0.1"),
        ] {
            assert_eq!(
                caller(&proxies, "10.0.0.1", lines),
                is(expected),
                "{lines:?}"
            );
        }
        assert_eq!(
            caller(&proxies, "::ffff:10.0.0.1", &["203.0.113.9"]),
            is("203.0.113.9")
        );
    }

    #[test]
    fn a_proxy_that_does_not_know_whom_it_serves_makes_the_caller_unknown() {
        for line in [
            "unknown",
            "203.0.113.9, _hidden",
            "203.0.113",
            "a, 10.0.0.2",
        ] {
            assert_eq!(caller(&["10.0.0.0/8"], "10.0.0.1", &[line]), None, "{line}");
        }
    }
}
