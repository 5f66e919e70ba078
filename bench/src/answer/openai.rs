//! In the words of OpenAI's Chat Completions.

use super::{Kind, STAMP, stream_of, whole_of};

const USAGE: &str =
    "\"usage\":{\"prompt_tokens\":24,\"completion_tokens\":160,\"total_tokens\":184}";

pub(crate) fn question(kind: Kind, model: &str, text: &str) -> String {
    let stream = match kind {
        Kind::Whole => "",
        Kind::Stream => ",\"stream\":true,\"stream_options\":{\"include_usage\":true}",
    };
    format!(
        "{{\"model\":\"{model}\",\"messages\":[{{\"role\":\"user\",\"content\":\"{text}\"}}]{stream}}}"
    )
}

pub(super) fn whole() -> String {
    whole_of(|text| {
        format!(
            "{{\"id\":\"chatcmpl-0\",\"object\":\"chat.completion\",\"created\":1760000000,\"model\":\"fast\",\"choices\":[{{\"index\":0,\
             \"message\":{{\"role\":\"assistant\",\"content\":\"{text}\"}},\"finish_reason\":\"stop\"}}],{USAGE}}}"
        )
    })
}

pub(super) fn stream() -> Vec<String> {
    let event = |rest: &str| {
        format!(
            "data: {{\"id\":\"chatcmpl-0\",\"object\":\"chat.completion.chunk\",\"created\":1760000000,\"model\":\"fast\",{rest}}}\n\n"
        )
    };
    let delta = |delta: &str, finish: &str| {
        event(&format!(
            "\"choices\":[{{\"index\":0,\"delta\":{{{delta}}},\"finish_reason\":{finish}}}]"
        ))
    };
    stream_of(
        &[delta("\"role\":\"assistant\",\"content\":\"\"", "null")],
        |index| delta(&format!("\"content\":\" {STAMP} word{index}\""), "null"),
        &[
            delta("", "\"stop\""),
            event(&format!("\"choices\":[],{USAGE}")),
            "data: [DONE]\n\n".to_owned(),
        ],
    )
}
