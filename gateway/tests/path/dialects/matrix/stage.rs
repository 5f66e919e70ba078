//! A gateway before two providers, and one caller.

use fairlead_faults::{Play, Provider, Seen};
use serde_json::Value;

use super::ask::Ask;
use super::dialect::{Dialect, Members};
use super::refused::passes_bytes;
use super::said::{Said, same};
use super::surface::Surface;
use crate::harness::yaml::{caller, chain};
use crate::harness::{Answer, Gateway, serve};

/// What a provider does with one request.
#[derive(Debug, Clone)]
pub(crate) enum Line {
    /// It says this.
    Says(Said),
    /// It does this.
    Does(Play),
}

/// Where a cell is played: the model `m` is asked of the provider, `m-or-other` of another one after it, `m-dropping` without
/// what it has no words for.
#[derive(Debug)]
pub(crate) struct Stage {
    pub(crate) surface: Surface,
    pub(crate) dialect: Dialect,
    pub(crate) gateway: Gateway,
    pub(crate) provider: Provider,
    other: Provider,
}

/// What the other provider says.
pub(crate) const OTHER: &str = "Another.";

impl Stage {
    /// With a provider that goes by its lines, one a request, and stays with the last.
    pub(crate) async fn new(surface: Surface, dialect: Dialect, lines: Vec<Line>) -> Self {
        let provider =
            Provider::start(
                move |seen: &Seen| match &lines[seen.sequence.min(lines.len() - 1)] {
                    Line::Says(said) => dialect.says(said, seen),
                    Line::Does(play) => play.clone(),
                },
            );
        let another = dialect.next();
        let other = Provider::start(move |seen: &Seen| another.says(&Said::words(OTHER), seen));
        let (provider, other) = (provider.await, other.await);
        let gateway = serve([
            dialect.provider("a", &provider.base_url()),
            another.provider("b", &other.base_url()),
            caller(),
            chain("m", &["a"], ""),
            chain("m-or-other", &["a", "b"], ""),
            chain("m-dropping", &["a"], "onUnsupported: Drop"),
        ]);
        Self {
            surface,
            dialect,
            gateway: gateway.await,
            provider,
            other,
        }
    }

    /// Whether both sides speak the same, so that bytes pass.
    pub(crate) fn is_same(&self) -> bool {
        passes_bytes(self.surface, self.dialect)
    }

    /// Asks, and checks what the provider was sent: each of `members`, or the caller's own bytes.
    pub(crate) async fn ask(&self, ask: &Ask, members: Members) -> Result<Answer, String> {
        let answer = self.surface.ask(&self.gateway, ask).await;
        let answered = format!("{} {}", answer.status, answer.text());
        let seen = self.provider.seen().pop();
        let seen = seen.ok_or(format!("nothing was sent: {answered}"))?;
        same(
            "path",
            &seen.path,
            &self.dialect.path(ask.model, ask.stream),
        )?;
        if self.is_same() {
            let (sent, asked) = (seen.body, self.surface.body(ask).to_string());
            same(
                "bytes sent",
                &String::from_utf8_lossy(&sent).into_owned(),
                &asked,
            )?;
            return Ok(answer);
        }
        let sent = seen.json();
        for (at, wanted) in members {
            same(&at, &found(&sent, &at), &wanted).map_err(|wrong| format!("{wrong} in {sent}"))?;
        }
        Ok(answer)
    }

    /// Reads an answer, and checks it: what it says, and where bytes pass, that they are the provider's own. Gives what it was.
    pub(crate) fn heard(
        &self,
        answer: &Answer,
        said: &Said,
        stream: bool,
    ) -> Result<Value, String> {
        let text = answer.text();
        same("status", &answer.status, &200).map_err(|wrong| format!("{wrong}: {text}"))?;
        let told = self
            .surface
            .told(answer)
            .map_err(|wrong| format!("{wrong} in {text}"))?;
        if !told.ended || told.error.is_some() {
            return Err(format!("it is not complete: {text}"));
        }
        let understood = self.surface.said(&told.body)?;
        let wanted = said.clone().by(self.dialect);
        same("what was heard", &understood, &wanted)
            .map_err(|wrong| format!("{wrong} in {text}"))?;
        if self.is_same() {
            let own = if stream {
                String::from_utf8_lossy(&self.dialect.events(said).concat()).into_owned()
            } else {
                self.dialect.whole(said).to_string()
            };
            same("bytes told", &text, &own)?;
        }
        Ok(told.body)
    }

    /// How often the provider, and the other one, were asked.
    pub(crate) fn asked(&self) -> (usize, usize) {
        (self.provider.requests(), self.other.requests())
    }
}

/// What is at a place; null if nothing is. `-` is the last element of a list.
fn found(sent: &Value, at: &str) -> Value {
    let found = match at.split_once("/-/") {
        None => sent.pointer(at),
        Some((list, rest)) => {
            let last = sent.pointer(list).and_then(|list| list.as_array()?.last());
            last.and_then(|last| last.pointer(&format!("/{rest}")))
        }
    };
    found.cloned().unwrap_or_default()
}
