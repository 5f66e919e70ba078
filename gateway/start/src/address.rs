//! Addresses as people write them into variables and files, and as `spec.baseURL` wants them.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use fairlead_crds::text::BaseUrl;

/// What the gateway puts behind a base URL itself; people copy whole addresses.
const OPERATIONS: [&str; 5] = [
    "/chat/completions",
    "/completions",
    "/embeddings",
    "/messages",
    "/models",
];
/// Where Ollama listens (source: its documentation of OLLAMA_HOST).
const OLLAMA_PORT: u16 = 11434;
/// Names that no public authority gives out (sources: RFC 2606, RFC 6762, RFC 8375, RFC 9476, the cluster domain of Kubernetes).
const PRIVATE_ENDINGS: [&str; 8] = [
    ".local",
    ".localhost",
    ".internal",
    ".lan",
    ".svc",
    ".home.arpa",
    ".test",
    ".intranet",
];

/// `text` as a base URL that ends where the version does. A URL without the version gets `version`.
///
/// # Errors
/// It is no URL that can be used; the message says what one looks like and does not quote it: people put keys into URLs.
pub(crate) fn base_url(text: &str, version: &str) -> Result<String, &'static str> {
    let mut url = text.trim().trim_end_matches('/');
    for operation in OPERATIONS {
        url = url.strip_suffix(operation).unwrap_or(url);
    }
    let mut url = url.to_owned();
    if !version.is_empty() && !has_version(&url) {
        url.push_str(version);
    }
    match url.parse::<BaseUrl>() {
        Ok(_) if host(&url).is_some() => Ok(url),
        _ => Err(
            "it is not an http:// or https:// URL without user, query or fragment, such as https://api.example.com/v1",
        ),
    }
}

/// The same of Azure, whose addresses are often given with a path: the gateway puts the one behind the host that its API has.
///
/// # Errors
/// As [`base_url`].
pub(crate) fn azure(text: &str) -> Result<String, &'static str> {
    const HOSTS: &str = ".openai.azure.com";
    let url = base_url(text, "")?;
    let resource = url.split_once(HOSTS).map(|(resource, _)| resource);
    Ok(match resource {
        Some(resource) if !resource.contains('@') => [resource, HOSTS].concat(),
        Some(_) | None => url,
    })
}

/// Whether some part of the path is a version: `/v1`, `/v1beta`.
fn has_version(url: &str) -> bool {
    let path = url.split_once("://").map_or(url, |(_, rest)| rest);
    let is_version = |part: &str| {
        part.strip_prefix('v')
            .is_some_and(|rest| rest.starts_with(|digit: char| digit.is_ascii_digit()))
    };
    path.split('/').skip(1).any(is_version)
}

/// OLLAMA_HOST as the base of its OpenAI-compatible API: a scheme, a host and a port, each of which may be missing.
///
/// # Errors
/// As [`base_url`].
pub(crate) fn ollama(text: &str) -> Result<String, &'static str> {
    let text = text.trim().trim_end_matches('/');
    let (scheme, rest) = text.split_once("://").unwrap_or(("http", text));
    let (authority, path) = match rest.split_once('/') {
        Some((authority, path)) => (authority, format!("/{path}")),
        None => (rest, String::new()),
    };
    let (host, port) = match authority.rsplit_once(':') {
        Some((host, port)) if !host.contains(':') || host.ends_with(']') => (host, Some(port)),
        _ => (authority, None),
    };
    let default = match (text.contains("://"), scheme) {
        (true, "https") => 443,
        (true, _) => 80,
        (false, _) => OLLAMA_PORT,
    };
    // A server that listens everywhere is reached here.
    let host = match host {
        "" | "0.0.0.0" | "[::]" => "127.0.0.1",
        host => host,
    };
    let port = port.map_or_else(|| default.to_string(), str::to_owned);
    base_url(&format!("{scheme}://{host}:{port}{path}"), "/v1")
}

/// Whether the host is one that only `allowPrivateNetwork` reaches, as far as its name tells. Without encryption nobody serves the public.
pub(crate) fn is_private(url: &str) -> bool {
    if url.starts_with("http://") {
        return true;
    }
    let Some(host) = host(url) else { return false };
    if let Ok(address) = host.trim_matches(['[', ']']).parse::<IpAddr>() {
        return match address {
            IpAddr::V4(address) => is_private_v4(address),
            IpAddr::V6(address) => {
                address.is_loopback()
                    || address.is_unique_local()
                    || address.is_unicast_link_local()
                    || address.to_ipv4_mapped().is_some_and(is_private_v4)
            }
        };
    }
    let host = host.to_ascii_lowercase();
    !host.contains('.') || PRIVATE_ENDINGS.iter().any(|ending| host.ends_with(ending))
}

