//! What the caller is told when nothing answered.

use std::time::Duration;

use fairlead_snapshot::FailureClass;
use http::StatusCode;

use crate::answer::Unanswered;
use crate::answer::classify::shown_status;
use crate::answer::reject::Rejection;
use crate::failure::class::consequences;
use crate::failure::{Failure, Own, Skip};

/// A refusal that ends the plan is told as it came; else the first target's error, passing over refused credentials, which are not the
/// caller's business, and over targets that were not even tried, unless none was.
#[must_use]
pub(crate) fn verdict(mut failures: Vec<Failure>) -> Unanswered {
    let again = failures
        .iter()
        .filter_map(|failure| failure.skip.and(failure.retry_after))
        .min();
    let final_word = failures.last().is_some_and(|failure| !failure.falls_back());
    let told = if final_word {
        failures.pop()
    } else {
        failures.retain(|failure| failure.class != FailureClass::BadCredential);
        failures.sort_by_key(order);
        failures.into_iter().next()
    };
    let Some(failure) = told else {
        return Unanswered::Own(Rejection::ProviderCredential);
    };
    if let Some(answer) = failure.answer {
        return Unanswered::Provider(answer, failure.class);
    }
    if let Some(refusal) = failure.limited {
        return Unanswered::Own(Rejection::Limited(refusal));
    }
    if let Some(dear) = failure.dear {
        return Unanswered::Own(Rejection::TooExpensive(dear));
    }
    Unanswered::Own(match failure.skip {
        _ if failure.own == Some(Own::Memory) => Rejection::Overloaded,
        _ if failure.own == Some(Own::Connection) => Rejection::NoConnection(failure.detail),
        Some(Skip::Unsupported) => {
            let what = failure.unsupported;
            what.map_or(Rejection::UnsupportedOperation, Rejection::Unsupported)
        }
        Some(skip) => of_skip(skip, failure.detail, again),
        None => of_answer(&failure).unwrap_or_else(|| of_class(failure.class, failure.detail)),
    })
}

/// What was tried goes before what was not, and a target that may be asked another time before one that cannot be asked for this.
fn order(failure: &Failure) -> u8 {
    if matches!(failure.skip, Some(Skip::Unsupported | Skip::Dear)) {
        2
    } else {
        u8::from(failure.skip.is_some() || failure.own.is_some())
    }
}

/// A provider's answer in our words, with its status.
fn of_answer(failure: &Failure) -> Option<Rejection> {
    let detail = failure.detail;
    let retry_after = failure.retry_after.map(in_seconds);
    if failure.class == FailureClass::RateLimited {
        return Some(Rejection::ProviderLimits(retry_after));
    }
    let status = StatusCode::from_u16(failure.status?).ok()?;
    let status = shown_status(failure.class, status);
    if matches!(
        failure.class,
        FailureClass::ServerError | FailureClass::Overloaded
    ) {
        return Some(Rejection::ProviderFailed {
            status,
            detail,
            retry_after,
        });
    }
    // A redirect, or a success that is none, is no status for a caller.
    let is_refusal = status.is_client_error() || status.is_server_error();
    is_refusal.then_some(Rejection::ProviderRefused { status, detail })
}

/// So many seconds at least.
fn in_seconds(time: Duration) -> u64 {
    time.as_secs() + u64::from(time.subsec_nanos() > 0)
}

/// Nothing was sent: the caller may come again, and is told when.
fn of_skip(skip: Skip, detail: &str, again: Option<Duration>) -> Rejection {
    let seconds = again.map(in_seconds);
    match skip {
        Skip::Unhealthy | Skip::Ramping | Skip::Unusable | Skip::Unsupported | Skip::Dear => {
            Rejection::NoHealthyTarget(detail.to_owned(), seconds)
        }
        Skip::Resting | Skip::Limited => Rejection::RateLimited(seconds.unwrap_or(1)),
        Skip::Benched => Rejection::ProviderCredential,
        Skip::Full | Skip::Rejected => Rejection::ProviderFull,
    }
}

