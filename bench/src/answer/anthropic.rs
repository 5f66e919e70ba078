//! In the words of Anthropic's Messages.

use super::{Kind, STAMP, stream_of, whole_of};

pub(crate) fn question(kind: Kind, model: &str, text: &str) -> String {
    let stream = match kind {
        Kind::Whole => "",
        Kind::Stream => ",\"stream\":true",
    };
    format!(
        "{{\"model\":\"{model}\",\"max_tokens\":1000,\"messages\":[{{\"role\":\"user\",\"content\":\"{text}\"}}]{stream}}}"
    )
}

pub(super) fn whole() -> String {
    whole_of(|text| {
        format!(
            "{{\"id\":\"msg_0\",\"type\":\"message\",\"role\":\"assistant\",\"model\":\"fast\",\"content\":[{{\"type\":\"text\",\"text\":\"{text}\"}}],\
             \"stop_reason\":\"end_turn\",\"stop_sequence\":null,\"usage\":{{\"input_tokens\":24,\"output_tokens\":160}}}}"
        )
    })
}

pub(super) fn stream() -> Vec<String> {
    let event =
        |kind: &str, rest: &str| format!("event: {kind}\ndata: {{\"type\":\"{kind}\"{rest}}}\n\n");
    stream_of(
        &[
            event(
                "message_start",
                ",\"message\":{\"id\":\"msg_0\",\"type\":\"message\",\"role\":\"assistant\",\"model\":\"fast\",\"content\":[],\"stop_reason\":null,\"stop_sequence\":null,\"usage\":{\"input_tokens\":24,\"output_tokens\":1}}",
            ),
            event(
                "content_block_start",
                ",\"index\":0,\"content_block\":{\"type\":\"text\",\"text\":\"\"}",
            ),
        ],
        |index| {
            event(
                "content_block_delta",
                &format!(
                    ",\"index\":0,\"delta\":{{\"type\":\"text_delta\",\"text\":\" {STAMP} word{index}\"}}"
                ),
            )
        },
        &[
            event("content_block_stop", ",\"index\":0"),
            event(
                "message_delta",
                ",\"delta\":{\"stop_reason\":\"end_turn\",\"stop_sequence\":null},\"usage\":{\"output_tokens\":160}",
            ),
            event("message_stop", ""),
        ],
    )
}
