//! The Security Token Service: a form goes there, XML comes back.

use std::time::SystemTime;

use jiff::Timestamp;

use crate::call::exchange;
use crate::oauth::{Refusal, refused};
use crate::sigv4::{Parts, Payload, Scope, sign};
use crate::url::{self, Address};
use crate::{AwsCredentials, ConfigError, Problem, Request, Response, Secret, Token, World};

pub(super) const VERSION: &str = "2011-06-15";

/// Where it is, and for which region it signs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sts {
    region: String,
    url: String,
}

impl Sts {
    /// The one of a region, or of an address in its place (`AWS_ENDPOINT_URL_STS`).
    ///
    /// # Errors
    /// The region is no name of one, or the address not an `https` one.
    pub fn new(region: &str, endpoint: Option<&str>) -> Result<Self, ConfigError> {
        let is_name = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        if region.is_empty() || !region.bytes().all(is_name) {
            return Err(ConfigError::Bad {
                what: "the region",
                why: "must be the name of one, such as eu-west-1",
            });
        }
        let url = match endpoint {
            Some(endpoint) => url::secure(endpoint).ok_or(ConfigError::Bad {
                what: "AWS_ENDPOINT_URL_STS",
                why: "must be an https address",
            })?,
            None => &format!("https://sts.{region}.{}", suffix(region)),
        };
        Ok(Self {
            region: region.to_owned(),
            url: format!("{url}/"),
        })
    }

    /// Sends a form, signed if `by` is given. `secrets` stand in it or in the signature.
    pub(super) async fn call(
        &self,
        world: &World,
        fields: &[(&str, &str)],
        by: Option<&AwsCredentials>,
        secrets: &[&Secret],
    ) -> Result<Token, Problem> {
        let mut request = Request::form(&self.url, fields);
        if let Some(by) = by {
            request = self.signed(request, by, world.clock.now());
        }
        let response = exchange(world, request).await?;
        let server = url::server(&self.url);
        if response.status == 200 {
            return granted(server, &response);
        }
        let text = String::from_utf8_lossy(&response.body);
        let refusal = Refusal {
            code: element(&text, "Code").unwrap_or_default(),
            said: element(&text, "Message").unwrap_or_default(),
        };
        if TRANSIENT.contains(&refusal.code.as_str()) {
            return Err(Problem::Busy {
                server: server.to_owned(),
                status: response.status,
                retry_after: response.retry_after,
            });
        }
        let mend = mend(&refusal.code, by.is_some());
        Err(refused(server, &response, &refusal, secrets, mend))
    }

    fn signed(&self, mut request: Request, by: &AwsCredentials, now: SystemTime) -> Request {
        let Some(address) = Address::parse(&self.url) else {
            return request;
        };
        let headers: Vec<_> = request
            .headers
            .iter()
            .map(|(name, value)| (*name, value.expose()))
            .collect();
        let parts = Parts {
            method: request.method.as_str(),
            host: address.host,
            path: address.path,
            query: address.query,
            headers: &headers,
            payload: Payload::Bytes(&request.body),
        };
        let scope = Scope {
            region: &self.region,
            service: "sts",
        };
        let signed = sign(&parts, by, scope, now);
        for (name, value) in signed.headers() {
            request.headers.push((name, Secret::new(value)));
        }
        request
    }
}

/// Refusals that say nothing of us.
const TRANSIENT: [&str; 5] = [
    "IDPCommunicationError",
    "InternalFailure",
    "ServiceUnavailable",
    "Throttling",
    "ThrottlingException",
];

/// The domain of a region's partition (source: botocore's `partitions.json`).
fn suffix(region: &str) -> &'static str {
    let is_in = |prefix| region.starts_with(prefix);
    if is_in("cn-") {
        "amazonaws.com.cn"
    } else if is_in("us-isob-") {
        "sc2s.sgov.gov"
    } else if is_in("us-isof-") || is_in("eu-isof-") {
        "csp.hci.ic.gov"
    } else if is_in("eu-isoe-") {
        "cloud.adc-e.uk"
    } else if is_in("us-iso-") {
        "c2s.ic.gov"
    } else if is_in("eusc-") {
        "amazonaws.eu"
    } else {
        "amazonaws.com"
    }
}

