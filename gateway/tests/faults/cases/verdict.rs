//! Plays a case and says what was not as expected.

use std::time::Duration;

use fairlead_faults::TEXT;
use serde_json::Value;
use tokio::time::Instant;

use super::case::Case;
use super::heard::Heard;
use super::stage::{SECRET, Stage};
use crate::expected::Expected;
use crate::results;

/// Far longer than any case may take: whoever waits for it has found a hang.
const HANGS: Duration = Duration::from_secs(40);
/// What the scripted providers say that is nobody's business.
const INTERNAL: &str = "proxy-7.internal";

/// What came of a case.
#[derive(Debug)]
pub(super) struct Verdict {
    heard: Heard,
    took: Duration,
    asked: usize,
    wrong: Vec<String>,
}

impl Case {
    /// Plays it and looks at what came of it.
    pub(super) async fn play(&self, stage: &Stage) -> Verdict {
        let began = Instant::now();
        let (name, words) = (self.name(), self.words());
        let asked = self
            .surface
            .ask(&stage.gateway, &name, self.streamed, &words);
        let answer = tokio::time::timeout(HANGS, asked).await;
        let took = began.elapsed();
        let heard = answer.map_or_else(
            |_| Heard::nothing(),
            |answer| Heard::of(self.surface, &answer),
        );
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
        if self.falls_back() || self.expected == Expected::Fine {
            facts.push(yes("the whole text", self.is_whole_text(&heard.content)));
            facts.push(yes("complete", heard.complete));
        } else {
            match self.expected {
                Expected::Fine | Expected::Continued => {}
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
}

impl Verdict {
    /// The entry of the results.
    pub(super) fn entry(&self, case: &Case) -> Value {
        results::case(
            (&case.name(), case.dialect.name(), case.surface.name()),
            &self.heard.summary(),
            self.asked,
            self.took,
            self.wrong.is_empty(),
        )
    }

    /// What was wrong, if anything.
    pub(super) fn complaint(&self, case: &Case) -> Option<String> {
        let wrong = self.wrong.join("; ");
        let (dialect, surface) = (case.dialect.name(), case.surface.name());
        (!wrong.is_empty()).then(|| {
            let summary = self.heard.summary();
            format!(
                "{dialect} from {surface}, {}: {wrong} [{summary}]",
                case.name()
            )
        })
    }
}
