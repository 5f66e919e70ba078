//! Whom a fault speaks against: a key, a model, or nobody; what stands beside it - another key, another model of the same provider - notices
//! nothing. Every fault of every dialect, with a breaker that opens at the first failure.

use std::fmt::Write as _;

use fairlead_faults::{Dialect, Fault, Play, Provider, Seen};
use futures_util::StreamExt as _;

use crate::cases::stage::provider;
use crate::cases::surface::Surface;
use crate::expected::{self, Expected, IN_ORDER};
use crate::harness::yaml::{caller, chain, rule, secret};
use crate::harness::{Gateway, serve};

const AT_ONCE: usize = 16;
/// The first key is sent as long as nothing speaks against it.
const KEYS: &str = "credentials: [{name: one, weight: 1000, secretRef: {name: one}}, {name: two, weight: 1, secretRef: {name: two}}]";
/// A breaker opens at the first failure, and nobody is asked twice.
const STRICT: &str =
    "retries: {maxRetries: 0}, health: {consecutiveFailures: 1, probeInterval: 60s}";
/// Where the fault is that nothing comes.
const IMPATIENT: &str = ", timeouts: {firstToken: 900ms, firstByte: 900ms, idle: 900ms}";

/// What a failure speaks against.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Blamed {
    Key,
    Model,
    Nobody,
}

/// A fault that fails an answer, and what it is for.
struct Blame {
    fault: &'static Fault,
    streamed: bool,
    class: &'static str,
    blamed: Blamed,
}

/// Faults by which the gateway reaches a limit of its own, for which nobody is to blame.
const OUR_LIMITS: [&str; 3] = ["header-1m", "headers-1000", "event-17m"];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_fault_is_blamed_on_whom_it_is_about_and_on_nobody_beside() {
    let mut wrong = Vec::new();
    for dialect in Dialect::all() {
        let blames = blames(dialect);
        assert!(blames.len() >= 40, "{dialect:?}");
        let a = Provider::start(failing).await;
        let spare = Provider::always(Play::chat("Spare.")).await;
        let gateway = gateway(dialect, &blames, &a, &spare).await;
        let (gateway, a) = (&gateway, &a);
        let played: Vec<_> = futures_util::stream::iter(&blames)
            .map(|blame| async move { (blame, blame.play(dialect, gateway, a).await) })
            .buffer_unordered(AT_ONCE)
            .collect()
            .await;
        let complaint = |(blame, heard): (&Blame, Result<(), String>)| {
            let name = blame.fault.name;
            let error = heard.err()?;
            Some(format!("{dialect:?} {name} ({:?}): {error}", blame.blamed))
        };
        wrong.extend(played.into_iter().filter_map(complaint));
    }
    assert!(wrong.is_empty(), "{}:\n{}", wrong.len(), wrong.join("\n"));
}

/// The fault is about the model `bad`; one that is about a key is about the first.
fn failing(seen: &Seen) -> Play {
    let fault = Fault::asked_by(seen).expect("a path without a fault");
    let is_first = seen.dialect().key_of(seen).ends_with("value-one");
    let about_key = matches!(blamed_of(seen.dialect(), fault), Some((_, Blamed::Key)));
    if (about_key && !is_first) || seen.model() != "bad" {
        return Play::chat("A.");
    }
    fault.play(seen)
}

/// The class of a fault and whom it is about; `None`: it does not fail an answer before its content.
fn blamed_of(dialect: Dialect, fault: &Fault) -> Option<(&'static str, Blamed)> {
    let (whole, stream) = expected::of(dialect, fault);
    let class = match whole.or(stream)? {
        Expected::Fails(class, _) | Expected::Refused(class, _) => class,
        Expected::Fine | Expected::BreaksOff(_) | Expected::Continued | Expected::Cut(_) => {
            return None;
        }
    };
    let blamed = match class {
        "bad_credential" | "rate_limited" => Blamed::Key,
        _ if OUR_LIMITS.contains(&fault.name) => Blamed::Nobody,
        "reset"
        | "first_token_timeout"
        | "idle_timeout"
        | "overloaded"
        | "server_error"
        | "protocol_error" => Blamed::Model,
        _ => Blamed::Nobody,
    };
    Some((class, blamed))
}

