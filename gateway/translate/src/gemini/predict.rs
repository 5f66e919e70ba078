//! Embeddings on Vertex AI, where `batchEmbedContents` is not: `predict` for what was there before Gemini, `embedContent` for one text at a time else
//! (source: the Vertex AI API reference, "Text embeddings API", and Google's own clients, which choose alike).

use fairlead_json::{Limits, Object, Raw};

use super::embed::vector;
use super::members::whole;
use crate::embeddings::{Vectors, Wanted};
use crate::write::Json;
use crate::{Malformed, Notes};

/// Whether a model is asked by `predict`.
#[must_use]
pub fn is_asked(model: &str) -> bool {
    let of_gemini = model.contains("gemini") && model != "gemini-embedding-001";
    !(of_gemini || model.contains("maas"))
}

/// The body of `predict`.
#[must_use]
pub fn write(wanted: &Wanted<'_>) -> Vec<u8> {
    let mut json = Json::with_capacity(256);
    json.object(|json| {
        json.key("instances").array(|json| {
            for text in &wanted.texts {
                json.object(|json| json.key("content").text(text));
            }
        });
        if let Some(dimensions) = wanted.dimensions {
            json.key("parameters")
                .object(|json| json.key("outputDimensionality").number(dimensions));
        }
    });
    json.finish()
}

/// The body of `embedContent`, which makes one vector, whatever is in it; more texts than one are noted.
#[must_use]
pub fn write_one(wanted: &Wanted<'_>, notes: &mut Notes) -> Vec<u8> {
    if wanted.texts.len() > 1 {
        notes.cannot("input (this model takes one text at a time)");
    }
    let mut json = Json::with_capacity(256);
    json.object(|json| {
        json.key("content").object(|json| {
            json.key("parts").array(|json| {
                if let Some(text) = wanted.texts.first() {
                    json.object(|json| json.key("text").text(text));
                }
            });
        });
        if let Some(dimensions) = wanted.dimensions {
            json.key("outputDimensionality").number(dimensions);
        }
    });
    json.finish()
}

/// A provider's answer to `predict`; `None`: it is none. Of each text is told how many tokens it has.
///
/// # Errors
/// It is no JSON object, or holds something else than vectors.
pub fn answer(body: &[u8]) -> Result<Option<Vectors<'_>>, Malformed> {
    let parsed = Object::parse(body, &Limits::default())?;
    let all = parsed.read("predictions").ok().flatten();
    let Some(all) = all.filter(|all| all.count() > 0) else {
        return Ok(None);
    };
    let mut vectors = Vectors::default();
    let mut result = Ok(());
    all.each_element(|prediction| match one(prediction, &mut vectors) {
        Ok(()) => {}
        Err(error) => result = Err(error),
    });
    result.map(|()| Some(vectors))
}

fn one<'a>(prediction: Raw<'a>, vectors: &mut Vectors<'a>) -> Result<(), Malformed> {
    let embedding = prediction.member("embeddings").ok().flatten();
    let embedding = embedding.ok_or(Malformed::Shape("a prediction has no embeddings"))?;
    vectors.all.push(vector(embedding)?);
    let statistics = embedding.member("statistics").ok().flatten();
    let tokens = statistics.and_then(|told| told.member("token_count").ok().flatten());
    if let Some(tokens) = tokens.and_then(whole) {
        let before = vectors.input_tokens.unwrap_or(0);
        vectors.input_tokens = Some(before.saturating_add(tokens));
    }
    Ok(())
}
