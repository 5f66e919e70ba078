//! Which callers a key takes beside those that know its value: who presents a token of an issuer, and who connects from a network.

use std::collections::BTreeMap;

use fairlead_crds::v1alpha1::{KeySource, KeySourceType, OidcSource, VirtualKeySpec};
use fairlead_snapshot::{Issuer, Network, Oidc};

use crate::finding::{Finding, Reason};
use crate::kinds::About;
use crate::path::Path;
use crate::provider::url;

/// The longest name of a claim.
const LONGEST_CLAIM: usize = 256;
/// What an audience begins with that names a namespace.
const NAMESPACE_AUDIENCE: &str = "fairlead:";

/// What is wrong with what a key says of its callers.
pub(super) fn faults(spec: &VirtualKeySpec, about: &About<'_>) -> Vec<Finding> {
    let path = Path::of("spec").field("key");
    let mut faults = source_faults(&spec.key, &path);
    if let Some(oidc) = &spec.key.oidc {
        faults.extend(oidc_faults(oidc, &path.field("oidc"), about));
    }
    let networks = spec.networks.iter().flatten().enumerate();
    faults.extend(networks.filter_map(|(at, text)| {
        let error = text.as_str().parse::<Network>().err()?;
        let path = Path::of("spec").field("networks").index(at);
        Some(Finding::new(&path, Reason::Invalid, error.to_string()))
    }));
    faults
}

/// A value or tokens, and what goes with it.
fn source_faults(source: &KeySource, path: &Path) -> Vec<Finding> {
    let by_token = source.kind == KeySourceType::Oidc;
    let mut faults = Vec::new();
    if by_token != source.oidc.is_some() {
        let message = "oidc goes with type: OIDC, which needs it";
        faults.push(Finding::new(&path.field("oidc"), Reason::Invalid, message));
    }
    if by_token == source.secret_ref.is_some() {
        let message =
            "secretRef goes with type: Generate and SecretRef, which need it, and not with OIDC";
        faults.push(Finding::new(
            &path.field("secretRef"),
            Reason::Invalid,
            message,
        ));
    }
    faults
}

fn oidc_faults(oidc: &OidcSource, path: &Path, about: &About<'_>) -> Vec<Finding> {
    let private = oidc.allow_private_network == Some(true);
    let mut faults = Vec::new();
    let urls = [
        ("issuer", Some(&oidc.issuer)),
        ("jwksURL", oidc.jwks_url.as_ref()),
    ];
    for (field, url) in urls {
        let Some(url) = url.map(|url| url.as_str()) else {
            continue;
        };
        let plain = !url.starts_with("https://") && !private;
        let message = plain.then_some("must begin with https://; http is taken only where allowPrivateNetwork is true, for what it says can be forged on the way");
        if let Some(message) = message.or_else(|| url::address_fault(url)) {
            faults.push(Finding::new(&path.field(field), Reason::Invalid, message));
        }
    }
    if private
        && !about
            .settings
            .permits_private_network(&about.name.namespace)
    {
        let message = "this installation does not permit private addresses to issuers of this namespace; remove the field, or have the platform team permit it";
        faults.push(Finding::new(
            &path.field("allowPrivateNetwork"),
            Reason::NotPermitted,
            message,
        ));
    }
    let own = format!("{NAMESPACE_AUDIENCE}{}", about.name.namespace);
    let foreign = |audience: &str| {
        !about.is_gateway() && audience.starts_with(NAMESPACE_AUDIENCE) && audience != own
    };
    for (at, audience) in oidc.audiences.iter().enumerate() {
        if foreign(audience.as_str()) {
            let message = format!(
                "an audience {NAMESPACE_AUDIENCE}NAMESPACE is for keys of that namespace; here it is {own}"
            );
            faults.push(Finding::new(
                &path.field("audiences").index(at),
                Reason::NotPermitted,
                message,
            ));
        }
    }
    let claims = oidc.claims.iter().flat_map(BTreeMap::keys);
    if let Some(message) = claims.filter_map(|name| claim_fault(name)).next() {
        faults.push(Finding::new(
            &path.field("claims"),
            Reason::Invalid,
            message,
        ));
    }
    faults
}

/// What is wrong with the name of a claim. The name itself is not repeated.
fn claim_fault(name: &str) -> Option<&'static str> {
    if name.is_empty() || name.chars().count() > LONGEST_CLAIM || name.chars().any(char::is_control)
    {
        return Some("the name of a claim has 1 to 256 characters, and no control characters");
    }
    let mut escapes = name.split('~').skip(1);
    let unknown = escapes.any(|rest| !rest.starts_with(['0', '1']));
    (name.starts_with('/') && unknown).then_some(
        "a name that begins with / is a JSON Pointer (RFC 6901), in which ~ is written ~0 and / within a name ~1",
    )
}

/// Which tokens the key takes, if it takes tokens.
pub(super) fn oidc(source: &KeySource, created: Option<i64>) -> Option<Oidc> {
    let oidc = source.oidc.as_ref()?;
    let mut audiences: Vec<String> = oidc.audiences.iter().map(ToString::to_string).collect();
    audiences.sort();
    Some(Oidc {
        issuer: Issuer {
            name: oidc.issuer.to_string(),
            jwks_url: oidc.jwks_url.as_ref().map(ToString::to_string),
            private_network: oidc.allow_private_network == Some(true),
        },
        audiences,
        claims: oidc.claims.clone().unwrap_or_default(),
        created,
    })
}

/// The networks of the key's callers. All of them can be read: what cannot is a fault.
pub(super) fn networks(spec: &VirtualKeySpec) -> Vec<Network> {
    let networks = spec.networks.iter().flatten();
    networks
        .filter_map(|text| text.as_str().parse().ok())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::claim_fault;

    #[test]
    fn a_claim_is_named_at_the_top_or_by_a_pointer() {
        for good in [
            "sub",
            "https://example.com/roles",
            "/kubernetes.io/serviceaccount/name",
            "/a~1b/~0c",
            "a~b",
        ] {
            assert_eq!(claim_fault(good), None, "{good}");
        }
        for bad in ["", "/a~2", "/a~", "a\nb", &"x".repeat(257)] {
            assert!(claim_fault(bad).is_some(), "{bad:?}");
        }
    }
}
