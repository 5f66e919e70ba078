//! In the words of Gemini's generateContent.

use super::{Kind, STAMP, stream_of, whole_of};

const USAGE: &str = "\"usageMetadata\":{\"promptTokenCount\":24,\"candidatesTokenCount\":160,\"totalTokenCount\":184}";

pub(crate) fn path(kind: Kind, model: &str) -> String {
    let call = match kind {
        Kind::Whole => "generateContent",
        Kind::Stream => "streamGenerateContent?alt=sse",
    };
    format!("/v1beta/models/{model}:{call}")
}

pub(crate) fn question(text: &str) -> String {
    format!("{{\"contents\":[{{\"role\":\"user\",\"parts\":[{{\"text\":\"{text}\"}}]}}]}}")
}

pub(super) fn whole() -> String {
    whole_of(|text| {
        format!(
            "{{\"candidates\":[{{\"index\":0,\"content\":{{\"role\":\"model\",\"parts\":[{{\"text\":\"{text}\"}}]}},\"finishReason\":\"STOP\"}}],\
             {USAGE},\"modelVersion\":\"fast\",\"responseId\":\"r0\"}}"
        )
    })
}

pub(super) fn stream() -> Vec<String> {
    let event = |text: &str, rest: &str| {
        format!(
            "data: {{\"candidates\":[{{\"index\":0,\"content\":{{\"role\":\"model\",\"parts\":[{{\"text\":\"{text}\"}}]}}{rest},\"modelVersion\":\"fast\",\"responseId\":\"r0\"}}\n\n"
        )
    };
    stream_of(
        &[],
        |index| {
            event(
                &format!(" {STAMP} word{index}"),
                "}],\"usageMetadata\":{\"promptTokenCount\":24}",
            )
        },
        &[event("", &format!(",\"finishReason\":\"STOP\"}}],{USAGE}"))],
    )
}
