//! Faults of Bedrock's alone: refused signatures, types in headers, frames that are damaged, failures behind it.

use bytes::Bytes;
use fairlead_wire::event_stream;
use serde_json::json;

use super::{Converse, error, exception};
use crate::dialect::{Means, Speech as _};
use crate::fault::healthy;
use crate::{Fault, Moment, Play, Step};

pub(super) const FAULTS: &[Fault] = &[
    Fault::new(
        "wrong-signature",
        "403 that says by its type that the signature is wrong",
        |_| {
            let message = "The request signature we calculated does not match the signature you provided.";
            Play::json(403, &error("InvalidSignatureException", message))
        },
    )
    .means(Means::BadKey),
    Fault::new(
        "expired-token",
        "403 that says by its type that the token of the session has expired",
        |_| {
            let message = "The security token included in the request is expired";
            Play::json(403, &error("ExpiredTokenException", message))
        },
    )
    .means(Means::BadKey),
    Fault::new(
        "throttled-by-header",
        "429 whose type stands in a header, with an address behind it",
        |_| {
            let kind = "ThrottlingException:http://internal.amazon.com/coral/com.amazon.bedrock/";
            Play::json(429, &json!({"message": "Too many tokens, please wait."}))
                .header("x-amzn-errortype", kind)
        },
    )
    .means(Means::TooMany),
    Fault::new(
        "model-not-ready",
        "429: the model is still being loaded",
        |_| {
            let message = "Model is not ready for inference.";
            Play::json(429, &error("ModelNotReadyException", message))
        },
    ),
    Fault::new(
        "throttled-behind-after-content",
        "a word, then the exception of a model that was throttled",
        |_| {
            let payload = json!({
                "message": "The model failed.", "originalStatusCode": 429, "originalMessage": "Slow down.",
            });
            let step = exception("ModelStreamErrorException", &payload);
            healthy().instead(Moment::Content, [step, Step::End])
        },
    )
    .means(Means::TooMany)
    .late()
    .streams(),
    Fault::new(
        "error-frame-after-content",
        "a word, then a failure of the stream itself",
        |_| {
            let step = Step::Body(event_stream::error("InternalError", "It broke."));
            healthy().instead(Moment::Content, [step, Step::End])
        },
    )
    .means(Means::Failed)
    .late()
    .unnumbered()
    .streams(),
    Fault::new(
        "frame-damaged",
        "a frame before the first word whose checksum is wrong",
        |_| healthy().instead(Moment::Opening, [damaged(), Step::End]),
    )
    .streams(),
    Fault::new(
        "frame-damaged-after-content",
        "a frame after the first word whose checksum is wrong",
        |_| healthy().instead(Moment::Content, [damaged(), Step::End]),
    )
    .streams(),
    Fault::new(
        "frame-half-after-content",
        "a word, then half of a frame and the end of the body",
        |_| {
            let frame = frame();
            let half = Step::Body(frame.slice(..frame.len() / 2));
            healthy().instead(Moment::Content, [half, Step::End])
        },
    )
    .streams(),
];

/// The bytes of a frame that says a word.
fn frame() -> Bytes {
    let step = Converse.event(&Converse.says("word").to_string());
    step.payload().unwrap_or_default()
}

/// One that a bit of was turned over on the way.
fn damaged() -> Step {
    let mut bytes = frame().to_vec();
    if let Some(last) = bytes.last_mut() {
        *last ^= 1;
    }
    Step::Body(bytes.into())
}
