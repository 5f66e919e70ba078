//! Tools, the form of the answer, how much is thought, where it ends.

use fairlead_json::{JsonError, Kind, Raw, Scanner};

use super::{Members, other, wrong};
use crate::chat::lenient::{count, inside, some};
use crate::{Cache, Conversation, Effort, Format, Reasoning, RequestError, Text, Tool, ToolChoice};

pub(super) fn read<'a>(
    members: &Members<'_, 'a>,
    conversation: &mut Conversation<'a>,
) -> Result<(), RequestError> {
    if let Some(choice) = members.get("tool_choice")? {
        read_choice(choice, conversation)?;
    }
    if let Some(stop) = members.get("stop")? {
        read_stop(stop, conversation)?;
    }
    let alternatives = members.count("top_logprobs")?.unwrap_or_default();
    if members.flag("logprobs")? == Some(true) {
        conversation.logprobs = Some(alternatives);
    } else if alternatives > 0 {
        return Err(wrong("top_logprobs", "given with \"logprobs\": true"));
    }
    if let Some(format) = members.of("response_format", Kind::Object, "an object")? {
        read_format(format, conversation)?;
    }
    read_reasoning(members, conversation)
}

/// Reads them in one go, for their schemas are much of many prompts.
pub(super) fn read_tools<'a>(
    scanner: &mut Scanner<'a>,
    conversation: &mut Conversation<'a>,
) -> Result<Result<(), RequestError>, JsonError> {
    let (mut at, mut failed) = (0_usize, None);
    scanner.array(|scanner| {
        let Entry {
            kind,
            function,
            cache,
        } = Entry::read(scanner)?;
        match (kind, function) {
            (Some("function") | None, Some(Some(tool))) => {
                conversation.tools.push(Tool { cache, ..tool });
            }
            (Some("function") | None, Some(None)) => {
                failed.get_or_insert_with(|| {
                    wrong(
                        format!("tools[{at}].function"),
                        "an object with the \"name\" of a function, and \"parameters\" that are an object if there are any",
                    )
                });
            }
            (Some(kind), _) if kind != "function" => {
                other(conversation, format!("tools[{at}] ({kind})"), true);
            }
            _ => {
                failed.get_or_insert_with(|| {
                    wrong(format!("tools[{at}]"), "an object of type \"function\"")
                });
            }
        }
        at += 1;
        Ok(())
    })?;
    Ok(failed.map_or(Ok(()), Err))
}

/// An entry of the tools.
#[derive(Default)]
struct Entry<'a> {
    kind: Option<&'a str>,
    /// `Some(None)`: there is one, and it is none.
    function: Option<Option<Tool<'a>>>,
    cache: Option<Cache>,
}

impl<'a> Entry<'a> {
    fn read(scanner: &mut Scanner<'a>) -> Result<Self, JsonError> {
        let mut entry = Self::default();
        scanner.object_or_skip(|scanner, key| {
            match &*key.name() {
                "type" => {
                    let value = scanner.value()?;
                    entry.kind = Some(inside(scanner.found(&value)));
                }
                "function" if scanner.peek() != Some(b'n') => {
                    entry.function = Some(read_function(scanner)?);
                }
                "cache_control" => {
                    let value = scanner.value()?;
                    entry.cache = read_cache(scanner.found(&value));
                }
                _ => scanner.skip()?,
            }
            Ok(())
        })?;
        Ok(entry)
    }
}

fn read_function<'a>(scanner: &mut Scanner<'a>) -> Result<Option<Tool<'a>>, JsonError> {
    let mut tool = Tool {
        name: Text::default(),
        description: None,
        parameters: None,
        strict: None,
        cache: None,
    };
    let mut fine = true;
    scanner.object_or_skip(|scanner, key| {
        let value = scanner.value()?;
        let value = scanner.found(&value);
        match (&*key.name(), value.kind()) {
            ("name", _) => tool.name = Text::of(value).unwrap_or_default(),
            ("description", _) => tool.description = Text::of(value),
            ("parameters", Kind::Object) => tool.parameters = Some(value.into()),
            ("parameters", kind) => fine &= kind == Kind::Null,
            ("strict", Kind::Bool(strict)) => tool.strict = Some(strict),
            _ => {}
        }
        Ok(())
    })?;
    Ok((fine && !tool.name.is_empty()).then_some(tool))
}

/// A mark of what is to be cached, as Anthropic and `OpenRouter` have it.
pub(super) fn read_cache(mark: Raw<'_>) -> Option<Cache> {
    let mut cache = (mark.kind() == Kind::Object).then_some(Cache::Default)?;
    mark.each_member(|name, value| {
        if name == "ttl" && inside(value) == "1h" {
            cache = Cache::Hour;
        }
    });
    Some(cache)
}

fn read_choice<'a>(
    choice: Raw<'a>,
    conversation: &mut Conversation<'a>,
) -> Result<(), RequestError> {
    let expected =
        "\"none\", \"auto\", \"required\" or an object of type \"function\" or \"allowed_tools\"";
    if choice.kind() == Kind::String {
        conversation.tool_choice = Some(match inside(choice) {
            "none" => ToolChoice::None,
            "auto" => ToolChoice::Auto,
            "required" | "any" => ToolChoice::Any,
            _ => return Err(wrong("tool_choice", expected)),
        });
        return Ok(());
    }
    let (mut kind, mut name, mut allowed) = (None, None, None);
    choice.each_member(|key, value| match &*key {
        "type" => kind = Some(inside(value)),
        "function" => name = member(value, "name").and_then(Text::of),
        "allowed_tools" => allowed = some(value),
        _ => {}
    });
    match (kind, name, allowed) {
        (Some("function") | None, Some(name), _) => {
            conversation.tool_choice = Some(ToolChoice::Tool(name));
        }
        (Some("allowed_tools"), _, Some(allowed)) => keep_allowed(allowed, conversation),
        (Some(kind), _, _) if !matches!(kind, "function" | "allowed_tools") => {
            other(conversation, format!("tool_choice ({kind})"), true);
        }
        _ => return Err(wrong("tool_choice", expected)),
    }
    Ok(())
}

