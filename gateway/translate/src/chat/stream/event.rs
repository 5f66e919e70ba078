//! The data of one event, taken apart in one pass.

use fairlead_json::{JsonError, Kind, Limits, Raw, Scanner};
use smallvec::SmallVec;

use crate::chat::lenient::{count, some};
use crate::chat::stop;
use crate::chat::thought::Thought;

/// What is read of an event.
#[derive(Debug, Default)]
pub(super) struct Event<'a> {
    pub(super) id: Option<Raw<'a>>,
    pub(super) model: Option<Raw<'a>>,
    pub(super) usage: Option<Raw<'a>>,
    pub(super) tier: Option<Raw<'a>>,
    pub(super) choices: SmallVec<[Delta<'a>; 1]>,
    /// Whether it may be an error: something is said in the place of one, or nothing of an answer.
    pub(super) suspicious: bool,
}

/// What is new of a choice.
#[derive(Debug, Default)]
pub(super) struct Delta<'a> {
    pub(super) index: Option<u64>,
    /// Whether there is a `delta`: Azure's reports of its filter have none.
    pub(super) given: bool,
    pub(super) thought: Thought<'a>,
    pub(super) content: Option<Raw<'a>>,
    pub(super) refusal: Option<Raw<'a>>,
    pub(super) calls: Option<Raw<'a>>,
    pub(super) logprobs: Option<Raw<'a>>,
    pub(super) reason: Option<Raw<'a>>,
    pub(super) matched: Option<Raw<'a>>,
}

impl<'a> Event<'a> {
    pub(super) fn read(data: &'a [u8]) -> Result<Self, JsonError> {
        let (mut event, mut has_choices, mut vendors) = (Self::default(), false, None);
        let mut scanner = Scanner::over(data, &Limits::default())?;
        scanner.object(|scanner, key| {
            match &*key.name() {
                "id" => event.id = Some(found(scanner)?),
                "model" => event.model = Some(found(scanner)?),
                "service_tier" => event.tier = some(found(scanner)?),
                "usage" => event.usage = some(found(scanner)?).or(event.usage),
                "choices" => {
                    has_choices = true;
                    event.read_choices(scanner)?;
                }
                "x_groq" => found(scanner)?.each_member(|name, value| match &*name {
                    "usage" => vendors = some(value),
                    "error" => event.suspicious = true,
                    _ => {}
                }),
                "error" => event.suspicious |= some(found(scanner)?).is_some(),
                "object" => event.suspicious |= found(scanner)?.text() == "\"error\"",
                _ => scanner.skip()?,
            }
            Ok(())
        })?;
        scanner.end()?;
        event.usage = event.usage.or(vendors);
        event.suspicious |= !has_choices && event.usage.is_none();
        Ok(event)
    }

    fn read_choices(&mut self, scanner: &mut Scanner<'a>) -> Result<(), JsonError> {
        scanner.array_or_skip(|scanner| {
            let mut delta = Delta::default();
            scanner.object_or_skip(|scanner, key| {
                match &*key.name() {
                    "index" => delta.index = count(found(scanner)?),
                    "delta" => {
                        delta.given = scanner.peek() == Some(b'{');
                        delta.read(scanner)?;
                    }
                    "logprobs" => delta.logprobs = some(found(scanner)?),
                    "finish_reason" => delta.reason = Some(found(scanner)?),
                    "stop_reason" => delta.matched = Some(found(scanner)?),
                    // Moonshot's place for it.
                    "usage" => self.usage = self.usage.or(some(found(scanner)?)),
                    "error" => self.suspicious |= some(found(scanner)?).is_some(),
                    _ => scanner.skip()?,
                }
                Ok(())
            })?;
            self.suspicious |= delta.reason.is_some_and(stop::is_failure);
            self.choices.push(delta);
            Ok(())
        })
    }
}

impl<'a> Delta<'a> {
    fn read(&mut self, scanner: &mut Scanner<'a>) -> Result<(), JsonError> {
        scanner.object_or_skip(|scanner, key| {
            let value = found(scanner)?;
            match &*key.name() {
                "content" => self.content = some(value),
                "refusal" => self.refusal = some(value),
                "tool_calls" => self.calls = (value.kind() == Kind::Array).then_some(value),
                name => drop(self.thought.take(name, value)),
            }
            Ok(())
        })
    }
}

fn found<'a>(scanner: &mut Scanner<'a>) -> Result<Raw<'a>, JsonError> {
    let value = scanner.value()?;
    Ok(scanner.found(&value))
}
