//! What the pattern of a base URL cannot say: that what stands in brackets is an IPv6 address, and that an operation's path does not belong to it.

use std::net::Ipv6Addr;

/// What the gateway puts behind a base URL.
const OPERATIONS: [&str; 5] = [
    "/chat/completions",
    "/completions",
    "/embeddings",
    "/messages",
    "/models",
];

/// Why a URL that follows the pattern cannot be used, if it cannot.
pub(super) fn fault(url: &str) -> Option<&'static str> {
    let host_on = url.split_once("://").map_or(url, |(_, rest)| rest);
    let path = host_on.find('/').map_or("", |slash| &host_on[slash..]);
    let path = path.trim_end_matches('/').to_ascii_lowercase();
    if OPERATIONS.iter().any(|operation| path.ends_with(operation)) {
        return Some(
            "must end before the operation, for example https://api.example.com/v1: the gateway adds /chat/completions, /completions, /embeddings, /messages and /models itself",
        );
    }
    address_fault(url)
}

/// What is wrong with the address in a URL that follows the pattern, if anything is.
pub(crate) fn address_fault(url: &str) -> Option<&'static str> {
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

    #[test]
    fn rejects_the_url_of_an_operation() {
        for bad in [
            "https://api.example.com/v1/chat/completions",
            "https://api.example.com/v1/chat/completions/",
            "https://api.example.com/v1/Embeddings",
            "https://api.example.com/v1/models",
            "https://api.example.com/completions",
        ] {
            assert!(fault(bad).is_some(), "{bad}");
        }
        assert_eq!(fault("https://models.example.com/my-models/v1"), None);
        assert_eq!(fault("https://embeddings"), None);
    }
}
