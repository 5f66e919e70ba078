//! One case: a fault, a form of answer, with or without another target; what is asked, and whether the answer is as expected.

use std::time::Duration;

use fairlead_faults::{Fault, TEXT};
use serde_json::Value;
use tokio::time::Instant;

use super::heard::Heard;
use super::stage::{SECRET, SPARE, Stage};
use crate::expected::{Expected, TABLE};
use crate::harness;
use crate::results;

/// A silent provider is given up after this time.
pub(super) const IMPATIENCE: Duration = Duration::from_millis(600);
/// Time that a busy machine may add to any case.
const GRACE: Duration = Duration::from_secs(6);
/// The time in which the body of a refusal must come, as `attempt.rs` has it.
const ERROR_BODY: Duration = Duration::from_secs(2);
/// Far longer than any case may take: whoever waits for it has found a hang.
const HANGS: Duration = Duration::from_secs(40);
/// What the scripted providers say that is nobody's business.
const INTERNAL: &str = "proxy-7.internal";

/// A case.
#[derive(Debug)]
pub(super) struct Case {
    pub(super) fault: &'static Fault,
    pub(super) streamed: bool,
    /// Whether there is another target that answers.
    pub(super) spare: bool,
    /// How often the same provider may be asked again.
    pub(super) retries: usize,
    /// Whether the rule holds a stream until it is whole.
    pub(super) held: bool,
    expected: Expected,
}

/// Whether the same provider is asked again after this: it broke, or it said itself how soon it may be.
fn is_repeated(fault: &Fault, expected: Expected) -> bool {
    match expected {
        Expected::Fails("reset" | "server_error", _) => true,
        Expected::Fails("rate_limited", _) => {
            ["retry-after-0", "retry-after-ms", "retry-after-date"].contains(&fault.name)
        }
        Expected::Fails(..)
        | Expected::Fine
        | Expected::Refused(..)
        | Expected::BreaksOff(_)
        | Expected::Cut(_) => false,
    }
}

