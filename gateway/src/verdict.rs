//! What the caller is told when nothing answered.

use std::time::Duration;

use fairlead_snapshot::FailureClass;

use crate::dispatch::Refusal;
use crate::failure::{Failure, Skip};
use crate::reject::Rejection;

/// A refusal that ends the plan is told as it came; else the first target's error, passing over refused credentials, which are not the
/// caller's business, and over targets that were not even tried, unless none was.
#[must_use]
pub fn verdict(mut failures: Vec<Failure>) -> Refusal {
    let again = failures
        .iter()
        .filter_map(|failure| failure.skip.and(failure.retry_after))
        .min();
    let final_word = failures
        .last()
        .is_some_and(|failure| !failure.class.falls_back());
    let told = if final_word {
        failures.pop()
    } else {
        failures.retain(|failure| failure.class != FailureClass::BadCredential);
        failures.sort_by_key(|failure| failure.skip.is_some());
        failures.into_iter().next()
    };
    let Some(failure) = told else {
        return Refusal::Own(Rejection::ProviderCredential);
    };
    if let Some(answer) = failure.answer {
        return Refusal::Provider(answer, failure.class);
    }
    Refusal::Own(match failure.skip {
        Some(skip) => of_skip(skip, failure.detail, again),
        None => of_class(failure.class, failure.detail),
    })
}

/// Nothing was sent: the caller may come again, and is told when.
fn of_skip(skip: Skip, detail: &str, again: Option<Duration>) -> Rejection {
    let seconds = again.map(|time| time.as_secs() + u64::from(time.subsec_nanos() > 0));
    match skip {
        Skip::Unhealthy | Skip::Ramping | Skip::Unusable => {
            Rejection::NoHealthyTarget(detail.to_owned(), seconds)
        }
        Skip::Resting => Rejection::RateLimited(seconds.unwrap_or(1)),
        Skip::Benched => Rejection::ProviderCredential,
        Skip::Full | Skip::Rejected => Rejection::ProviderFull,
    }
}

fn of_class(class: FailureClass, detail: &'static str) -> Rejection {
    match class {
        FailureClass::Unavailable => Rejection::NoHealthyTarget(detail.to_owned(), None),
        FailureClass::FirstTokenTimeout
        | FailureClass::IdleTimeout
        | FailureClass::TotalTimeout => Rejection::ProviderTimeout(detail),
        FailureClass::Connect
        | FailureClass::Reset
        | FailureClass::RateLimited
        | FailureClass::Overloaded
        | FailureClass::ServerError
        | FailureClass::ProtocolError
        | FailureClass::BadCredential
        | FailureClass::ContextTooLong
        | FailureClass::ContentFiltered
        | FailureClass::BadRequest
        | FailureClass::ClientGone => Rejection::ProviderError(detail.to_owned()),
    }
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
            Refusal::Own(rejection) => rejection,
            Refusal::Provider(..) => panic!("nobody answered"),
        }
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
}
