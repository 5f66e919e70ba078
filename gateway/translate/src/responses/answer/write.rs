//! An answer as a caller of Responses gets it.

use super::super::Echo;
use super::super::output::{Head, Outcome, Output, Status, response};
use crate::Answer;
use crate::write::Json;

/// The answer as a caller of Responses gets it, tools under the names the provider was told.
#[must_use]
pub fn write(answer: &Answer<'_>, head: &crate::Head<'_>) -> Vec<u8> {
    with_tools(answer, head, &Echo::default())
}

/// The answer as a caller of Responses gets it, tools under the caller's own names. Of several choices it is the first: Responses has one.
#[must_use]
pub fn with_tools(answer: &Answer<'_>, head: &crate::Head<'_>, names: &Echo) -> Vec<u8> {
    let mut head = Head::new(head, names);
    head.adopt(answer.id.as_ref(), answer.model.as_ref());
    let (mut output, mut outcome) = (Output::default(), Outcome::Completed);
    if let Some(choice) = answer.choices.first() {
        output.blocks(&choice.blocks);
        if let Some(logprobs) = choice.logprobs.as_ref().and_then(crate::Value::raw) {
            output.logprobs(logprobs);
        }
        if let Some(stop) = &choice.stop {
            output.finish(stop);
        }
        outcome = Outcome::of(choice.stop.as_ref());
    }
    let mut items = Json::with_capacity(1024);
    while let Some(mut item) = output.pop() {
        item.complete();
        // What stands last is what was cut off.
        let status = if output.len() == 0 {
            outcome
        } else {
            Outcome::Completed
        };
        head.item(&mut items, &item, output.index() - 1, Status::Ended(status));
    }
    let items = String::from_utf8(items.finish()).unwrap_or_default();
    let mut json = Json::with_capacity(items.len() + 768);
    response(
        &mut json,
        &head,
        Status::Ended(outcome),
        &items,
        answer.usage.as_ref(),
    );
    json.finish()
}
