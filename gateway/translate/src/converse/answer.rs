//! Whole answers.

use fairlead_json::{Kind, Limits, Raw, Scanner};

use super::block::{self, member};
use super::stop::{self, Ended};
use super::{Family, error, usage};
use crate::{Answer, Answered, Block, Choice, Malformed, Text, Usage};

/// What a body with a status of success is, from a model of that family. What a model has made of no use is an error, whatever the status.
///
/// # Errors
/// It is no JSON object, or what it says is not what the format promises.
pub fn read(body: &[u8], family: Family) -> Result<Answered<'_>, Malformed> {
    let mut top = Top::default();
    let mut scanner = Scanner::over(body, &Limits::default())?;
    scanner.object(|scanner, key| {
        let value = scanner.value()?;
        top.take(&key.name(), scanner.found(&value), family);
        Ok(())
    })?;
    scanner.end()?;
    let Some(content) = top.content else {
        return Ok(error::read(body, None).map_or(Answered::Nothing, Answered::Error));
    };
    let (mut blocks, mut wrong) = (Vec::new(), None);
    content.each_element(|element| match block::read(element, family) {
        Ok(content) => blocks.extend(content.map(Block::from)),
        Err(why) => wrong = Some(why),
    });
    if let Some(why) = wrong {
        return Err(Malformed::Shape(why));
    }
    let stop = match top.reason.as_ref().map(stop::read) {
        Some(Ended::Stop(stop)) => stop,
        Some(Ended::Failed(facts)) => return Ok(Answered::Error(facts)),
        // The API promises one: without it, nobody knows whether that was all.
        None => return Ok(Answered::Nothing),
    };
    Ok(Answered::Answer(Answer {
        id: None,
        model: None,
        choices: vec![Choice {
            blocks,
            stop: Some(stop),
            logprobs: None,
        }],
        usage: top.usage.map(|usage| Usage {
            served: usage::served(top.tier, top.performance),
            ..usage
        }),
    }))
}

#[derive(Default)]
struct Top<'a> {
    content: Option<Raw<'a>>,
    reason: Option<Text<'a>>,
    usage: Option<Usage>,
    tier: Option<Raw<'a>>,
    performance: Option<Raw<'a>>,
}

impl<'a> Top<'a> {
    fn take(&mut self, name: &str, value: Raw<'a>, family: Family) {
        match name {
            "output" => self.output(value),
            "stopReason" => self.reason = block::words(value),
            "usage" => self.usage = usage::read(value, family),
            "serviceTier" => self.tier = Some(value),
            "performanceConfig" => self.performance = Some(value),
            _ => {}
        }
    }

    fn output(&mut self, output: Raw<'a>) {
        if let Some((name, message)) = member(output)
            && name == "message"
        {
            message.each_member(|name, value| {
                if name == "content" && value.kind() == Kind::Array {
                    self.content = Some(value);
                }
            });
        }
    }
}
