//! One event of a stream of images, speech or transcription (source: the OpenAI API reference): its `type` says what it is.

use super::{Chunk, ErrorFacts, Malformed, Payload, Usage, error};
use crate::json::{Limits, Scanner};

/// What ends the type of an event that is the end of the answer.
const LAST: [&str; 2] = [".completed", "speech.audio.done"];
/// The same of transcriptions, where a segment may be done before the whole.
const LAST_OF_TEXT: &str = "transcript.text.done";
/// What ends the type of an event with a part of the answer.
const PARTS: [&str; 3] = [".delta", ".partial_image", ".segment"];

/// Reads the data of one event, and checks that all of it is well-formed. The event that is the end of an answer is a finished choice.
///
/// # Errors
/// It is neither `[DONE]` nor a well-formed object of at most 128 levels.
pub fn media_payload(data: &[u8]) -> Result<Payload, Malformed> {
    if data.trim_ascii() == b"[DONE]" {
        return Ok(Payload::Done);
    }
    let mut chunk = Chunk::default();
    let (mut failed, mut has_kind) = (false, false);
    let (mut is_sound, mut is_picture) = (false, false);
    let mut scanner = Scanner::over(data, &Limits::default())?;
    scanner.object(|scanner, key| {
        match &*key.name() {
            "type" => {
                let kind = scanner.words()?;
                let kind = kind.as_deref().unwrap_or_default();
                has_kind = true;
                failed |= kind == "error";
                is_sound = kind.starts_with("speech.");
                is_picture = kind.starts_with("image_");
                let is_last = kind == LAST_OF_TEXT || LAST.iter().any(|last| kind.ends_with(last));
                if is_last {
                    chunk.finished.push(0);
                    chunk.seen.push(0);
                    chunk.choices = 1;
                }
                chunk.content |= is_last || PARTS.iter().any(|part| kind.ends_with(part));
            }
            "usage" => chunk.usage = Usage::read(scanner)?,
            "error" => failed |= error::is_set(scanner)?,
            _ => scanner.skip()?,
        }
        Ok(())
    })?;
    scanner.end()?;
    match &mut chunk.usage {
        Some(usage) if is_sound => usage.made_sound(),
        Some(usage) if is_picture => usage.made_pictures(),
        _ => {}
    }
    let told = || error::error_body(data);
    if failed {
        return Ok(Payload::Error(told().unwrap_or_default()));
    }
    if !has_kind && let Some(facts) = told().filter(ErrorFacts::is_told_flat) {
        return Ok(Payload::Error(facts));
    }
    Ok(Payload::Chunk(chunk))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chunk(data: &str) -> Chunk {
        let Payload::Chunk(chunk) = media_payload(data.as_bytes()).unwrap() else {
            panic!("it is no chunk: {data}");
        };
        chunk
    }

    #[test]
    fn the_type_of_an_event_says_how_far_the_answer_is() {
        for (kind, content, last) in [
            ("image_generation.partial_image", true, false),
            ("image_generation.completed", true, true),
            ("image_edit.completed", true, true),
            ("speech.audio.delta", true, false),
            ("speech.audio.done", true, true),
            ("transcript.text.delta", true, false),
            ("transcript.text.segment", true, false),
            ("transcript.text.done", true, true),
            ("keepalive", false, false),
        ] {
            let chunk = chunk(&format!(r#"{{"type":"{kind}"}}"#));
            assert_eq!(
                (chunk.content, chunk.finished.len() == 1),
                (content, last),
                "{kind}"
            );
        }
    }

    #[test]
    fn usage_and_errors_are_read() {
        let last = chunk(
            r#"{"type":"transcript.text.done","usage":{"type":"tokens","input_tokens":14,"output_tokens":3,"total_tokens":17}}"#,
        );
        let usage = last.usage.unwrap();
        assert_eq!(
            (usage.input_tokens, usage.output_tokens),
            (Some(14), Some(3))
        );
        for error in [
            r#"{"type":"error","error":{"message":"No.","code":"x"}}"#,
            r#"{"error":{"message":"No.","code":"x"}}"#,
        ] {
            let Payload::Error(facts) = media_payload(error.as_bytes()).unwrap() else {
                panic!("{error}");
            };
            assert_eq!(facts.code.as_deref(), Some("x"));
        }
        assert!(media_payload(br#"{"type":"#).is_err());
    }
}
