//! What a target is asked, in its words.

use std::sync::Arc;

use super::StepRun;
use crate::codec::{self, Codec, Made, Wish};
use crate::failure::Failure;

impl StepRun<'_> {
    /// What the provider is asked for.
    pub(super) fn codec(&self) -> Result<Codec, Failure> {
        let dialect = self.upstream.provider.protocol.dialect_of(&self.step.model);
        Codec::new(self.job.operation, dialect).ok_or_else(|| Failure::unsupported(None))
    }

    /// The body for a provider that speaks otherwise than the caller. Made once for all attempts here, and counted.
    pub(super) async fn content(&self, codec: Codec) -> Result<Option<Made>, Failure> {
        let job = self.job;
        let (host, model) = (self.upstream.host(), Arc::clone(&self.step.model));
        let parameters = self.step.amendments.as_ref().map(|said| &said.parameters);
        let amendment = self.upstream.amends.body(codec.sent, parameters);
        if amendment.is_none() && !codec.makes_body(&job.body, &host, &model) {
            return Ok(None);
        }
        let permit = job.memory().permit(codec::room(&job.body));
        let mut permit = permit.map_err(|_| no_room())?;
        let rule = self.plan.rule.as_ref();
        let unsupported = rule.map(|rule| rule.on_unsupported).unwrap_or_default();
        let (body, stream) = (job.body.clone(), job.stream);
        let (edits, asks_usage) = (job.edits.clone(), self.upstream.reports_stream_usage());
        let make = move || {
            let wish = Wish {
                model: &model,
                stream,
                host,
                unsupported,
            };
            let made = codec.body(&body, &wish)?;
            let Some(amendment) = amendment else {
                return Ok(made);
            };
            let made = made.unwrap_or_else(|| Made {
                body: edits.upstream_body(&body, &model, asks_usage).to_bytes(),
                dropped: None,
                echo: Arc::default(),
                names: Arc::default(),
                estimated_input: 0,
            });
            // Both were read before: they are objects.
            let body = amendment
                .apply(&made.body)
                .map_err(|error| error.to_string())?;
            Ok(Some(Made {
                body: body.into(),
                ..made
            }))
        };
        let beside = &job.worker.shared.beside;
        let made = beside.work(job.asker, job.body.len(), make).await;
        let made = made.map_err(|what| Failure::unsupported(Some(what)))?;
        Ok(made.map(|made| {
            permit.shrink_to(made.body.len());
            Made {
                body: permit.keep(made.body),
                ..made
            }
        }))
    }
}

fn no_room() -> Failure {
    Failure::without_memory("the gateway has no memory left to say it in the words of the target")
}