/// A choice among some of the tools asks for the same as having no others.
fn keep_allowed(allowed: Raw<'_>, conversation: &mut Conversation<'_>) {
    let mut names = std::collections::BTreeSet::new();
    let mut choice = ToolChoice::Auto;
    allowed.each_member(|key, value| match &*key {
        "mode" if inside(value) == "required" => choice = ToolChoice::Any,
        "tools" => value.each_element(|tool| {
            let name = member(tool, "function").and_then(|function| member(function, "name"));
            names.extend(name.and_then(|name| name.string().ok()));
        }),
        _ => {}
    });
    conversation
        .tools
        .retain(|tool| names.contains(&*tool.name.unescaped()));
    conversation.tool_choice = Some(choice);
}

fn member<'a>(of: Raw<'a>, name: &str) -> Option<Raw<'a>> {
    let mut found = None;
    of.each_member(|key, value| {
        if key == name {
            found = Some(value);
        }
    });
    found
}

fn read_stop<'a>(stop: Raw<'a>, conversation: &mut Conversation<'a>) -> Result<(), RequestError> {
    let mut fine = matches!(stop.kind(), Kind::String | Kind::Array);
    let mut add = |text: Raw<'a>| match Text::of(text) {
        Some(text) => conversation.stop.push(text),
        None => fine = false,
    };
    if stop.kind() == Kind::String {
        add(stop);
    } else {
        stop.each_element(add);
    }
    if fine {
        Ok(())
    } else {
        Err(wrong("stop", "a string or a list of strings"))
    }
}

fn read_format<'a>(
    format: Raw<'a>,
    conversation: &mut Conversation<'a>,
) -> Result<(), RequestError> {
    match member(format, "type").map(inside) {
        Some("text") => {}
        Some("json_object") => conversation.format = Some(Format::Json),
        Some("json_schema") => {
            let (mut name, mut description, mut schema, mut strict) = (None, None, None, None);
            let inner = member(format, "json_schema").unwrap_or(format);
            inner.each_member(|key, value| match (&*key, value.kind()) {
                ("name", _) => name = Text::of(value),
                ("description", _) => description = Text::of(value),
                ("schema", Kind::Object) => schema = Some(value),
                ("strict", Kind::Bool(flag)) => strict = Some(flag),
                _ => {}
            });
            let schema =
                schema.ok_or_else(|| wrong("response_format.json_schema.schema", "an object"))?;
            conversation.format = Some(Format::Schema {
                name,
                description,
                schema: schema.into(),
                strict,
            });
        }
        Some(kind) => other(conversation, format!("response_format ({kind})"), true),
        None => return Err(wrong("response_format.type", "a string")),
    }
    Ok(())
}

/// The format's own word, and the objects that `OpenRouter`, `DeepSeek` and others take.
fn read_reasoning(
    members: &Members<'_, '_>,
    conversation: &mut Conversation<'_>,
) -> Result<(), RequestError> {
    let mut reasoning = Reasoning::default();
    if let Some(word) = members.of("reasoning_effort", Kind::String, "a string")? {
        match effort(inside(word)) {
            None => other(conversation, "reasoning_effort".to_owned(), true),
            effort => reasoning.effort = effort,
        }
    }
    if let Some(Kind::Bool(shown)) = members.get("include_reasoning")?.map(|raw| raw.kind()) {
        reasoning.shown = Some(shown);
    }
    if let Some(object) = members.of("reasoning", Kind::Object, "an object")? {
        object.each_member(|name, value| match (&*name, value.kind()) {
            ("effort", _) => reasoning.effort = effort(inside(value)).or(reasoning.effort),
            ("max_tokens", _) => reasoning.budget = count(value),
            ("exclude", Kind::Bool(hidden)) => reasoning.shown = Some(!hidden),
            ("enabled", Kind::Bool(false)) => reasoning.effort = Some(Effort::None),
            ("enabled", Kind::Bool(true)) => reasoning.adaptive = true,
            _ => {}
        });
    }
    if let Some(object) = members.of("thinking", Kind::Object, "an object")? {
        object.each_member(|name, value| match (&*name, inside(value)) {
            ("type", "disabled") => reasoning.effort = Some(Effort::None),
            ("type", "adaptive" | "enabled") => reasoning.adaptive = true,
            ("budget_tokens", _) => reasoning.budget = count(value),
            _ => {}
        });
    }
    // Naming an amount is more than leaving it to the model.
    reasoning.adaptive &= reasoning.effort.is_none() && reasoning.budget.is_none();
    if reasoning != Reasoning::default() {
        conversation.reasoning = Some(reasoning);
    }
    Ok(())
}

fn effort(word: &str) -> Option<Effort> {
    Some(match word {
        "none" => Effort::None,
        "minimal" => Effort::Minimal,
        "low" => Effort::Low,
        "medium" => Effort::Medium,
        "high" => Effort::High,
        "xhigh" => Effort::ExtraHigh,
        "max" => Effort::Max,
        _ => return None,
    })
}
