//! `strategy.sticky`: which user a request is from, as a number.

use std::borrow::Cow;

use fairlead_snapshot::{ObjectName, Sticky};
use fairlead_wire::openai::request::Request;
use http::HeaderMap;
use sha2::{Digest as _, Sha256};

use super::governed::end_user;

/// The number of the user among those of a rule, if the request says who it is. The name of the rule goes into it, so that who is in one part of
/// an experiment is in any part of the next. The same on every replica and in every version: a rolling upgrade must not move users.
pub(crate) fn number(
    sticky: &Sticky,
    rule: &ObjectName,
    request: &Request<'_>,
    headers: &HeaderMap,
) -> Option<u64> {
    let named = match sticky {
        Sticky::Header(name) => headers
            .get(name.as_str())
            .map(|value| Cow::Borrowed(value.as_bytes().trim_ascii())),
        Sticky::EndUser => {
            end_user(request, headers).map(|user| Cow::Owned(user.as_bytes().to_vec()))
        }
    };
    let user = named.filter(|user| !user.is_empty())?;
    let mut hash = Sha256::new();
    // Neither name holds a slash or a zero.
    hash.update(rule.to_string().as_bytes());
    hash.update([0]);
    hash.update(&*user);
    let digest = hash.finalize();
    digest.first_chunk().map(|bytes| u64::from_be_bytes(*bytes))
}

#[cfg(test)]
mod tests {
    use fairlead_wire::openai::request::parse;

    use super::*;

    fn of(
        sticky: &Sticky,
        rule: &str,
        body: &str,
        headers: &[(&'static str, &str)],
    ) -> Option<u64> {
        let request = parse(body.as_bytes()).unwrap();
        let headers = headers
            .iter()
            .map(|(name, value)| {
                let name = http::HeaderName::from_static(name);
                (name, http::HeaderValue::from_str(value).unwrap())
            })
            .collect();
        number(sticky, &ObjectName::new("search", rule), &request, &headers)
    }

    #[test]
    fn a_user_is_known_by_a_header_or_as_the_end_user_and_has_another_number_in_every_rule() {
        let header = Sticky::Header("x-user".to_owned());
        let (plain, named) = (r#"{"model":"m"}"#, r#"{"model":"m","user":"ada"}"#);
        let ada = [("x-user", "ada")];
        let first = of(&header, "a", plain, &ada);
        assert!(first.is_some());
        assert_eq!(first, of(&header, "a", named, &[("x-user", " ada ")]));
        assert_ne!(first, of(&header, "a", plain, &[("x-user", "eve")]));
        assert_ne!(first, of(&header, "b", plain, &ada));
        assert_eq!(first, of(&Sticky::EndUser, "a", named, &[]));
        assert_eq!(
            first,
            of(&Sticky::EndUser, "a", plain, &[("x-fairlead-user", "ada")])
        );
    }

    #[test]
    fn who_says_nothing_has_no_number() {
        let header = Sticky::Header("x-user".to_owned());
        let named = r#"{"model":"m","user":"ada"}"#;
        for headers in [&[][..], &[("x-user", "")][..], &[("x-user", "  ")][..]] {
            assert_eq!(of(&header, "a", named, headers), None);
        }
        assert_eq!(
            of(&Sticky::EndUser, "a", r#"{"model":"m","user":""}"#, &[]),
            None
        );
    }

    /// Users must not move between versions: this number is part of what is promised.
    #[test]
    fn a_number_stays_what_it_is() {
        let number = of(&Sticky::EndUser, "a", r#"{"model":"m","user":"ada"}"#, &[]);
        assert_eq!(number, Some(NUMBER));
    }

    const NUMBER: u64 = 9_817_648_290_516_298_521;
}
