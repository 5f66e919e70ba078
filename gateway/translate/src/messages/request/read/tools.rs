//! The tools of a body, and which of them are to be called.

use fairlead_json::{JsonError, Kind, Raw, Scanner};

use super::{At, Reader};
use crate::messages::block::{cache, walk};
use crate::{Text, Tool, ToolChoice};

/// The members of a tool that are read.
#[derive(Default)]
struct Members<'a> {
    kind: Option<Raw<'a>>,
    name: Option<Raw<'a>>,
    description: Option<Raw<'a>>,
    input_schema: Option<Raw<'a>>,
    strict: Option<Raw<'a>>,
    cache_control: Option<Raw<'a>>,
    deferred: bool,
    examples: bool,
    restricted: bool,
}

impl<'a> Members<'a> {
    fn take(&mut self, name: &str, value: Raw<'a>) {
        if value.kind() == Kind::Null {
            return;
        }
        match name {
            "type" => self.kind = Some(value),
            "name" => self.name = Some(value),
            "description" => self.description = Some(value),
            "input_schema" => self.input_schema = Some(value),
            "strict" => self.strict = Some(value),
            "cache_control" => self.cache_control = Some(value),
            "defer_loading" => self.deferred = value.kind() == Kind::Bool(true),
            "input_examples" => self.examples = value.count() > 0,
            "allowed_callers" => {
                value.each_element(|caller| self.restricted |= caller.text() != "\"direct\"");
            }
            _ => {}
        }
    }
}

impl<'a> Reader<'a> {
    pub(super) fn tools(&mut self, scanner: &mut Scanner<'a>) -> Result<(), JsonError> {
        match scanner.peek() {
            Some(b'[') => {}
            Some(b'n') => return scanner.skip(),
            _ => {
                self.wrong("tools", "", "an array of tools");
                return scanner.skip();
            }
        }
        let mut at = 0;
        scanner.array(|scanner| {
            let mut members = Members::default();
            let place = At::new("tools", at);
            if walk(scanner, |name, value| members.take(name, value))? {
                self.tool(&members, place);
            } else {
                self.wrong(place, "", "an object");
            }
            at += 1;
            Ok(())
        })
    }

    fn tool(&mut self, members: &Members<'a>, at: At) {
        // Tools that run at the provider, or whose schema only it knows, have a type of their own.
        if let Some(kind) = members.kind.and_then(Text::of)
            && kind != "custom"
        {
            // All tools are loaded where there is no search for them: nothing is out of the model's reach.
            let kind = kind.unescaped();
            let is_missed = !kind.starts_with("tool_search_tool");
            return self.other(format!("{at} ({kind})"), is_missed);
        }
        let Some(name) = members.name.and_then(Text::of) else {
            return self.wrong(at, ".name", "a string");
        };
        for (is_set, other) in [
            (members.deferred, "tools[].defer_loading"),
            (members.examples, "tools[].input_examples"),
            (members.restricted, "tools[].allowed_callers"),
        ] {
            if is_set {
                self.other_once(other, false);
            }
        }
        let schema = members.input_schema;
        if schema.is_some_and(|schema| schema.kind() != Kind::Object) {
            self.wrong(at, ".input_schema", "an object");
        }
        let description = members
            .description
            .and_then(|value| self.text(value, format_args!("{at}.description")));
        let strict = members
            .strict
            .and_then(|value| self.flag(value, format_args!("{at}.strict")));
        self.conversation.tools.push(Tool {
            name,
            description,
            parameters: schema.map(Into::into),
            strict,
            cache: cache(members.cache_control),
        });
    }

    pub(super) fn tool_choice(&mut self, value: Raw<'a>) {
        let (mut kind, mut name, mut no_parallel) = (None, None, None);
        value.each_member(|key, value| match &*key {
            "type" => kind = Text::of(value),
            "name" => name = Text::of(value),
            "disable_parallel_tool_use" if value.kind() != Kind::Null => {
                no_parallel = self.flag(value, "tool_choice.disable_parallel_tool_use");
            }
            _ => {}
        });
        if let Some(no_parallel) = no_parallel {
            self.conversation.parallel_tools = Some(!no_parallel);
        }
        let choice = match kind.as_ref().map(Text::unescaped).as_deref() {
            Some("auto") => ToolChoice::Auto,
            Some("any") => ToolChoice::Any,
            Some("none") => ToolChoice::None,
            Some("tool") => match name {
                Some(name) => ToolChoice::Tool(name),
                None => return self.wrong("tool_choice.name", "", "a string"),
            },
            _ => {
                let expected = "\"auto\", \"any\", \"tool\" or \"none\"";
                return self.wrong("tool_choice.type", "", expected);
            }
        };
        self.conversation.tool_choice = Some(choice);
    }
}
