//! Whether the model of a target can do what is asked: what it is known to lack is not sent to it.

use std::sync::Arc;

use super::{StepRun, content};
use crate::codec::{Needs, room};
use crate::failure::{Failure, Unsupported};
use crate::surface::Format;

impl StepRun<'_> {
    /// Whether the model can do what is asked, as far as is known. A request is looked through only where the model lacks something.
    ///
    /// # Errors
    /// It is known that it cannot.
    pub(super) async fn fits(&self) -> Result<(), Failure> {
        let Some(format) = self.job.operation.format() else {
            return Ok(());
        };
        let facts = self.upstream.facts(&self.step.model);
        let lacks = Needs::where_so(|feature| facts.supports(feature).is_no());
        if lacks.is_empty() {
            return Ok(());
        }
        // Apart, so that who lacks nothing is not as large as this.
        let missing = Box::pin(self.needs(format, lacks)).await?.and(lacks);
        if missing.is_empty() {
            Ok(())
        } else {
            Err(Failure::unsupported(Some(Unsupported::Model {
                model: Arc::clone(&self.step.requested),
                provider: Arc::clone(&self.upstream.label),
                lacks: missing.to_string(),
            })))
        }
    }

    /// What the request needs, of what is lacking at least.
    async fn needs(&self, format: Format, lacks: Needs) -> Result<Needs, Failure> {
        let job = self.job;
        if let Some(needs) = job.needs.get() {
            return Ok(needs);
        }
        let permit = job.memory().permit(room(&job.body));
        let _permit = permit.map_err(|_| content::no_room())?;
        let body = job.body.clone();
        let look = move || lacks.may_be_in(&body).then(|| Needs::of(&body, format));
        let beside = &job.worker.shared.beside;
        let found = beside.work(job.asker, job.body.len(), look).await;
        if let Some(needs) = found {
            job.needs.set(needs);
        }
        Ok(found.unwrap_or_default())
    }
}