fn is_private_v4(address: Ipv4Addr) -> bool {
    // 100.64.0.0/10 (RFC 6598): carriers, and networks between machines of one owner.
    let shared = address.octets()[0] == 100 && address.octets()[1] & 0xc0 == 64;
    address.is_private() || address.is_loopback() || address.is_link_local() || shared
}

/// Whether a base URL leads to the gateway itself, which would ask itself for ever.
pub(crate) fn is_own(url: &str, own: SocketAddr) -> bool {
    let Some(host) = host(url) else { return false };
    let authority = url.split_once("://").map_or("", |(_, rest)| rest);
    let authority = authority.split('/').next().unwrap_or_default();
    let port = authority[host.len().min(authority.len())..].trim_start_matches(':');
    let here = host == "localhost"
        || host
            .trim_matches(['[', ']'])
            .parse::<IpAddr>()
            .is_ok_and(|address| {
                address.is_loopback() || address.is_unspecified() || address == own.ip()
            });
    here && port.parse() == Ok(own.port())
}

fn host(url: &str) -> Option<&str> {
    let (_, rest) = url.split_once("://")?;
    let authority = rest.split('/').next()?;
    let host = match authority.find(']') {
        Some(end) => authority.get(..=end)?,
        None => authority.split(':').next()?,
    };
    (!host.is_empty()).then_some(host)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_of_azures_ends_with_its_host() {
        for (text, read) in [
            (
                "https://acme.openai.azure.com",
                "https://acme.openai.azure.com",
            ),
            (
                "https://acme.openai.azure.com/openai/deployments/gpt-4o/chat/completions",
                "https://acme.openai.azure.com",
            ),
            (
                "https://acme.openai.azure.com/openai/v1/",
                "https://acme.openai.azure.com",
            ),
            (
                "https://llm.example.com/azure",
                "https://llm.example.com/azure",
            ),
        ] {
            assert_eq!(azure(text).unwrap(), read, "{text}");
        }
        assert!(azure("acme.openai.azure.com").is_err());
    }

    #[test]
    fn a_base_url_ends_with_its_version() {
        let read = |text| base_url(text, "/v1").unwrap();
        assert_eq!(
            read("https://api.anthropic.com"),
            "https://api.anthropic.com/v1"
        );
        assert_eq!(
            read("https://api.anthropic.com/v1/"),
            "https://api.anthropic.com/v1"
        );
        assert_eq!(
            read("https://a.example/v1/messages"),
            "https://a.example/v1"
        );
        assert_eq!(
            base_url("http://h:8000/api", "").unwrap(),
            "http://h:8000/api"
        );
        for wrong in [
            "",
            "api.example.com",
            "https://",
            "https://u:p@h/v1",
            "https://h/v1?key=k",
            "ftp://h",
        ] {
            assert!(base_url(wrong, "/v1").is_err(), "{wrong}");
        }
    }

    #[test]
    fn ollama_says_where_it_is_in_few_words() {
        for (text, url) in [
            ("127.0.0.1:11434", "http://127.0.0.1:11434/v1"),
            ("0.0.0.0", "http://127.0.0.1:11434/v1"),
            (":1234", "http://127.0.0.1:1234/v1"),
            ("gpu", "http://gpu:11434/v1"),
            ("http://gpu:11434/", "http://gpu:11434/v1"),
            (
                "https://ollama.example.com",
                "https://ollama.example.com:443/v1",
            ),
            ("[::1]:11434", "http://[::1]:11434/v1"),
        ] {
            assert_eq!(ollama(text).unwrap(), url, "{text}");
        }
    }

    #[test]
    fn private_addresses_are_known_by_their_looks() {
        for private in [
            "http://api.example.com/v1",
            "https://localhost:1/v1",
            "https://10.1.2.3/v1",
            "https://[fd00::1]/v1",
            "https://vllm.models.svc/v1",
            "https://gpu/v1",
        ] {
            assert!(is_private(private), "{private}");
        }
        for public in [
            "https://api.openai.com/v1",
            "https://1.1.1.1/v1",
            "https://[2606:4700::1]/v1",
        ] {
            assert!(!is_private(public), "{public}");
        }
    }

    #[test]
    fn the_gateway_knows_its_own_address() {
        let own = "127.0.0.1:8080".parse().unwrap();
        for url in [
            "http://127.0.0.1:8080/v1",
            "http://localhost:8080",
            "http://[::1]:8080/v1",
        ] {
            assert!(is_own(url, own), "{url}");
        }
        for url in [
            "http://127.0.0.1:8081/v1",
            "https://api.openai.com/v1",
            "http://localhost",
        ] {
            assert!(!is_own(url, own), "{url}");
        }
    }
}