fn mend(code: &str, signed: bool) -> &'static str {
    match code {
        "AccessDenied" if signed => {
            "the trust policy of the role must let these credentials assume it, with the right external id, and their own policy must allow sts:AssumeRole"
        }
        "AccessDenied" => {
            "the trust policy of the role must name the cluster's OIDC provider, and this namespace and service account as its sub"
        }
        "ExpiredToken" | "ExpiredTokenException" => {
            "a token or a session has expired: the token file must be a projected volume, which is kept fresh, and sessionToken a new one"
        }
        "InvalidIdentityToken" => {
            "an IAM OIDC provider must exist for the cluster's issuer, with sts.amazonaws.com as an audience"
        }
        "InvalidClientTokenId" | "SignatureDoesNotMatch" | "UnrecognizedClientException" => {
            "the access key is not good: create a new one and put accessKeyId and secretAccessKey into the Secret"
        }
        "RequestExpired" | "RequestTimeTooSkewed" => "the clock of this node is wrong: set it",
        "RegionDisabledException" => "activate AWS STS in the region, or give another one",
        "ValidationError" | "MalformedInput" => {
            "correct the ARN of the role and the session's name"
        }
        _ => "check the role, its trust policy, and what it is assumed with",
    }
}

fn granted(server: &str, response: &Response) -> Result<Token, Problem> {
    let text = String::from_utf8_lossy(&response.body);
    let read = || {
        let credentials = between(&text, "Credentials")?;
        let expires: Timestamp = element(credentials, "Expiration")?.parse().ok()?;
        let secret = |name| element(credentials, name).map(Secret::new);
        let credentials = AwsCredentials {
            access_key: element(credentials, "AccessKeyId")?,
            secret_key: secret("SecretAccessKey")?,
            session_token: Some(secret("SessionToken")?),
        };
        Some((credentials, expires))
    };
    let malformed = || Problem::Malformed {
        server: server.to_owned(),
        what: "an answer without Credentials",
    };
    let (credentials, expires) = read().ok_or_else(malformed)?;
    let token = super::container::checked(credentials, SystemTime::from(expires));
    token.ok_or_else(malformed)
}

/// What stands between the tags of an element, at whatever depth. The answers of STS have no attributes, comments or CDATA in these.
fn between<'t>(text: &'t str, name: &str) -> Option<&'t str> {
    let (_, rest) = text.split_once(&format!("<{name}>"))?;
    let (inside, _) = rest.split_once(&format!("</{name}>"))?;
    Some(inside)
}

/// The text of an element, which holds no other.
fn element(text: &str, name: &str) -> Option<String> {
    let inside = between(text, name)?.trim();
    let plain = [
        ("&lt;", "<"),
        ("&gt;", ">"),
        ("&quot;", "\""),
        ("&apos;", "'"),
        ("&amp;", "&"),
    ];
    let undone = |text: String, (escape, letter): (&str, &str)| text.replace(escape, letter);
    Some(plain.into_iter().fold(inside.to_owned(), undone))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_region_has_the_domain_of_its_partition() {
        for (region, url) in [
            ("eu-west-1", "https://sts.eu-west-1.amazonaws.com/"),
            ("us-gov-west-1", "https://sts.us-gov-west-1.amazonaws.com/"),
            ("cn-north-1", "https://sts.cn-north-1.amazonaws.com.cn/"),
            ("us-iso-east-1", "https://sts.us-iso-east-1.c2s.ic.gov/"),
        ] {
            assert_eq!(Sts::new(region, None).unwrap().url, url);
        }
    }

    #[test]
    fn what_is_no_region_leads_nowhere() {
        for region in ["", "eu-west-1.evil.example/", "eu west"] {
            assert!(Sts::new(region, None).is_err(), "{region:?}");
        }
        assert!(Sts::new("eu-west-1", Some("http://sts.example")).is_err());
    }

    #[test]
    fn an_element_is_found_and_its_escapes_undone() {
        let text = "<A>\n <B>x &amp;lt; &lt;y&gt;</B></A>";
        assert_eq!(element(text, "B").unwrap(), "x &lt; <y>");
        assert_eq!(element(text, "C"), None);
        assert_eq!(element("<B>cut", "B"), None);
    }
}
