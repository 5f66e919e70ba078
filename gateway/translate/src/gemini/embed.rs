//! `embedContent` and `batchEmbedContents` (source: the Gemini API reference). Neither tells what was used, but for newer models' `usageMetadata`.

use fairlead_json::{Kind, Limits, Object, Raw};

use super::members::{Wrong, each_element, each_member, list, object, text, whole};
use crate::embeddings::openai::UNEVEN;
use crate::embeddings::{Form, Vector, Vectors, Wanted};
use crate::write::Json;
use crate::{Malformed, Notes, RequestError, Text};

/// A caller's body; `batch`: of `batchEmbedContents`. What has no meaning elsewhere is noted, such as what a vector is for (`taskType`).
///
/// # Errors
/// It is no JSON object, or a member is of the wrong kind.
pub fn read<'a>(
    body: &'a [u8],
    batch: bool,
    notes: &mut Notes,
) -> Result<Wanted<'a>, RequestError> {
    Object::parse(body, &Limits::default())?;
    let body = std::str::from_utf8(body).unwrap_or_default();
    let body = Raw::parse(body, &Limits::default())?;
    let mut wanted = Wanted::default();
    let mut requests = Requests::default();
    let read = if batch {
        each_member(body, |name, value| {
            if name != "requests" {
                notes.cannot(name.to_owned());
                return Ok(());
            }
            each_element(list(name, value)?, |at, request| {
                let place = format!("requests[{at}]");
                let request = object(&place, request)?;
                requests
                    .read(request, &mut wanted, notes)
                    .map_err(|wrong| wrong.below(&place))
            })
        })
    } else {
        requests.read(body, &mut wanted, notes)
    };
    read.map_err(|wrong| RequestError::Wrong {
        at: wrong.member,
        expected: wrong.expected,
    })?;
    if wanted.texts.is_empty() && notes.essential().next().is_none() {
        let (at, expected) = if batch {
            ("requests", "a list with a content in each of its requests")
        } else {
            ("content", "a content with a text")
        };
        return Err(RequestError::Wrong {
            at: at.to_owned(),
            expected,
        });
    }
    wanted.form.count = wanted.texts.len();
    Ok(wanted)
}

/// What is known of the requests of a batch: those of OpenAI have all the same length.
#[derive(Default)]
struct Requests {
    first: Option<Option<u64>>,
}

impl Requests {
    fn read<'a>(
        &mut self,
        request: Raw<'a>,
        wanted: &mut Wanted<'a>,
        notes: &mut Notes,
    ) -> Result<(), Wrong> {
        let mut dimensions = None;
        each_member(request, |name, value| {
            match name {
                // The path has named it.
                "model" => {}
                "content" => content(value, wanted, notes).map_err(|wrong| wrong.below(name))?,
                "outputDimensionality" => {
                    let count = whole(value).filter(|count| *count > 0);
                    dimensions = Some(count.ok_or_else(|| Wrong::new(name, "a whole number"))?);
                }
                other => notes.cannot(other.to_owned()),
            }
            Ok(())
        })?;
        match self.first {
            None => {
                self.first = Some(dimensions);
                wanted.dimensions = dimensions;
            }
            Some(first) if first == dimensions => {}
            Some(_) => notes.cannot("outputDimensionality (a different one in each request)"),
        }
        Ok(())
    }
}

/// One content is one vector: of several parts nobody says how their texts are joined.
fn content<'a>(content: Raw<'a>, wanted: &mut Wanted<'a>, notes: &mut Notes) -> Result<(), Wrong> {
    let mut said: Option<Text<'a>> = None;
    each_member(content, |name, value| {
        if name != "parts" {
            return Ok(());
        }
        // A single part may stand there by itself.
        if value.kind() == Kind::Object {
            return part(value, &mut said, notes);
        }
        each_element(list(name, value)?, |_, value| part(value, &mut said, notes))
    })?;
    wanted.texts.extend(said);
    Ok(())
}