fn blames(dialect: Dialect) -> Vec<Blame> {
    // What comes before the body has been read is blamed like the same after it, and does not know the model.
    let faults = Fault::of(dialect)
        .filter(|fault| !IN_ORDER.contains(&fault.name) && !fault.early && !fault.soon);
    let blames = faults.filter_map(|fault| {
        let (class, blamed) = blamed_of(dialect, fault)?;
        let (whole, _) = expected::of(dialect, fault);
        Some(Blame {
            fault,
            streamed: whole.is_none(),
            class,
            blamed,
        })
    });
    blames.collect()
}

/// For each fault a provider, a rule for its model that fails, with somebody else behind it, and one for a model that is well.
async fn gateway(dialect: Dialect, blames: &[Blame], a: &Provider, spare: &Provider) -> Gateway {
    let mut objects = String::new();
    for Blame { fault, class, .. } in blames {
        let name = fault.name;
        let patience = if class.ends_with("timeout") {
            IMPATIENT
        } else {
            ""
        };
        let url = format!("http://{}/play/{name}/v1", a.address());
        let target = |model: &str| {
            format!("targets: [{{name: a, providerRef: {{name: {name}}}, model: {model}}}]")
        };
        let spare = "fallbacks: [{name: spare, providerRef: {name: spare}}]";
        let (bad, well) = (target("bad"), target("well"));
        let of_bad = format!("match: {{models: [{name}-bad]}}, {bad}, {spare}");
        let of_well = format!("match: {{models: [{name}-well]}}, {well}");
        write!(
            objects,
            "{}{}{}",
            provider(dialect, name, &url, &format!("{KEYS}, {STRICT}{patience}")),
            rule(&format!("{name}-bad"), &of_bad),
            rule(&format!("{name}-well"), &of_well),
        )
        .unwrap();
    }
    let secrets =
        ["one", "two"].map(|name| secret(name, "credential", &format!("apiKey: value-{name}")));
    let beside = provider(dialect, "spare", &spare.base_url(), KEYS);
    serve([
        objects,
        secrets.concat(),
        beside,
        chain("beside", &["spare"], ""),
        caller(),
    ])
    .await
}

impl Blame {
    /// Asks the model that fails twice, then one that is well.
    async fn play(&self, dialect: Dialect, gateway: &Gateway, a: &Provider) -> Result<(), String> {
        let [surface, _] = Surface::of(dialect);
        let (name, class) = (self.fault.name, self.class);
        let ask = async |model: String, streamed| {
            let answer = surface.ask(gateway, &model, streamed, "Hi.").await;
            (answer.status, answer.attempts().to_owned())
        };
        let first = ask(format!("{name}-bad"), self.streamed).await;
        let second = ask(format!("{name}-bad"), self.streamed).await;
        let well = ask(format!("{name}-well"), false).await;
        let path = format!("/play/{name}/");
        let of = |wanted: &dyn Fn(&Seen) -> bool| {
            a.count(|seen| seen.path.starts_with(&path) && wanted(seen))
        };
        let about_bad = of(&|seen| seen.model() == "bad");
        let by_first =
            of(&|seen| seen.model() == "bad" && seen.dialect().key_of(seen).ends_with("value-one"));
        let seen = format!(
            "{first:?}, {second:?}, {well:?}, asked {about_bad}, {by_first} by the first key"
        );
        let (begins, is_left_alone) = match self.blamed {
            // A key that is throttled without a time rests for a second or so; whoever comes then is answered by the other one all the same.
            Blamed::Key if class == "rate_limited" => {
                (format!("a={class}, a=ok"), about_bad == 2 + by_first)
            }
            Blamed::Key => (format!("a={class}, a=ok"), (about_bad, by_first) == (3, 1)),
            Blamed::Model => (format!("a={class}, spare=ok"), about_bad == 1),
            Blamed::Nobody => (format!("a={class}"), about_bad == 2),
        };
        if !first.1.starts_with(&begins) {
            return Err(format!("not {begins}: {seen}"));
        }
        if !is_left_alone {
            return Err(format!("asked too often, or too seldom: {seen}"));
        }
        if self.blamed != Blamed::Nobody && second.0 != 200 {
            return Err(format!("the caller noticed: {seen}"));
        }
        if well != (200, "a=ok".to_owned()) {
            return Err(format!("another model noticed: {seen}"));
        }
        let beside = ask("beside".to_owned(), false).await;
        if beside != (200, "spare=ok".to_owned()) {
            return Err(format!("another provider noticed: {beside:?}"));
        }
        Ok(())
    }
}
