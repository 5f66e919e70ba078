use super::*;
use crate::surface::Surface;

#[test]
fn every_code_of_the_documentation_is_known_as_ours() {
    let documentation = include_str!("../../../../docs/errors.md");
    let table = documentation.split("\n## ").next().unwrap();
    let rows = table
        .lines()
        .filter(|line| line.starts_with("| ") && line.contains('`'));
    let mut count = 0;
    for row in rows {
        let codes = row.split('|').nth(2).unwrap();
        for code in codes.split('`').skip(1).step_by(2) {
            assert!(is_ours(code), "{code}");
            count += 1;
        }
    }
    assert!(count > 20);
}

#[test]
fn a_provider_that_names_a_time_is_not_asked_again_at_once() {
    let told = |rejection: Rejection| {
        let response = rejection.response(Surface::OpenAi);
        let header = |name: &str| {
            let value = response.headers().get(name)?;
            value.to_str().ok().map(str::to_owned)
        };
        (
            response.status().as_u16(),
            header("retry-after"),
            header("x-should-retry"),
        )
    };
    let no = || Some("false".to_owned());
    assert_eq!(
        told(Rejection::ProviderLimits(Some(60))),
        (429, Some("60".into()), no())
    );
    assert_eq!(told(Rejection::ProviderLimits(None)), (429, None, no()));
    let failed = Rejection::ProviderFailed {
        status: StatusCode::SERVICE_UNAVAILABLE,
        detail: "",
        retry_after: Some(7),
    };
    assert_eq!(told(failed), (503, Some("7".into()), no()));
    for ours in [
        Rejection::Overloaded,
        Rejection::NoConnection("it has no descriptors"),
    ] {
        assert_eq!(told(ours), (503, Some("1".into()), Some("true".into())));
    }
    assert_eq!(told(Rejection::ProviderCredential), (502, None, no()));
}