fn part<'a>(part: Raw<'a>, said: &mut Option<Text<'a>>, notes: &mut Notes) -> Result<(), Wrong> {
    each_member(part, |name, value| {
        match name {
            "text" if said.is_some() => notes.cannot("content.parts (more than one text)"),
            "text" => *said = Some(text(name, value)?),
            other => notes.cannot(format!("content.parts ({other})")),
        }
        Ok(())
    })
}

/// The body of `batchEmbedContents` for a provider.
#[must_use]
pub fn write(wanted: &Wanted<'_>, model: &str) -> Vec<u8> {
    let mut json = Json::with_capacity(256);
    json.object(|json| {
        json.key("requests").array(|json| {
            for text in &wanted.texts {
                json.object(|json| {
                    json.key("model").str(&format!("models/{model}"));
                    json.key("content").object(|json| {
                        json.key("parts")
                            .array(|json| json.object(|json| json.key("text").text(text)));
                    });
                    if let Some(dimensions) = wanted.dimensions {
                        json.key("outputDimensionality").number(dimensions);
                    }
                });
            }
        });
    });
    json.finish()
}

/// A provider's answer; `None`: it is none. `batch`: of `batchEmbedContents`.
///
/// # Errors
/// It is no JSON object, or holds something else than vectors.
pub fn answer(body: &[u8], batch: bool) -> Result<Option<Vectors<'_>>, Malformed> {
    let parsed = Object::parse(body, &Limits::default())?;
    let member = |name| parsed.read(name).ok().flatten();
    let mut vectors = Vectors::default();
    let mut result = Ok(());
    if batch {
        let Some(all) = member("embeddings").filter(|all| all.count() > 0) else {
            return Ok(None);
        };
        all.each_element(|embedding| match vector(embedding) {
            Ok(vector) => vectors.all.push(vector),
            Err(error) => result = Err(error),
        });
    } else {
        let Some(one) = member("embedding").filter(|one| one.kind() == Kind::Object) else {
            return Ok(None);
        };
        vectors.all.push(vector(one)?);
    }
    result?;
    let usage = member("usageMetadata").and_then(|usage| usage.member("promptTokenCount").ok()?);
    vectors.input_tokens = usage.and_then(whole);
    Ok(Some(vectors))
}

pub(super) fn vector(embedding: Raw<'_>) -> Result<Vector<'_>, Malformed> {
    let values = embedding.member("values").ok().flatten();
    let values = values.ok_or(Malformed::Shape("an embedding has no values"));
    values.and_then(Vector::of)
}

/// The same, which must have as many vectors as were asked for.
///
/// # Errors
/// It has not.
pub fn counted(vectors: Vectors<'_>, form: Form) -> Result<Vectors<'_>, Malformed> {
    if vectors.all.len() == form.count {
        Ok(vectors)
    } else {
        Err(UNEVEN)
    }
}

/// An answer for a caller; `batch`: of `batchEmbedContents`.
///
/// # Errors
/// What came is no vector.
pub fn write_answer(vectors: &Vectors<'_>, batch: bool) -> Result<Vec<u8>, Malformed> {
    let mut json = Json::with_capacity(1024);
    let mut result = Ok(());
    let mut one = |json: &mut Json, vector: &Vector<'_>| {
        json.object(|json| {
            let written = vector.numbers(json.key("values"));
            if result.is_ok() {
                result = written;
            }
        });
    };
    json.object(|json| {
        if batch {
            json.key("embeddings").array(|json| {
                for vector in &vectors.all {
                    one(json, vector);
                }
            });
        } else if let Some(vector) = vectors.all.first() {
            one(json.key("embedding"), vector);
        }
        if let Some(tokens) = vectors.input_tokens {
            json.key("usageMetadata")
                .object(|json| json.key("promptTokenCount").number(tokens));
        }
    });
    result.map(|()| json.finish())
}
