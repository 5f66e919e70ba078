//! An entry as a store keeps it beside the columns it is found by: JSON without what stands in columns and without what is as it always is.
//!
//! What later versions add to an entry needs no other table: it is in here, and what is missing is as if nobody had said it.

use fairlead_json::{ObjectWriter, write_text};
use serde::Serialize;

use crate::{Attempt, Cost, Entry, Judgement, Limit, Mirror, Tag, Tokens, Trace, hex};

/// The detail of an entry. Every request is written so: straight into the text, and no tree of values is made of it before.
#[must_use]
pub(crate) fn of(entry: &Entry) -> String {
    let mut text = Vec::with_capacity(1024);
    entry.write(&mut text);
    // Its members are JSON and JSON is UTF-8.
    String::from_utf8(text).unwrap_or_default()
}

/// What is an object in a detail.
trait Part {
    fn write(&self, out: &mut Vec<u8>);
}

/// An object that is being written. What is as it always is has no member; members stand in the order of their names.
struct Object<'a>(ObjectWriter<'a>);

impl<'a> Object<'a> {
    fn begin(out: &'a mut Vec<u8>) -> Self {
        Self(ObjectWriter::begin(out))
    }

    /// A number, or whether something is so.
    fn plain<T: Serialize + Default + PartialEq + Copy>(&mut self, name: &'static str, value: T) {
        if value != T::default() {
            self.plain_if(name, Some(value));
        }
    }

    fn plain_if<T: Serialize>(&mut self, name: &'static str, value: Option<T>) {
        if let Some(value) = value {
            // Writing plain values to memory does not fail.
            let _ = serde_json::to_writer(self.0.member(name), &value);
        }
    }

    fn text(&mut self, name: &'static str, value: &str) {
        if !value.is_empty() {
            self.text_if(name, Some(value));
        }
    }

    fn text_if(&mut self, name: &'static str, value: Option<&str>) {
        if let Some(value) = value {
            put_text(self.0.member(name), value);
        }
    }

    fn texts<T: AsRef<str>>(&mut self, name: &'static str, values: &[T]) {
        let text = |out: &mut Vec<u8>, value: &T| put_text(out, value.as_ref());
        self.0.array_if_any(name, values, text);
    }

    fn part_if(&mut self, name: &'static str, part: Option<&impl Part>) {
        if let Some(part) = part {
            part.write(self.0.member(name));
        }
    }

    fn parts<T: Part>(&mut self, name: &'static str, parts: &[T]) {
        self.0
            .array_if_any(name, parts, |out, part| part.write(out));
    }
}

/// PostgreSQL keeps no text with a zero in it; what callers and providers say may have one.
fn put_text(out: &mut Vec<u8>, text: &str) {
    match without_zeros(text) {
        Some(cleaned) => write_text(out, &cleaned),
        None => write_text(out, text),
    }
}

impl Part for Entry {
    #[expect(
        clippy::too_many_lines,
        reason = "a line for each field, so that none is forgotten"
    )]
    fn write(&self, out: &mut Vec<u8>) {
        let Self {
            attempts,
            budget,
            chosen_by,
            complete,
            configured,
            constraints,
            cost,
            finish_reason,
            first_content_us,
            generation,
            judgement,
            limit,
            method,
            mirror,
            operation,
            request_bytes,
            response_bytes,
            route,
            stream,
            surface,
            tags,
            through,
            tokens,
            trace,
            user_agent,
            // What stands in columns of its own.
            id: _,
            started_unix_us: _,
            duration_us: _,
            status: _,
            key: _,
            team: _,
            model: _,
            rule: _,
            error: _,
        } = self;
        let mut object = Object::begin(out);
        object.parts("attempts", attempts);
        object.text_if("budget", budget.as_deref());
        object.text_if("chosen_by", chosen_by.as_deref());
        object.plain("complete", *complete);
        object.plain("configured", *configured);
        object.texts("constraints", constraints);
        object.part_if("cost", cost.as_ref());
        object.text_if("finish_reason", finish_reason.as_deref());
        object.plain_if("first_content_us", *first_content_us);
        object.plain("generation", *generation);
        object.part_if("judgement", judgement.as_ref());
        object.part_if("limit", limit.as_ref());
        object.text_if("method", method.as_deref());
        object.part_if("mirror", mirror.as_ref());
        object.text_if("operation", operation.as_deref());
        object.plain("request_bytes", *request_bytes);
        object.plain("response_bytes", *response_bytes);
        object.text_if("route", route.as_deref());
        object.plain("stream", *stream);
        object.text("surface", surface);
        object.parts("tags", tags);
        object.texts("through", through);
        object.part_if("tokens", tokens.as_ref());
        object.part_if("trace", trace.as_ref());
        object.text_if("user_agent", user_agent.as_deref());
    }
}

