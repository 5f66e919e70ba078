//! The members of a body beside what is said and the tools.

use fairlead_json::{Kind, Raw};

use super::Reader;
use crate::{Effort, Format, Reasoning, Text};

impl<'a> Reader<'a> {
    /// A member that is not null.
    pub(super) fn option(&mut self, name: &str, value: Raw<'a>) {
        match name {
            // The model is the plan's business; versions and betas are the host's.
            "model" | "anthropic_version" | "anthropic_beta" | "betas" => {}
            "max_tokens" => self.conversation.max_output = self.count(value, name),
            "temperature" => self.conversation.temperature = self.number(value, name),
            "top_p" => self.conversation.top_p = self.number(value, name),
            "top_k" => self.conversation.top_k = self.number(value, name),
            "stream" => self.conversation.stream = self.flag(value, name).unwrap_or_default(),
            "stop_sequences" => self.stop_sequences(value),
            "service_tier" => self.service_tier(value),
            "metadata" => self.metadata(value),
            "tool_choice" => self.tool_choice(value),
            "thinking" => self.thinking(value),
            "output_config" => self.output_config(value),
            "output_format" => self.output_format(value, "output_format"),
            // How the prompt is cached, cut down, or hurried: the same is asked for without.
            "cache_control" | "context_management" | "speed" | "diagnostics" => {
                self.other(name.to_owned(), false);
            }
            _ => {
                let says = match value.kind() {
                    Kind::Array | Kind::Object => value.count() > 0,
                    Kind::Bool(says) => says,
                    Kind::String | Kind::Number | Kind::Null => true,
                };
                if says {
                    self.other(name.to_owned(), true);
                }
            }
        }
    }

    pub(super) fn effort_is_none(&mut self) {
        self.reasoning().effort = Some(Effort::None);
    }

    fn reasoning(&mut self) -> &mut Reasoning {
        self.conversation.reasoning.get_or_insert_default()
    }

    fn stop_sequences(&mut self, value: Raw<'a>) {
        if value.kind() != Kind::Array {
            return self.wrong("stop_sequences", "", "an array of strings");
        }
        value.each_element(|element| match Text::of(element) {
            Some(text) => self.conversation.stop.push(text),
            None => self.wrong("stop_sequences", "", "an array of strings"),
        });
    }

    fn service_tier(&mut self, value: Raw<'a>) {
        let Some(tier) = self.text(value, "service_tier") else {
            return;
        };
        match &*tier.unescaped() {
            "auto" => self.conversation.service_tier = Some(Text::plain("auto")),
            "standard_only" => self.conversation.service_tier = Some(Text::plain("default")),
            _ => self.other("service_tier", true),
        }
    }

    fn metadata(&mut self, value: Raw<'a>) {
        if value.kind() != Kind::Object {
            return self.wrong("metadata", "", "an object");
        }
        value.each_member(|name, value| match &*name {
            _ if value.kind() == Kind::Null => {}
            "user_id" => self.conversation.user = self.text(value, "metadata.user_id"),
            _ => self.other_once("metadata", false),
        });
    }

    fn thinking(&mut self, value: Raw<'a>) {
        if value.kind() != Kind::Object {
            return self.wrong("thinking", "", "an object");
        }
        let (mut kind, mut budget) = (None, None);
        value.each_member(|name, value| match &*name {
            "type" => kind = self.text(value, "thinking.type"),
            "budget_tokens" if value.kind() != Kind::Null => {
                budget = self.count(value, "thinking.budget_tokens");
            }
            "display" => match value.text() {
                "\"summarized\"" => self.reasoning().shown = Some(true),
                "\"omitted\"" => self.reasoning().shown = Some(false),
                _ => {}
            },
            "budget_tokens" => {}
            _ => self.other_once("thinking", false),
        });
        match kind.as_ref().map(Text::unescaped).as_deref() {
            Some("enabled") => match budget {
                Some(budget) => self.reasoning().budget = Some(budget),
                None => self.wrong("thinking.budget_tokens", "", "a whole number"),
            },
            Some("adaptive") => self.reasoning().adaptive = true,
            Some("disabled") => self.thinking_off = true,
            Some(_) => self.other_once("thinking.type", false),
            None => self.wrong("thinking.type", "", "a string"),
        }
    }

    fn output_config(&mut self, value: Raw<'a>) {
        if value.kind() != Kind::Object {
            return self.wrong("output_config", "", "an object");
        }
        value.each_member(|name, value| match &*name {
            _ if value.kind() == Kind::Null => {}
            "format" => self.output_format(value, "output_config.format"),
            "effort" => match effort(value) {
                Some(effort) => self.reasoning().effort = Some(effort),
                None => self.wrong(
                    "output_config.effort",
                    "",
                    "\"low\", \"medium\", \"high\", \"xhigh\" or \"max\"",
                ),
            },
            "task_budget" => self.other("output_config.task_budget", false),
            _ => self.other_once("output_config", true),
        });
    }

    fn output_format(&mut self, value: Raw<'a>, at: &'static str) {
        let (mut is_schema, mut schema) = (false, None);
        value.each_member(|name, value| match &*name {
            "type" => is_schema = value.text() == "\"json_schema\"",
            "schema" => schema = Some(value).filter(|value| value.kind() == Kind::Object),
            _ => {}
        });
        match schema {
            Some(schema) if is_schema => {
                self.conversation.format = Some(Format::Schema {
                    name: None,
                    description: None,
                    schema: schema.into(),
                    strict: None,
                });
            }
            _ => self.wrong(at, "", "an object with type \"json_schema\" and a schema"),
        }
    }
}

fn effort(value: Raw<'_>) -> Option<Effort> {
    Some(match value.text() {
        "\"low\"" => Effort::Low,
        "\"medium\"" => Effort::Medium,
        "\"high\"" => Effort::High,
        "\"xhigh\"" => Effort::ExtraHigh,
        "\"max\"" => Effort::Max,
        _ => return None,
    })
}
