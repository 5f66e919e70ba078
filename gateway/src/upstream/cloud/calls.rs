//! Calls to servers of tokens: few, beside the requests, over a client of their own.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use bytes::BytesMut;
use fairlead_auth::{ANSWER_BYTES, Http, Method, Reach, Request, Response, SendError, Sending};
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::redirect::Policy;
use reqwest::{Certificate, Client, Url};

use crate::upstream::egress;

/// The certificate of the authority that vouches for the API server of the pod's cluster.
const CLUSTER_AUTHORITY: &str = "/var/run/secrets/kubernetes.io/serviceaccount/ca.crt";

/// The way to the servers of one provider's tokens, or to an issuer of callers' tokens.
#[derive(Debug)]
pub(super) struct Calls {
    /// Whether private addresses may be connected to, as the provider's own may, or the issuer's.
    private: bool,
    /// The hosts of proxies: nothing but the way to servers.
    proxies: Vec<String>,
    /// To anywhere, through the proxy if there is one.
    anywhere: Result<Client, String>,
    /// To what stands on this node.
    node: Result<Client, String>,
}

/// Resolves to public addresses only: who names the server may be a tenant. The proxies that this process is to use are where they are.
struct Public {
    proxies: Vec<String>,
}

impl Calls {
    pub(super) fn new(private: bool) -> Self {
        let client = || Client::builder().redirect(Policy::none());
        let proxies = proxies(|name| std::env::var(name).ok());
        let anywhere = if private {
            client()
        } else {
            client().dns_resolver(Public {
                proxies: proxies.clone(),
            })
        };
        Self {
            private,
            proxies,
            anywhere: anywhere.build().map_err(|error| error.to_string()),
            node: client()
                .no_proxy()
                .build()
                .map_err(|error| error.to_string()),
        }
    }

    async fn call(&self, request: Request) -> Result<Response, SendError> {
        let url: Url = request
            .url
            .parse()
            .map_err(|_| SendError("its address is no URL".to_owned()))?;
        let client = match request.reach {
            Reach::Anywhere => {
                self.may_reach(&url)?;
                &self.anywhere
            }
            Reach::Node => &self.node,
            Reach::Cluster => &cluster().await,
        };
        let client = client.as_ref().map_err(|why| SendError(why.clone()))?;
        let method = match request.method {
            Method::Get => reqwest::Method::GET,
            Method::Post => reqwest::Method::POST,
        };
        let mut call = client.request(method, url).timeout(request.timeout);
        for (name, value) in &request.headers {
            call = call.header(*name, value.expose());
        }
        let mut answer = call.body(request.body).send().await.map_err(told)?;
        let mut body = BytesMut::new();
        while let Some(piece) = answer.chunk().await.map_err(told)? {
            body.extend_from_slice(&piece);
            if body.len() > ANSWER_BYTES {
                return Err(SendError("its answer is far too long".to_owned()));
            }
        }
        let retry_after = answer.headers().get(reqwest::header::RETRY_AFTER);
        let seconds = retry_after.and_then(|value| value.to_str().ok()?.parse().ok());
        Ok(Response {
            status: answer.status().as_u16(),
            retry_after: seconds.map(Duration::from_secs),
            body: body.freeze(),
        })
    }

    /// An address is judged here, a name where it is resolved.
    fn may_reach(&self, url: &Url) -> Result<(), SendError> {
        let host = url.host_str().unwrap_or_default();
        let address = host.trim_start_matches('[').trim_end_matches(']');
        let forbidden = address
            .parse::<IpAddr>()
            .is_ok_and(|address| !egress::is_public(address));
        let is_proxy = self.proxies.iter().any(|proxy| proxy == host);
        if (forbidden || is_proxy) && !self.private {
            return Err(not_public());
        }
        Ok(())
    }
}

/// The hosts of the proxies that the environment names, as URLs or as host and port.
fn proxies(get: impl Fn(&str) -> Option<String>) -> Vec<String> {
    let names = ["HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY"];
    let values = names
        .iter()
        .filter_map(|name| get(name).or_else(|| get(&name.to_lowercase())));
    values
        .filter_map(|value| {
            let url = if value.contains("://") {
                value
            } else {
                format!("http://{value}")
            };
            let url: Url = url.parse().ok()?;
            Some(url.host_str()?.to_owned())
        })
        .collect()
}

/// To the API server of the pod's cluster. Made for each call, for there are few and the authority's certificate may be replaced.
async fn cluster() -> Result<Client, String> {
    let authority = tokio::fs::read(CLUSTER_AUTHORITY)
        .await
        .map_err(|error| format!("{CLUSTER_AUTHORITY} cannot be read ({})", error.kind()))?;
    let authority = Certificate::from_pem_bundle(&authority)
        .map_err(|_| format!("{CLUSTER_AUTHORITY} holds no certificate in PEM"))?;
    let client = Client::builder()
        .redirect(Policy::none())
        .no_proxy()
        .tls_certs_only(authority)
        .build();
    client.map_err(|error| error.to_string())
}

impl Http for Calls {
    fn send(&self, request: Request) -> Sending<'_> {
        Box::pin(self.call(request))
    }
}

impl Resolve for Public {
    fn resolve(&self, name: Name) -> Resolving {
        let is_proxy = self.proxies.iter().any(|proxy| proxy == name.as_str());
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let mut addresses: Vec<SocketAddr> = found.collect();
            addresses.retain(|address| is_proxy || egress::is_public(address.ip()));
            if addresses.is_empty() {
                return Err(not_public().into());
            }
            let addresses: Addrs = Box::new(addresses.into_iter());
            Ok(addresses)
        })
    }
}

fn not_public() -> SendError {
    SendError("its address is private, which may not be connected to for this provider or issuer (allowPrivateNetwork)".to_owned())
}

/// The error without the address, which may hold what is no one else's business.
fn told(error: reqwest::Error) -> SendError {
    let error = error.without_url();
    let mut text = error.to_string();
    let mut source = std::error::Error::source(&error);
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    SendError(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hosts_of_proxies_are_known() {
        let of = |name: &'static str, value: &'static str| {
            proxies(move |asked| (asked == name).then(|| value.to_owned()))
        };
        assert_eq!(
            of("HTTPS_PROXY", "http://user:word@proxy.corp:3128"),
            ["proxy.corp"]
        );
        assert_eq!(of("https_proxy", "proxy.corp:3128"), ["proxy.corp"]);
        assert!(proxies(|_| None).is_empty());
    }

    #[tokio::test]
    async fn a_proxy_is_reached_where_it_is_and_by_no_issuer() {
        let resolve = async |proxies: &[&str]| {
            let proxies = proxies.iter().map(ToString::to_string).collect();
            let name = "localhost".parse().unwrap();
            Public { proxies }.resolve(name).await.is_ok()
        };
        assert!(resolve(&["localhost"]).await);
        assert!(!resolve(&["proxy.corp"]).await);
        let mut calls = Calls::new(false);
        calls.proxies = vec!["proxy.corp".to_owned()];
        let may = |calls: &Calls, url: &str| calls.may_reach(&url.parse().unwrap()).is_ok();
        assert!(!may(&calls, "https://proxy.corp/keys"));
        assert!(may(&calls, "https://login.example/keys"));
    }
}
