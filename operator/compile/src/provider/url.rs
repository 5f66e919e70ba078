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

/// Why nothing of Azure's is at a URL of its own hosts, if so: all that comes of it would be a 404. `by_type`: the provider is of Azure's type;
/// `by_version`: its API by deployments is meant.
pub(super) fn azure_fault(url: &str, by_type: bool, by_version: bool) -> Option<&'static str> {
    let host_on = url.split_once("://").map_or(url, |(_, rest)| rest);
    let host_on = host_on.trim_end_matches('/').to_ascii_lowercase();
    let (host, path) = host_on.split_once('/').unwrap_or((&host_on, ""));
    let host = host.split(':').next().unwrap_or_default();
    if !host.ends_with(".openai.azure.com") {
        return None;
    }
    match (by_type, by_version, path) {
        (true, _, "") | (true, true, "openai") | (_, false, "openai/v1") => None,
        (true, true, _) => Some(
            "is not where Azure's API by deployments begins: give only the host, for example https://acme.openai.azure.com; a deployment is the upstreamName of a model",
        ),
        (true, false, _) => Some(
            "is not where Azure's v1 API begins: give only the host, for example https://acme.openai.azure.com, and azureOpenAI.apiVersion where the API by deployments is meant",
        ),
        (false, ..) => Some(
            "is not where Azure's v1 API begins: give type AzureOpenAI and only the host, or https://acme.openai.azure.com/openai/v1",
        ),
    }
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
    use super::{azure_fault, fault};

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
    fn azures_hosts_have_apis_at_two_paths_and_a_version_goes_with_one_of_them() {
        for (path, by_type, by_version, is_good) in [
            ("", true, false, true),
            ("/", true, true, true),
            ("/openai/v1/", true, false, true),
            ("/openai", true, true, true),
            ("/openai/v1", false, false, true),
            // A version is missing, and one is too many.
            ("/openai", true, false, false),
            ("/openai/deployments/gpt-4o", true, false, false),
            ("/openai/deployments/gpt-4o", true, true, false),
            ("/openai/v1", true, true, false),
            ("/openai/deployments/gpt-4o", false, false, false),
            ("", false, false, false),
        ] {
            let fault = |host: &str| {
                let url = ["https://", host, path].concat();
                azure_fault(&url, by_type, by_version)
            };
            let found = fault("acme.openai.azure.com");
            assert_eq!(found.is_none(), is_good, "{path} {by_type} {by_version}");
            // A proxy of one's own has its own paths.
            assert_eq!(fault("llm.example.com"), None);
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