impl Part for Attempt {
    fn write(&self, out: &mut Vec<u8>) {
        let Self {
            address,
            clamped,
            cost,
            credential,
            dropped,
            ended_us,
            first_content_us,
            hedge,
            model,
            outcome,
            provider,
            queued_us,
            resend,
            response_id,
            response_model,
            sent,
            server,
            span,
            started_us,
            status,
            system,
            target,
            tokens,
            took_us,
        } = self;
        let mut object = Object::begin(out);
        object.text_if("address", address.as_deref());
        object.plain_if("clamped", *clamped);
        object.part_if("cost", cost.as_ref());
        object.text_if("credential", credential.as_deref());
        object.text_if("dropped", dropped.as_deref());
        object.plain("ended_us", *ended_us);
        object.plain_if("first_content_us", *first_content_us);
        object.plain("hedge", *hedge);
        object.text("model", model);
        object.text("outcome", outcome);
        object.text_if("provider", provider.as_deref());
        object.plain("queued_us", *queued_us);
        object.plain("resend", *resend);
        object.text_if("response_id", response_id.as_deref());
        object.text_if("response_model", response_model.as_deref());
        object.plain("sent", *sent);
        object.text_if("server", server.as_deref());
        object.text_if("span", span.map(|span| hex::text(&span)).as_deref());
        object.plain("started_us", *started_us);
        object.plain_if("status", *status);
        object.text_if("system", system.as_deref());
        object.text("target", target);
        object.part_if("tokens", tokens.as_ref());
        object.plain("took_us", *took_us);
    }
}

impl Part for Cost {
    fn write(&self, out: &mut Vec<u8>) {
        let Self { estimated, nanos } = self;
        let mut object = Object::begin(out);
        object.plain("estimated", *estimated);
        object.plain("nanos", *nanos);
    }
}

impl Part for Judgement {
    fn write(&self, out: &mut Vec<u8>) {
        let Self {
            reason,
            score,
            share,
            state,
        } = self;
        let mut object = Object::begin(out);
        object.text("reason", reason);
        object.plain("score", *score);
        object.plain("share", *share);
        object.text("state", state);
    }
}

impl Part for Limit {
    fn write(&self, out: &mut Vec<u8>) {
        let Self {
            kind,
            level,
            name,
            used_up,
        } = self;
        let mut object = Object::begin(out);
        object.text("kind", kind);
        object.text("level", level);
        object.text("name", name);
        object.plain("used_up", *used_up);
    }
}

impl Part for Mirror {
    fn write(&self, out: &mut Vec<u8>) {
        let Self {
            charged,
            cost,
            duration_us,
            first_content_us,
            name,
            of,
            outcome,
            rule,
            tokens,
        } = self;
        let mut object = Object::begin(out);
        object.plain("charged", *charged);
        object.part_if("cost", cost.as_ref());
        object.plain("duration_us", *duration_us);
        object.plain_if("first_content_us", *first_content_us);
        object.text("name", name);
        object.plain("of", *of);
        object.text("outcome", outcome);
        object.text("rule", rule);
        object.part_if("tokens", tokens.as_ref());
    }
}

