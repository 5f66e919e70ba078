//! The servers of a pool, as the gateway needs them.

use std::net::IpAddr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::millis;

/// The servers of a provider that is a pool of equal ones.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Endpoints {
    /// Each with its port, an IPv6 address in brackets; sorted, none twice. Empty: nobody is there to answer.
    pub addresses: Vec<String>,
    /// The Service whose pods they are, so that the last accepted version of a provider does not keep pods that are gone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service: Option<ServicePort>,
    /// The InferencePool of the provider's namespace whose pods they are, for the same reason.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inference_pool: Option<String>,
    /// What a request is placed by.
    #[serde(default, skip_serializing_if = "EndpointAffinity::is_default")]
    pub affinity: EndpointAffinity,
    /// Whether each is asked by its own address, and not by the host of the base URL, which then stands for all of them.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub own_hosts: bool,
    /// Where each tells how much it has to do; absent: it is not asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metrics: Option<EndpointMetrics>,
}

impl Endpoints {
    /// Whether they are pods, which come and go without an edit.
    #[must_use]
    pub fn are_pods(&self) -> bool {
        self.service.is_some() || self.inference_pool.is_some()
    }
}

/// Where servers tell how much they have to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct EndpointMetrics {
    /// The path, which begins with a slash.
    pub path: String,
    /// How often each is asked.
    #[serde(rename = "intervalMs", with = "millis")]
    pub interval: Duration,
}

/// A port of a Service in the provider's namespace.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ServicePort {
    /// The Service's name.
    pub name: String,
    /// The port that pods listen at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub port: Option<u16>,
    /// The same by its name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub port_name: Option<String>,
}

/// What a request is placed by, within a pool.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum EndpointAffinity {
    /// What prompts begin with.
    #[default]
    Prefix,
    /// Nothing of the request.
    None,
}

impl EndpointAffinity {
    #[expect(
        clippy::trivially_copy_pass_by_ref,
        reason = "the signature that serde calls"
    )]
    fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

/// Whether an address is none that a server of a pool can have, whoever permits private ones: the metadata services of clouds and whatever else is
/// link-local, unspecified or multicast. Tenants may write the addresses of pools, and credentials of machines are behind these (sources: RFC
/// 3927, RFC 4291; the metadata services of AWS, Google Cloud, Azure, Alibaba Cloud and Oracle Cloud as their references have them).
#[must_use]
pub fn is_never_an_endpoint(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => {
            let metadata = [[100, 100, 100, 200], [168, 63, 129, 16], [192, 0, 0, 192]];
            v4.is_link_local()
                || v4.is_unspecified()
                || v4.is_multicast()
                || v4.is_broadcast()
                || metadata.contains(&v4.octets())
        }
        IpAddr::V6(v6) => {
            let embedded = v6.to_ipv4_mapped().or_else(|| match v6.segments() {
                // NAT64 (RFC 6052).
                [0x64, 0xff9b, 0, 0, 0, 0, high, low] => {
                    Some(((u32::from(high) << 16) | u32::from(low)).into())
                }
                // 6to4 (RFC 3056).
                [0x2002, high, low, ..] => Some(((u32::from(high) << 16) | u32::from(low)).into()),
                _ => None,
            });
            if let Some(v4) = embedded {
                return is_never_an_endpoint(v4.into());
            }
            let [first, second, ..] = v6.segments();
            let link_local = first & 0xffc0 == 0xfe80;
            // AWS has its services at fd00:ec2::/32; the others are Google's, Oracle's, Scaleway's and Alibaba's.
            let metadata = (first == 0xfd00 && second == 0x0ec2)
                || [
                    [0xfd20, 0xce, 0, 0, 0, 0, 0, 0x254],
                    [0xfd00, 0xc1, 0, 0, 0, 0, 0xa9fe, 0xa9fe],
                    [0xfd00, 0x42, 0, 0, 0, 0, 0, 0x42],
                    [0xfd00, 0x100, 0, 0, 0, 0, 0x100, 0x200],
                ]
                .contains(&v6.segments());
            v6.is_unspecified() || v6.is_multicast() || link_local || metadata
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metadata_services_are_no_endpoints_however_they_are_written() {
        for text in [
            "169.254.169.254",
            "169.254.170.2",
            "100.100.100.200",
            "168.63.129.16",
            "192.0.0.192",
            "0.0.0.0",
            "224.0.0.1",
            "255.255.255.255",
            "::",
            "fe80::1",
            "ff02::1",
            "fd00:ec2::254",
            "::ffff:169.254.169.254",
            "64:ff9b::a9fe:a9fe",
            "2002:a9fe:a9fe::",
            "fd20:ce::254",
            "fd00:c1::a9fe:a9fe",
            "fd00:42::42",
            "fd00:100::100:200",
        ] {
            assert!(is_never_an_endpoint(text.parse().unwrap()), "{text}");
        }
    }

    #[test]
    fn pods_and_machines_are() {
        for text in [
            "10.1.2.3",
            "127.0.0.1",
            "100.64.0.9",
            "1.1.1.1",
            "fd00::1",
            "::1",
            "2606:4700::1",
        ] {
            assert!(!is_never_an_endpoint(text.parse().unwrap()), "{text}");
        }
    }
}
