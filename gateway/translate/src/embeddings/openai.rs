//! `POST /v1/embeddings` (source: the OpenAI API reference).

use fairlead_json::{Kind, Limits, Object, Raw};

use super::{Coding, Form, Vector, Vectors, Wanted};
use crate::write::Json;
use crate::{Malformed, Notes, RequestError, Text};

/// A caller's body. What has no meaning elsewhere is noted: `user` is advice, anything else is not; nor are texts that are given as tokens.
///
/// # Errors
/// It is no JSON object, or a member is of the wrong kind.
pub fn read<'a>(body: &'a [u8], notes: &mut Notes) -> Result<Wanted<'a>, RequestError> {
    let object = Object::parse(body, &Limits::default())?;
    let mut wanted = Wanted::default();
    for member in object.members() {
        let value = object.read(&member.key);
        let value = value.map_err(|_| wrong(&member.key, "given once, in lower case"))?;
        let Some(value) = value.filter(|value| value.kind() != Kind::Null) else {
            continue;
        };
        match &*member.key {
            "model" => {}
            "input" => read_input(value, &mut wanted, notes)?,
            "dimensions" => {
                let number = value.text().parse().ok().filter(|count| *count > 0);
                wanted.dimensions = Some(
                    number.ok_or_else(|| wrong("dimensions", "a whole number of at least 1"))?,
                );
            }
            "encoding_format" => {
                let named = value.string().ok();
                let coding = named.and_then(|name| Coding::named(&name));
                wanted.form.coding =
                    coding.ok_or_else(|| wrong("encoding_format", "float or base64"))?;
            }
            "user" => notes.drops("user"),
            other => notes.cannot(other.to_owned()),
        }
    }
    if object.get("input").is_none() {
        return Err(wrong("input", "a string or a list of strings"));
    }
    wanted.form.count = wanted.texts.len();
    Ok(wanted)
}

fn read_input<'a>(
    input: Raw<'a>,
    wanted: &mut Wanted<'a>,
    notes: &mut Notes,
) -> Result<(), RequestError> {
    let mut other = false;
    match input.kind() {
        Kind::String => wanted.texts.extend(Text::of(input)),
        Kind::Array => input.each_element(|text| match text.kind() {
            Kind::String => wanted.texts.extend(Text::of(text)),
            Kind::Number | Kind::Array => notes.cannot("input (tokens)"),
            Kind::Object | Kind::Bool(_) | Kind::Null => other = true,
        }),
        Kind::Object | Kind::Number | Kind::Bool(_) | Kind::Null => other = true,
    }
    let nothing = input.kind() == Kind::Array && input.count() == 0;
    if other || nothing {
        return Err(wrong("input", "a string or a list of strings"));
    }
    Ok(())
}

/// The body for a provider.
#[must_use]
pub fn write(wanted: &Wanted<'_>, model: &str) -> Vec<u8> {
    let mut json = Json::with_capacity(256);
    json.object(|json| {
        json.key("model").str(model);
        json.key("input").array(|json| {
            for text in &wanted.texts {
                json.text(text);
            }
        });
        json.key("encoding_format").str("float");
        if let Some(dimensions) = wanted.dimensions {
            json.key("dimensions").number(dimensions);
        }
    });
    json.finish()
}

/// A provider's answer, of which is known that it is one.
///
/// # Errors
/// It has not a vector for each text.
pub fn answer<'a>(body: &'a [u8], form: Form) -> Result<Vectors<'a>, Malformed> {
    let object = Object::parse(body, &Limits::default())?;
    let mut found: Vec<Option<Vector<'a>>> = vec![None; form.count];
    let mut at = 0;
    let mut result = Ok(());
    let data = object.read("data").ok().flatten();
    let data = data.ok_or(Malformed::Shape("an answer has no embeddings"))?;
    data.each_element(|element| {
        let (mut index, mut vector) = (at, None);
        element.each_member(|name, value| match &*name {
            "index" => index = value.text().parse().unwrap_or(usize::MAX),
            "embedding" => vector = Some(value),
            _ => {}
        });
        at += 1;
        let vector = vector.ok_or(Malformed::Shape("an embedding is missing"));
        match (vector.and_then(Vector::of), found.get_mut(index)) {
            (Ok(vector), Some(place)) => *place = Some(vector),
            (Ok(_), None) => result = Err(UNEVEN),
            (Err(error), _) => result = Err(error),
        }
    });
    result?;
    let all: Option<Vec<_>> = found.into_iter().collect();
    let usage = fairlead_wire::openai::reported_usage(body);
    Ok(Vectors {
        all: all.ok_or(UNEVEN)?,
        input_tokens: usage.and_then(|usage| usage.input_tokens),
    })
}

/// Not as many vectors as texts.
pub(crate) const UNEVEN: Malformed =
    Malformed::Shape("an answer has not one embedding for each text");

/// An answer for a caller. Its clients read the usage without asking whether it is there: what is not known is told as 0.
///
/// # Errors
/// What came is no vector.
pub fn write_answer(vectors: &Vectors<'_>, model: &str, form: Form) -> Result<Vec<u8>, Malformed> {
    let mut json = Json::with_capacity(1024);
    let mut result = Ok(());
    json.object(|json| {
        json.key("object").str("list");
        json.key("data").array(|json| {
            for (index, vector) in (0..).zip(&vectors.all) {
                json.object(|json| {
                    json.key("object").str("embedding");
                    json.key("index").number(index);
                    let written = vector.write(form.coding, json.key("embedding"));
                    if result.is_ok() {
                        result = written;
                    }
                });
            }
        });
        json.key("model").str(model);
        json.key("usage").object(|json| {
            let tokens = vectors.input_tokens.unwrap_or(0);
            json.key("prompt_tokens").number(tokens);
            json.key("total_tokens").number(tokens);
        });
    });
    result.map(|()| json.finish())
}

fn wrong(at: &str, expected: &'static str) -> RequestError {
    RequestError::Wrong {
        at: at.to_owned(),
        expected,
    }
}