/// With another target; without; with streams held and with retries, where that makes a difference.
fn variants((fault, streamed, expected): (&'static Fault, bool, Expected)) -> Vec<Case> {
    let variant = |spare, retries, held| Case {
        fault,
        streamed,
        spare,
        retries,
        held,
        expected,
    };
    let mut variants = vec![variant(true, 0, false), variant(false, 0, false)];
    if let Expected::BreaksOff(class) = expected {
        let status = if class == "idle_timeout" { 504 } else { 502 };
        let expected = Expected::Fails(class, status);
        let held = [true, false].map(|spare| Case {
            expected,
            ..variant(spare, 0, true)
        });
        variants.extend(held);
    }
    if is_repeated(fault, expected) {
        variants.extend([variant(true, 2, false), variant(false, 2, false)]);
    }
    variants
}

/// What came of a case.
#[derive(Debug)]
pub(super) struct Verdict {
    heard: Heard,
    took: Duration,
    asked: usize,
    wrong: Vec<String>,
}

impl Case {
    /// All of them.
    pub(super) fn all() -> Vec<Self> {
        let forms = TABLE.iter().flat_map(|(name, whole, stream)| {
            let fault = Fault::named(name).expect("a row without a fault");
            let whole = whole.map(|expected| (fault, false, expected));
            let stream = stream.map(|expected| (fault, true, expected));
            whole.into_iter().chain(stream)
        });
        forms.flat_map(variants).collect()
    }

    /// A name for objects, paths and results.
    pub(super) fn name(&self) -> String {
        let form = if self.streamed { "stream" } else { "whole" };
        let spare = if self.spare { "spare" } else { "alone" };
        let held = if self.held { "-held" } else { "" };
        let Self { fault, retries, .. } = self;
        format!("{}-{form}-{spare}-{retries}{held}", fault.name)
    }

    /// Whether the fault is that nothing comes.
    pub(super) fn waits(&self) -> bool {
        let name = self.fault.name;
        ["hang-", "line-endless"]
            .iter()
            .any(|silent| name.starts_with(silent))
            || [
                "comments-only",
                "comments-after-opening",
                "comments-after-content",
            ]
            .contains(&name)
    }

    /// Plays it and looks at what came of it.
    pub(super) async fn play(&self, stage: &Stage) -> Verdict {
        let began = Instant::now();
        let answer = tokio::time::timeout(HANGS, stage.gateway.ask(&self.body())).await;
        let took = began.elapsed();
        let heard = answer.map_or_else(|_| Heard::nothing(), |answer| Heard::of(&answer));
        let asked = stage.asked(self);
        let mut wrong = self.unexpected(&heard);
        if asked != self.attempts() {
            wrong.push(format!(
                "asked {asked} times instead of {}",
                self.attempts()
            ));
        }
        if took > self.at_most() {
            wrong.push(format!("took {took:?}"));
        }
        if self.falls_back() != stage.fell_back(self) {
            wrong.push("the other target was asked when it should not, or was not".to_owned());
        }
        if heard.raw.contains(SECRET) || heard.raw.contains(INTERNAL) {
            wrong.push("a secret reached the caller".to_owned());
        }
        if !stage.is_healthy().await {
            wrong.push("the gateway is not well after it".to_owned());
        }
        Verdict {
            heard,
            took,
            asked,
            wrong,
        }
    }

    /// What a caller asks; large where the provider does not wait for the end of it.
    fn body(&self) -> Value {
        let name = self.name();
        let mut body = if self.streamed {
            harness::streamed(&name)
        } else {
            harness::whole(&name)
        };
        if self.fault.early {
            body["messages"][0]["content"] = "x".repeat(4 * 1024 * 1024).into();
        }
        body
    }

    fn falls_back(&self) -> bool {
        self.spare && matches!(self.expected, Expected::Fails(..))
    }

    /// How often the failing provider is asked.
    fn attempts(&self) -> usize {
        match self.expected {
            expected if is_repeated(self.fault, expected) => 1 + self.retries,
            Expected::Fails(..)
            | Expected::Fine
            | Expected::Refused(..)
            | Expected::BreaksOff(_)
            | Expected::Cut(_) => 1,
        }
    }

    fn at_most(&self) -> Duration {
        let tries = u32::try_from(self.attempts()).unwrap();
        let waiting = if self.waits() {
            IMPATIENCE * 2
        } else {
            Duration::ZERO
        };
        let body = if self.fault.name.starts_with("error-body") {
            ERROR_BODY
        } else {
            Duration::ZERO
        };
        (waiting + body) * tries + GRACE
    }

    /// What is not as the table says.
    fn unexpected(&self, heard: &Heard) -> Vec<String> {
        let attempts = self.listed_attempts();
        let mut facts = vec![
            (
                "status",
                heard.status.to_string(),
                self.status().to_string(),
            ),
            ("attempts", heard.attempts.clone(), attempts),
        ];
        let yes = |what, holds: bool| (what, holds.to_string(), "true".to_owned());
        if self.falls_back() {
            facts.push(("content", heard.content.clone(), SPARE.to_owned()));
            facts.push(yes("complete", heard.complete));
        } else {
            match self.expected {
                Expected::Fine => {
                    facts.push(yes("the whole text", self.is_whole_text(&heard.content)));
                    facts.push(yes("complete", heard.complete));
                }
                Expected::Fails(..) | Expected::Refused(..) => {
                    facts.push(yes("an error object", heard.error.is_some()));
                    facts.push(yes("whole HTTP", heard.whole));
                    facts.push((
                        "should retry",
                        heard.should_retry.clone(),
                        "false".to_owned(),
                    ));
                }
                Expected::BreaksOff(_) => {
                    facts.push(yes("the beginning", TEXT.starts_with(&heard.content)));
                    facts.push(yes(
                        "an error at the end",
                        heard.error.is_some() && !heard.complete,
                    ));
                }
                Expected::Cut(_) => facts.push(yes("a broken connection", !heard.whole)),
            }
        }
        facts
            .into_iter()
            .filter(|(_, is, should)| is != should)
            .map(|(what, is, should)| format!("{what}: {is:?} instead of {should:?}"))
            .collect()
    }

    fn status(&self) -> u16 {
        match self.expected {
            Expected::Fails(_, status) if !self.spare => status,
            Expected::Refused(_, status) => status,
            Expected::Fails(..) | Expected::Fine | Expected::BreaksOff(_) | Expected::Cut(_) => 200,
        }
    }

    /// What `x-fairlead-attempts` says; of an answer that has begun, only that it has.
    fn listed_attempts(&self) -> String {
        let class = match self.expected {
            Expected::Fails(class, _) | Expected::Refused(class, _) => class,
            Expected::Fine | Expected::BreaksOff(_) | Expected::Cut(_) => "ok",
        };
        let failed = vec![format!("a={class}"); self.attempts()].join(", ");
        if self.falls_back() {
            failed + ", spare=ok"
        } else {
            failed
        }
    }

    fn is_whole_text(&self, content: &str) -> bool {
        match self.fault.name {
            "body-6m" => content.len() == 6 * 1024 * 1024,
            "event-1m" => content.len() > 1024 * 1024 - 300 && content.ends_with("twenty."),
            _ => content == TEXT,
        }
    }
}

impl Verdict {
    /// The entry of the results.
    pub(super) fn entry(&self, case: &Case) -> Value {
        results::case(
            &case.name(),
            &self.heard.summary(),
            self.asked,
            self.took,
            self.wrong.is_empty(),
        )
    }

    /// What was wrong, if anything.
    pub(super) fn complaint(&self, case: &Case) -> Option<String> {
        let wrong = self.wrong.join("; ");
        (!wrong.is_empty()).then(|| format!("{}: {wrong} [{}]", case.name(), self.heard.summary()))
    }
}