impl Part for Tag {
    fn write(&self, out: &mut Vec<u8>) {
        let Self { name, value } = self;
        let mut object = Object::begin(out);
        object.text("name", name);
        object.text("value", value);
    }
}

impl Part for Tokens {
    fn write(&self, out: &mut Vec<u8>) {
        let Self {
            cache_read,
            cache_write,
            estimated,
            input,
            output,
            reasoning,
        } = self;
        let mut object = Object::begin(out);
        object.plain_if("cache_read", *cache_read);
        object.plain_if("cache_write", *cache_write);
        object.plain("estimated", *estimated);
        object.plain_if("input", *input);
        object.plain_if("output", *output);
        object.plain_if("reasoning", *reasoning);
    }
}

impl Part for Trace {
    fn write(&self, out: &mut Vec<u8>) {
        let Self {
            id,
            parent,
            sampled,
            sampled_by,
            span,
        } = self;
        let digits = |bytes: &[u8]| {
            bytes
                .iter()
                .any(|byte| *byte != 0)
                .then(|| hex::text(bytes))
        };
        let mut object = Object::begin(out);
        object.text_if("id", digits(id).as_deref());
        object.text_if("parent", parent.map(|parent| hex::text(&parent)).as_deref());
        object.plain("sampled", *sampled);
        object.text_if("sampled_by", sampled_by.as_deref());
        object.text_if("span", digits(span).as_deref());
    }
}

/// The text without zeros; `None`: it has none.
pub(crate) fn without_zeros(text: &str) -> Option<String> {
    text.as_bytes()
        .contains(&0)
        .then(|| text.replace('\0', "\u{fffd}"))
}

/// The entry of a detail; its columns are still to be filled in.
///
/// # Errors
/// The text is none that was made here.
pub(crate) fn read(text: &str) -> serde_json::Result<Entry> {
    serde_json::from_str(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample;

    fn columns(mut read: Entry, entry: &Entry) -> Entry {
        read.id = entry.id;
        read.started_unix_us = entry.started_unix_us;
        read.duration_us = entry.duration_us;
        read.status = entry.status;
        read.key.clone_from(&entry.key);
        read.team.clone_from(&entry.team);
        read.model.clone_from(&entry.model);
        read.rule.clone_from(&entry.rule);
        read.error.clone_from(&entry.error);
        read
    }

    #[test]
    fn an_entry_comes_back_as_it_was() {
        for seed in 0..500 {
            let entry = sample::entry(seed);
            let text = of(&entry);
            assert_eq!(columns(read(&text).unwrap(), &entry), entry, "{text}");
        }
    }

    #[test]
    fn none_and_nothing_are_told_apart() {
        let mut entry = Entry {
            tokens: Some(Tokens {
                output: Some(0),
                ..Tokens::default()
            }),
            cost: Some(Cost::default()),
            ..Entry::default()
        };
        entry.attempts = vec![Attempt::default()];
        entry.limit = Some(Limit::default());
        let text = of(&entry);
        assert_eq!(
            text,
            r#"{"attempts":[{}],"cost":{},"limit":{},"tokens":{"output":0}}"#
        );
        assert_eq!(read(&text).unwrap(), entry);
    }

    #[test]
    fn zeros_in_texts_are_shown_as_what_cannot_be_shown() {
        let entry = Entry {
            user_agent: Some("a\0b".into()),
            ..Entry::default()
        };
        assert_eq!(of(&entry), "{\"user_agent\":\"a\u{fffd}b\"}");
    }

    #[test]
    fn a_usual_request_is_kept_in_few_bytes() {
        let size = of(&sample::usual()).len();
        assert!(size < 800, "{size} bytes");
    }
}
