//! What the pattern of a base URL cannot say: that what stands in brackets is an IPv6 address.

use std::net::Ipv6Addr;

/// Why a URL that follows the pattern cannot be used, if it cannot.
pub(super) fn fault(url: &str) -> Option<&'static str> {
    let (_, after_bracket) = url.split_once("://[")?;
    let address = after_bracket
        .split_once(']')
        .map_or(after_bracket, |(address, _)| address);
    let valid = address.parse::<Ipv6Addr>().is_ok();
    (!valid)
        .then_some("must have an IPv6 address in the brackets, for example http://[fd00::1]:8000")
}

#[cfg(test)]
mod tests {
    use super::fault;

    #[test]
    fn accepts_names_and_addresses() {
        for good in [
            "https://api.example.com/v1",
            "http://10.0.0.1:8000",
            "http://[::1]:8000/v1",
            "http://[::ffff:10.0.0.1]",
        ] {
            assert_eq!(fault(good), None, "{good}");
        }
    }

    #[test]
    fn rejects_brackets_without_an_address() {
        for bad in ["http://[::::]/v1", "http://[10.0.0.1]", "http://[abc]:80"] {
            assert!(fault(bad).is_some(), "{bad}");
        }
    }
}