fn of_class(class: FailureClass, detail: &'static str) -> Rejection {
    if class == FailureClass::Unavailable {
        return Rejection::NoHealthyTarget(detail.to_owned(), None);
    }
    if consequences(class).status == StatusCode::GATEWAY_TIMEOUT {
        return Rejection::ProviderTimeout(detail);
    }
    Rejection::ProviderError(detail.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failed(class: FailureClass) -> Failure {
        Failure::new(class, "it failed")
    }

    fn down(seconds: u64) -> Failure {
        let time = Duration::from_millis(seconds * 1000 - 1);
        Failure::skipped(Skip::Unhealthy, FailureClass::ServerError).again_after(time)
    }

    fn told(failures: Vec<Failure>) -> Rejection {
        match verdict(failures) {
            Unanswered::Own(rejection) => rejection,
            Unanswered::Provider(..) => panic!("nobody answered"),
        }
    }

    fn refused(class: FailureClass, status: u16) -> Failure {
        Failure {
            status: Some(status),
            ..failed(class)
        }
    }

    #[test]
    fn a_refusal_without_words_for_the_caller_keeps_its_status() {
        for (class, status, expected) in [
            (FailureClass::BadRequest, 400, (400, "provider_refused")),
            (FailureClass::BadRequest, 403, (403, "provider_refused")),
            (FailureClass::ContextTooLong, 413, (413, "provider_refused")),
            (FailureClass::Unavailable, 404, (404, "provider_refused")),
            (FailureClass::RateLimited, 429, (429, "rate_limited")),
            (FailureClass::RateLimited, 402, (429, "rate_limited")),
            (FailureClass::ServerError, 500, (500, "provider_error")),
            (FailureClass::Overloaded, 529, (529, "provider_error")),
            (FailureClass::ProtocolError, 302, (502, "provider_error")),
            (FailureClass::ProtocolError, 204, (502, "provider_error")),
        ] {
            let told = told(vec![refused(class, status)]);
            assert_eq!((told.status().as_u16(), told.code()), expected, "{class:?}");
        }
    }

    #[test]
    fn a_time_that_a_provider_names_is_passed_on() {
        let limited = refused(FailureClass::RateLimited, 429);
        let told = told(vec![limited.again_after(Duration::from_millis(59_001))]);
        assert_eq!(told, Rejection::ProviderLimits(Some(60)));
    }

    #[test]
    fn what_was_tried_goes_before_what_was_not() {
        let told = told(vec![down(5), failed(FailureClass::IdleTimeout)]);
        assert_eq!(told, Rejection::ProviderTimeout("it failed"));
    }

    #[test]
    fn where_nothing_was_tried_the_soonest_is_told() {
        let Rejection::NoHealthyTarget(_, seconds) = told(vec![down(9), down(4), down(7)]) else {
            panic!("all are down")
        };
        assert_eq!(seconds, Some(4));
    }

    #[test]
    fn refused_credentials_are_passed_over_whether_sent_or_not() {
        let benched = || Failure::skipped(Skip::Benched, FailureClass::BadCredential);
        let refused = || failed(FailureClass::BadCredential);
        let other = failed(FailureClass::Connect);
        assert_eq!(
            told(vec![benched(), refused(), other]),
            Rejection::ProviderError("it failed".to_owned())
        );
        let all = vec![benched(), refused(), benched()];
        assert_eq!(told(all), Rejection::ProviderCredential);
    }

    #[test]
    fn a_refusal_that_ends_the_plan_is_the_last_word() {
        let told = told(vec![
            failed(FailureClass::Connect),
            failed(FailureClass::TotalTimeout),
        ]);
        assert_eq!(told, Rejection::ProviderTimeout("it failed"));
    }

    #[test]
    fn nothing_but_full_targets_is_told_as_such() {
        let full = |skip| Failure::skipped(skip, FailureClass::Overloaded);
        assert_eq!(told(vec![full(Skip::Full)]), Rejection::ProviderFull);
        assert_eq!(told(vec![full(Skip::Rejected)]), Rejection::ProviderFull);
    }

    #[test]
    fn what_the_gateway_itself_lacks_is_told_as_its_own_overload() {
        let ours = |own| failed(FailureClass::Connect).by(own);
        assert_eq!(told(vec![ours(Own::Memory)]), Rejection::Overloaded);
        assert_eq!(
            told(vec![ours(Own::Connection)]),
            Rejection::NoConnection("it failed")
        );
        // Without memory nobody else is asked, and that is the last word.
        let memory = || failed(FailureClass::Unavailable).by(Own::Memory);
        assert!(!memory().falls_back());
        let both = vec![failed(FailureClass::ServerError), memory()];
        assert_eq!(told(both), Rejection::Overloaded);
        // A target that was asked goes before one to which no connection could be opened.
        assert!(ours(Own::Connection).falls_back());
        let both = vec![ours(Own::Connection), failed(FailureClass::IdleTimeout)];
        assert_eq!(told(both), Rejection::ProviderTimeout("it failed"));
    }
}
