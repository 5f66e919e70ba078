//! Whom a review tells of.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use fairlead_console::Identity;
use k8s_openapi::api::authentication::v1::TokenReviewStatus;
use serde::Deserialize;

use super::LONGEST;

/// Whether this has the form of a token: three parts of base64.
#[must_use]
pub(super) fn may_be(token: &str) -> bool {
    let is_part = |part: &str| {
        let is_in = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'=');
        !part.is_empty() && part.bytes().all(is_in)
    };
    token.len() <= LONGEST && token.split('.').count() == 3 && token.split('.').all(is_part)
}

/// Who it is; `None`: nobody. An API server that does not know audiences echoes none, and then a token may have been made for anything. Asked
/// without an audience it says whether it takes the token for itself.
#[must_use]
pub(super) fn of(
    status: TokenReviewStatus,
    token: &str,
    audience: Option<&str>,
) -> Option<Identity> {
    let failed = status.error.is_some_and(|error| !error.is_empty());
    let audiences = status.audiences.unwrap_or_default();
    let is_ours = audience.is_none_or(|audience| audiences.iter().any(|one| one == audience));
    if failed || status.authenticated != Some(true) || !is_ours {
        return None;
    }
    let user = status.user?;
    let name = user.username.filter(|name| !name.is_empty())?;
    let mut identity = Identity::new(name, token.to_owned());
    identity.uid = user.uid.unwrap_or_default();
    identity.groups = user.groups.unwrap_or_default();
    identity.extra = user.extra.unwrap_or_default();
    identity.until = until(token);
    Some(identity)
}

/// When a token ends that was found good, in seconds since 1970.
fn until(token: &str) -> Option<i64> {
    #[derive(Deserialize)]
    struct Claims {
        exp: Option<f64>,
    }
    let claims = token.split('.').nth(1)?.trim_end_matches('=');
    let claims: Claims = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(claims).ok()?).ok()?;
    #[expect(
        clippy::cast_possible_truncation,
        reason = "a moment; one that is too far away is the farthest"
    )]
    claims.exp.map(|exp| exp as i64)
}

#[cfg(test)]
mod tests {
    use k8s_openapi::api::authentication::v1::UserInfo;

    use super::*;

    const OURS: &str = "fairlead-console";

    fn said() -> TokenReviewStatus {
        TokenReviewStatus {
            authenticated: Some(true),
            audiences: Some(vec![OURS.to_owned()]),
            user: Some(UserInfo {
                username: Some("jane".to_owned()),
                groups: Some(vec!["leads".to_owned()]),
                ..UserInfo::default()
            }),
            error: None,
        }
    }

    #[test]
    fn who_is_let_in_is_authenticated_for_this_audience_and_without_an_error() {
        let found = of(said(), "a.b.c", Some(OURS)).unwrap();
        assert_eq!((found.user.as_str(), found.acts), ("jane", false));
        let changed = |change: fn(&mut TokenReviewStatus)| {
            let mut status = said();
            change(&mut status);
            of(status, "a.b.c", Some(OURS))
        };
        assert_eq!(changed(|status| status.authenticated = Some(false)), None);
        assert_eq!(changed(|status| status.authenticated = None), None);
        assert_eq!(
            changed(|status| status.error = Some("broken".to_owned())),
            None
        );
        assert_eq!(changed(|status| status.audiences = None), None);
        assert_eq!(
            changed(|status| status.audiences = Some(vec!["https://kubernetes".to_owned()])),
            None
        );
        // The API server's own word, where it knows no audiences.
        let unknown = TokenReviewStatus {
            audiences: None,
            ..said()
        };
        assert!(of(unknown, "a.b.c", None).is_some());
        assert_eq!(changed(|status| status.user = None), None);
        assert_eq!(
            changed(|status| status.user.as_mut().unwrap().username = Some(String::new())),
            None
        );
    }

    #[test]
    fn what_has_not_the_form_of_a_token_is_not_shown_to_anybody() {
        let long = format!("a.{}.c", "b".repeat(LONGEST));
        for bad in [
            "",
            "sk-fairlead-x",
            "a.b",
            "a.b.c.d",
            "a..c",
            "a.b c.d",
            "ä.b.c",
            &long,
        ] {
            assert!(!may_be(bad), "{bad:.20}");
        }
        assert!(may_be("eyJhbGciOi.eyJpc3Mi-_.c2ln"));
    }

    #[test]
    fn a_token_says_when_it_ends() {
        let token = |claims: &str| format!("a.{}.c", URL_SAFE_NO_PAD.encode(claims));
        assert_eq!(until(&token(r#"{"exp":1800000000}"#)), Some(1_800_000_000));
        assert_eq!(until(&token("{}")), None);
        assert_eq!(until("a.b.c"), None);
    }
}
