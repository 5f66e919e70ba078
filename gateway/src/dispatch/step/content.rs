//! What a target is asked, in its words.

use std::sync::Arc;

use fairlead_catalog::Quirk;
use fairlead_snapshot::Protocol;
use fairlead_translate::chat::request::Host;
use fairlead_wire::amend::Amendment;

use super::StepRun;
use crate::codec::{self, Codec, Made, Wish};
use crate::failure::{Failure, Unsupported};
use crate::govern::ceiling::with_ceiling;
use crate::surface::Operation;

impl StepRun<'_> {
    /// What the provider is asked for.
    pub(super) fn codec(&self) -> Result<Codec, Failure> {
        let asked = self.job.operation;
        if asked == Operation::Responses && self.upstream.speaks_responses() {
            let refusal = self.job.kept.and_then(|kept| kept.refusal(self.is_home()));
            return match refusal {
                Some(what) => Err(Failure::unsupported(Some(Unsupported::Kept(what)))),
                None => Ok(Codec::same(asked)),
            };
        }
        let protocol = &self.upstream.provider.protocol;
        let simulated = matches!(protocol, Protocol::Simulated(_));
        Codec::new(asked, protocol.dialect_of(&self.step.model))
            .filter(|codec| !simulated || codec.sent.is_simulated())
            .map(|codec| {
                if self.upstream.has_publishers() {
                    codec.at_vertex(&self.step.model)
                } else {
                    codec
                }
            })
            .ok_or_else(|| Failure::unsupported(None))
    }

    /// Whether its provider is the one that the conversation comes to first, however it does.
    fn is_home(&self) -> bool {
        let home = self.plan.steps.first().and_then(|step| step.provider);
        home == Some(self.provider)
    }

    /// The body for a provider that speaks otherwise than the caller. Made once for all attempts here, and counted. `ceiling`: the most tokens
    /// that each answer may have, where that has to be said.
    pub(super) async fn content(
        &self,
        codec: Codec,
        ceiling: Option<u64>,
    ) -> Result<Option<Made>, Failure> {
        let (host, amendment) = (self.upstream.host(), self.amendment(codec));
        let makes = codec.makes_body(&self.job.body, &host, &self.step.model);
        if amendment.is_none() && ceiling.is_none() && !makes {
            return Ok(None);
        }
        // Apart, so that what is passed on as it came is not as large as this.
        Box::pin(self.made(codec, host, amendment, ceiling)).await
    }

    /// What is changed in the body, by what is configured.
    fn amendment(&self, codec: Codec) -> Option<Amendment> {
        let parameters = self.step.amendments.as_ref().map(|said| &said.parameters);
        self.upstream
            .amends
            .body(codec.sent, &self.step.model, parameters)
    }

    async fn made(
        &self,
        codec: Codec,
        host: Host,
        amendment: Option<Amendment>,
        ceiling: Option<u64>,
    ) -> Result<Option<Made>, Failure> {
        let job = self.job;
        let model = Arc::clone(&self.step.model);
        let permit = job.memory().permit(codec::room(&job.body));
        let mut permit = permit.map_err(|_| no_room())?;
        let rule = self.plan.rule.as_ref();
        let unsupported = rule.map(|rule| rule.on_unsupported).unwrap_or_default();
        let (body, stream) = (job.body.clone(), job.stream);
        let facts = self.upstream.facts(&model);
        let newer = facts.has(Quirk::MaxCompletionTokens);
        let host = Host {
            max_tokens: host.max_tokens && !facts.has(Quirk::MaxCompletionTokens),
            ..host
        };
        let (edits, asks_usage) = (job.edits.clone(), self.upstream.reports_stream_usage());
        let behind = self.upstream.behind(&model).to_owned();
        let make = move || {
            let wish = Wish {
                model: &model,
                behind: &behind,
                stream,
                host,
                facts,
                unsupported,
            };
            let made = codec.body(&body, &wish)?;
            if amendment.is_none() && ceiling.is_none() {
                return Ok(made);
            }
            let mut made = made.unwrap_or_else(|| {
                Made::of(edits.upstream_body(&body, &model, asks_usage).to_bytes())
            });
            // Both were read before: they are objects.
            if let Some(amendment) = amendment {
                let body = amendment.apply(&made.body);
                made.body = body.map_err(|error| error.to_string())?.into();
            }
            if let Some(tokens) = ceiling
                && let Some(body) = with_ceiling(&made.body, codec.sent, newer, tokens)
            {
                made.body = body;
            }
            Ok(Some(made))
        };
        let beside = &job.worker.shared.beside;
        let made = beside.work(job.asker, job.body.len(), make).await;
        let made = made.map_err(|what| Failure::unsupported(Some(Unsupported::Dialect(what))))?;
        Ok(made.map(|made| {
            permit.shrink_to(made.body.len());
            Made {
                body: permit.keep(made.body),
                ..made
            }
        }))
    }
}

pub(super) fn no_room() -> Failure {
    Failure::without_memory("the gateway has no memory left to say it in the words of the target")
}
