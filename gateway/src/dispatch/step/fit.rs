//! Whether the model of a target can do what is asked: what it is known to lack is not sent to it.

use super::{StepRun, content};
use crate::codec::{Needs, room};
use crate::failure::Failure;

impl StepRun<'_> {
    /// Whether the model can do what is asked, as far as is known. A request is looked through only where the model lacks something.
    ///
    /// # Errors
    /// It is known that it cannot.
    pub(super) async fn fits(&self) -> Result<(), Failure> {
        let job = self.job;
        let Some(format) = job.operation.format() else {
            return Ok(());
        };
        let facts = self.upstream.facts(&self.step.model);
        let lacks = Needs::where_so(|feature| facts.supports(feature).is_no());
        if lacks.is_empty() {
            return Ok(());
        }
        let needs = match job.needs.get() {
            Some(needs) => *needs,
            None => {
                let permit = job.memory().permit(room(&job.body));
                let _permit = permit.map_err(|_| content::no_room())?;
                let body = job.body.clone();
                let look = move || lacks.may_be_in(&body).then(|| Needs::of(&body, format));
                let beside = &job.worker.shared.beside;
                match beside.work(job.asker, job.body.len(), look).await {
                    Some(needs) => *job.needs.get_or_init(|| needs),
                    None => return Ok(()),
                }
            }
        };
        let missing = needs.and(lacks);
        if missing.is_empty() {
            Ok(())
        } else {
            Err(Failure::unsupported(Some(missing.words())))
        }
    }
}
