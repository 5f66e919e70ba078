use std::borrow::Cow;

use fairlead_record::Attempt;

use super::*;

const CALLER: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

fn headers(lines: &[&str]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for line in lines {
        headers.append("traceparent", HeaderValue::from_str(line).unwrap());
    }
    headers
}

fn sampler(root: Root) -> Sampler {
    Sampler {
        parent: true,
        root,
        slow: Duration::from_secs(10),
    }
}

#[test]
fn a_caller_is_understood_as_the_standard_has_it() {
    let off = Tracing::default();
    let trace = off.begin(&headers(&[CALLER])).unwrap();
    assert_eq!(trace.id[..2], [0x4b, 0xf9]);
    assert_eq!(
        trace.parent,
        Some([0, 0xf0, 0x67, 0xaa, 0x0b, 0xa9, 0x02, 0xb7])
    );
    assert!(trace.sampled && trace.span == [0; 8]);
    let later = format!("cc{}-what-comes-later", &CALLER[2..]);
    assert_eq!(off.begin(&headers(&[&later])).unwrap().id, trace.id);
    let wrong = [
        format!("ff{}", &CALLER[2..]),
        format!("{CALLER}-more"),
        CALLER.to_uppercase(),
        CALLER[..54].to_owned(),
        CALLER.replace("4bf92f3577b34da6a3ce929d0e0e4736", &"0".repeat(32)),
        CALLER.replace("00f067aa0ba902b7", &"0".repeat(16)),
        CALLER.replace('-', "_"),
    ];
    for wrong in wrong {
        assert_eq!(off.begin(&headers(&[&wrong])), None, "{wrong}");
    }
    assert_eq!(off.begin(&headers(&[CALLER, CALLER])), None);
    assert_eq!(off.begin(&headers(&[])), None);
}

#[test]
fn what_the_caller_has_decided_holds() {
    let on = Tracing::on(sampler(Root::Never));
    let kept = on.begin(&headers(&[CALLER])).unwrap();
    assert_eq!(
        (kept.sampled, kept.sampled_by.as_deref()),
        (true, Some("parent"))
    );
    let on = Tracing::on(sampler(Root::Always));
    let left = on
        .begin(&headers(&[&CALLER.replace("-01", "-00")]))
        .unwrap();
    assert_eq!((left.sampled, &left.sampled_by), (false, &None));
    let mut entry = Entry {
        status: 502,
        trace: Some(left),
        ..Entry::default()
    };
    on.keep(&mut entry);
    assert!(!entry.trace.unwrap().sampled, "not even an error");
}

#[test]
fn a_share_of_all_is_kept_by_the_randomness_of_the_id() {
    let on = Tracing::on(sampler(Root::share(0.1)));
    let none = headers(&[]);
    let kept = (0..20_000)
        .filter(|_| on.begin(&none).unwrap().sampled)
        .count();
    assert!((1_700..2_300).contains(&kept), "{kept}");
    let trace = (0..)
        .find_map(|_| on.begin(&none).filter(|trace| trace.sampled))
        .unwrap();
    assert!(randomness(trace.id) >= 0xe6_6666_6666_6668);
    assert_eq!(on.state(&trace).unwrap(), "ot=th:e6666666666668");
    assert_eq!(
        Tracing::on(sampler(Root::share(1.0)))
            .state(&trace)
            .unwrap(),
        "ot=th:0"
    );
}

#[test]
fn what_is_worth_a_look_is_kept_besides() {
    let on = Tracing::on(sampler(Root::share(0.0)));
    let by = |change: fn(&mut Entry)| {
        let mut entry = Entry {
            status: 200,
            complete: true,
            duration_us: 1_000,
            trace: on.begin(&headers(&[])),
            attempts: vec![Attempt {
                sent: true,
                ..Attempt::default()
            }],
            ..Entry::default()
        };
        change(&mut entry);
        on.keep(&mut entry);
        entry.trace.unwrap().sampled_by
    };
    assert_eq!(by(|_| {}), None);
    assert_eq!(by(|entry| entry.status = 503).as_deref(), Some("error"));
    assert_eq!(
        by(|entry| entry.status = 429),
        None,
        "the caller's own doing"
    );
    assert_eq!(
        by(|entry| entry.first_content_us = Some(10_000_000)).as_deref(),
        Some("slow")
    );
    let cut = by(|entry| entry.error = Some(Cow::Borrowed("idle_timeout")));
    assert_eq!(cut.as_deref(), Some("cut"));
    let other = |hedge| Attempt {
        target: "other".into(),
        sent: true,
        hedge,
        ..Attempt::default()
    };
    let first = Attempt {
        sent: true,
        ..Attempt::default()
    };
    let mut fallback = Entry {
        trace: on.begin(&headers(&[])),
        attempts: vec![first, other(false)],
        ..Entry::default()
    };
    on.keep(&mut fallback);
    assert_eq!(
        fallback.trace.unwrap().sampled_by.as_deref(),
        Some("fallback")
    );
    let mut hedged = Entry {
        trace: on.begin(&headers(&[])),
        attempts: vec![other(true)],
        ..Entry::default()
    };
    on.keep(&mut hedged);
    assert_eq!(hedged.trace.unwrap().sampled_by.as_deref(), Some("hedge"));
}

#[test]
fn an_attempt_goes_out_with_a_span_of_its_own() {
    let on = Tracing::on(sampler(Root::Never));
    let trace = on.begin(&headers(&[CALLER])).unwrap();
    assert_eq!(
        traceparent(&trace, [1, 2, 3, 4, 5, 6, 7, 0xfe]),
        "00-4bf92f3577b34da6a3ce929d0e0e4736-01020304050607fe-01"
    );
    let begun = on.begin(&headers(&[])).unwrap();
    let line = traceparent(&begun, span());
    assert!(
        line.to_str().unwrap().ends_with("-02"),
        "random, and not kept: {line:?}"
    );
    assert_eq!(
        parent(&headers(&[line.to_str().unwrap()])).unwrap().id,
        begun.id
    );
}
