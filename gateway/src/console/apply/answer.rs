//! What the API server has said to a rule, and in which words it is told.

use fairlead_console::Trouble;
use fairlead_console::view::apply::Applied;
use fairlead_snapshot::ObjectName;
use http::StatusCode;
use http::response::Parts;
use kube::core::Status;
use serde_json::Value;

use crate::console::objects::owner::tool;

/// So many warnings and causes are told.
const MOST: usize = 8;

/// An answer.
#[derive(Debug)]
pub(super) struct Answer {
    status: StatusCode,
    /// The object as it is now, or a `Status` that says why not.
    body: Value,
    warnings: Vec<String>,
}

/// A rule that was written, or would have been.
#[derive(Debug)]
pub(super) struct Wrote {
    pub(super) object: Value,
    /// Whether it was not there before.
    pub(super) created: bool,
    warnings: Vec<String>,
}

impl Answer {
    /// The answer in these.
    #[must_use]
    pub(super) fn read(head: &Parts, body: &[u8]) -> Self {
        let all = head.headers.get_all("warning").iter();
        let texts = all.filter_map(|value| Some(warning(value.to_str().ok()?)));
        Self {
            status: head.status,
            body: serde_json::from_slice(body).unwrap_or_default(),
            warnings: texts.take(MOST).collect(),
        }
    }

    /// The rule; or why it was not taken, in the API server's own words.
    pub(super) fn wrote(self) -> Result<Wrote, Trouble> {
        if self.status.is_success() {
            return Ok(Wrote {
                created: self.status == StatusCode::CREATED,
                object: self.body,
                warnings: self.warnings,
            });
        }
        let status: Status = serde_json::from_value(self.body).unwrap_or_default();
        let said = if status.message.is_empty() {
            self.status.to_string()
        } else {
            status.message.clone()
        };
        Err(match self.status {
            StatusCode::UNAUTHORIZED => Trouble::Forbidden(
                "the API server does not take your token any more; sign out, and in again"
                    .to_owned(),
            ),
            StatusCode::FORBIDDEN => Trouble::Forbidden(format!(
                "the API server refuses it, and nothing was written: {said}"
            )),
            StatusCode::CONFLICT => Trouble::Conflict(conflict(&status, &said)),
            StatusCode::NOT_FOUND => {
                Trouble::NotFound(format!("the API server finds no place for it: {said}"))
            }
            StatusCode::BAD_REQUEST | StatusCode::UNPROCESSABLE_ENTITY => {
                Trouble::Bad(format!("the API server does not take it: {said}"))
            }
            _ => Trouble::Unavailable(format!("the API server does not do it just now: {said}")),
        })
    }
}

impl Wrote {
    /// In words. `before`: the generation that was there; 0: there was none.
    #[must_use]
    pub(super) fn told(self, name: &ObjectName, before: i64, dry_run: bool) -> Applied {
        let generation = self.object["metadata"]["generation"]
            .as_i64()
            .unwrap_or_default();
        let same = !self.created && generation == before;
        let words = match (dry_run, self.created, same) {
            (true, true, _) => "The API server would take it: it would be made.".to_owned(),
            (true, false, true) => "The API server would take it: nothing would change.".to_owned(),
            (true, false, false) => {
                format!("The API server would take it, as generation {generation}.")
            }
            (false, _, true) => format!("Nothing has changed: generation {generation}."),
            (false, ..) => {
                format!("Written as generation {generation}; gateways do not have it yet.")
            }
        };
        let warned = self
            .warnings
            .iter()
            .map(|warning| format!(" It warns: {warning}"));
        Applied {
            name: name.to_string(),
            created: self.created,
            dry_run,
            generation,
            words: words + &warned.collect::<String>(),
            warnings: self.warnings,
            waits: !dry_run,
        }
    }
}

/// The text of a warning, which is `299 - "TEXT"`.
fn warning(header: &str) -> String {
    let text = header.split_once('"').map(|(_, text)| text);
    let text = text.and_then(|text| text.strip_suffix('"'));
    text.unwrap_or(header).replace("\\\"", "\"")
}

/// Whose the fields are that would have been written.
fn conflict(status: &Status, said: &str) -> String {
    let causes = status.details.iter().flat_map(|details| &details.causes);
    let fields = causes.filter(|cause| cause.reason == "FieldManagerConflict");
    let each = fields.take(MOST).map(|cause| {
        let manager = cause.message.split('"').nth(1).unwrap_or_default();
        format!(
            "{} is {}",
            cause.field.trim_start_matches('.'),
            whose(manager)
        )
    });
    let each: Vec<_> = each.collect();
    if each.is_empty() {
        return format!("the API server does not take it, and nothing was written: {said}");
    }
    format!(
        "nothing was written, for {}: change it there, with this YAML",
        each.join(", ")
    )
}

/// Whose a field is by the name of its manager.
#[must_use]
pub(super) fn whose(manager: &str) -> String {
    match tool(manager) {
        Some(tool) => format!("{tool}'s ({manager})"),
        None => format!("{manager:?}'s"),
    }
}
