//! `contents`: the turns.

use fairlead_json::{JsonError, Kind, Scanner};

use super::other;
use crate::gemini::ids::Ids;
use crate::gemini::members::Wrong;
use crate::gemini::part::{Call, Given, Part, Payload, Response};
use crate::gemini::signature::{self, Proof};
use crate::gemini::spoken::Spoken;
use crate::{Arguments, Block, Content, Conversation, Role, Text, Turn};

/// The turns. What a model has said in several contents in a row is one turn: so SDKs keep a stream.
pub(super) fn read<'a>(
    scanner: &mut Scanner<'a>,
    conversation: &mut Conversation<'a>,
) -> Result<Result<Vec<Turn<'a>>, Wrong>, JsonError> {
    let mut reader = Reader {
        turns: Vec::new(),
        model: None,
        ids: Ids::default(),
        conversation,
    };
    let mut at = 0;
    let mut result = Ok(());
    scanner.array(|scanner| {
        if result.is_err() {
            return scanner.skip();
        }
        let said = Said::scan(scanner)?.and_then(|said| reader.content(at, said));
        result = said.map_err(|wrong| wrong.below(&path(at)));
        at += 1;
        Ok(())
    })?;
    Ok(result.map(|()| {
        reader.close();
        reader.turns
    }))
}

/// One content. Its role may stand behind its parts.
struct Said<'a> {
    role: Role,
    parts: Vec<Part<'a>>,
}

impl<'a> Said<'a> {
    fn scan(scanner: &mut Scanner<'a>) -> Result<Result<Self, Wrong>, JsonError> {
        if scanner.peek() != Some(b'{') {
            scanner.skip()?;
            return Ok(Err(Wrong::new("", "an object")));
        }
        let mut said = Self {
            role: Role::User,
            parts: Vec::new(),
        };
        let mut result = Ok(());
        scanner.object(|scanner, key| {
            let name = key.name();
            if result.is_err() || scanner.peek() == Some(b'n') {
                return scanner.skip();
            }
            match &*name {
                "role" => match scanner.words()?.as_deref().map(role_of) {
                    Some(Ok(role)) => said.role = role,
                    Some(Err(wrong)) => result = Err(wrong),
                    None => result = Err(Wrong::new("role", "a string")),
                },
                "parts" => result = said.scan_parts(scanner)?,
                _ => scanner.skip()?,
            }
            Ok(())
        })?;
        Ok(result.map(|()| said))
    }

    fn scan_parts(&mut self, scanner: &mut Scanner<'a>) -> Result<Result<(), Wrong>, JsonError> {
        if scanner.peek() != Some(b'[') {
            scanner.skip()?;
            return Ok(Err(Wrong::new("parts", "a list")));
        }
        let mut result = Ok(());
        scanner.array(|scanner| {
            match Part::scan(scanner)? {
                Ok(part) => self.parts.push(part),
                Err(wrong) if result.is_ok() => {
                    result = Err(wrong.below(&format!("parts[{}]", self.parts.len())));
                }
                Err(_) => {}
            }
            Ok(())
        })?;
        Ok(result)
    }
}

struct Reader<'r, 'a> {
    turns: Vec<Turn<'a>>,
    /// What the model says, and since which content.
    model: Option<(usize, Spoken<'a>)>,
    ids: Ids<'a>,
    conversation: &'r mut Conversation<'a>,
}

impl<'a> Reader<'_, 'a> {
    fn content(&mut self, at: usize, said: Said<'a>) -> Result<(), Wrong> {
        let mut spoken = Spoken::default();
        if said.role == Role::Assistant {
            let (_, open) = self.model.get_or_insert_with(|| (at, Spoken::default()));
            spoken = std::mem::take(open);
        } else {
            self.close();
        }
        for (place, part) in said.parts.into_iter().enumerate() {
            self.part(at, place, said.role, part, &mut spoken)?;
        }
        match &mut self.model {
            Some((_, open)) => *open = spoken,
            None => self.turn(at, said.role, spoken.finish()),
        }
        Ok(())
    }

    /// Ends what the model says.
    fn close(&mut self) {
        if let Some((at, spoken)) = self.model.take() {
            self.turn(at, Role::Assistant, spoken.finish());
        }
    }

    fn turn(&mut self, at: usize, role: Role, blocks: Vec<Block<'a>>) {
        self.turns.push(Turn {
            role,
            blocks,
            name: None,
            at,
        });
    }

    fn part(
        &mut self,
        at: usize,
        place: usize,
        role: Role,
        part: Part<'a>,
        spoken: &mut Spoken<'a>,
    ) -> Result<(), Wrong> {
        for name in &part.beside {
            // Only how closely to look is advice.
            let changes_meaning = name == "videoMetadata";
            let name = format!("{}.parts[{place}].{name}", path(at));
            other(self.conversation, &name, changes_meaning);
        }
        match part.payload {
            Payload::Text(text) => {
                spoken.text(text, part.thought);
                if let Some(signature) = part.signature {
                    spoken.signed(signature);
                } else if role != Role::Assistant {
                    spoken.close();
                }
            }
            Payload::Call(call) => {
                let call = self.call(at, place, call, part.signature, spoken);
                spoken.block(call);
            }
            Payload::Response(response) => {
                let result = self.result(at, place, response);
                spoken.block(result);
            }
            Payload::Media(content) => spoken.block(content),
            Payload::Other(name) => spoken.block(Content::Other(name.into())),
            Payload::Nothing => match part.signature {
                Some(signature) => spoken.signed(signature),
                None if part.thought => {}
                None => {
                    let expected =
                        "a text, inlineData, fileData, a functionCall or a functionResponse";
                    return Err(Wrong::new(&format!("parts[{place}]"), expected));
                }
            },
        }
        Ok(())
    }

    fn call(
        &mut self,
        at: usize,
        place: usize,
        call: Call<'a>,
        signature: Option<Text<'a>>,
        spoken: &mut Spoken<'a>,
    ) -> Content<'a> {
        let signature = match signature.map(signature::read) {
            Some(Proof::Signed(signature)) => Some(signature),
            Some(Proof::Redacted(data)) => {
                spoken.block(Content::Redacted(data));
                None
            }
            None => None,
        };
        Content::Call {
            id: self.ids.call(&call.name, call.id, at, place),
            name: call.name,
            arguments: call
                .args
                .map_or(Arguments::Text(Text::default()), Arguments::Object),
            signature,
        }
    }

    fn result(&mut self, at: usize, place: usize, response: Response<'a>) -> Content<'a> {
        let (text, is_error) = said_by(response.response);
        let media = response.media.into_iter().map(Block::from);
        let content = text.map(|text| Content::Text(text).into());
        Content::Result {
            id: self.ids.result(&response.name, response.id, at, place),
            content: content.into_iter().chain(media).collect(),
            is_error,
        }
    }
}

/// What a tool has given back, as a text. A text that stands alone under one of the documented names is meant by itself; any
/// other object is one.
fn said_by(response: Option<Given<'_>>) -> (Option<Text<'_>>, bool) {
    let Some(response) = response else {
        return (None, false);
    };
    let whole = || Some(Text::plain(response.whole.text()));
    match response.last.filter(|_| response.count == 1) {
        None if response.count == 0 => (None, false),
        None => (whole(), false),
        Some((key, value)) => {
            let is_error = key == "error" && value.kind() != Kind::Null;
            let is_text = matches!(&*key, "result" | "output" | "error");
            match Text::of(value).filter(|_| is_text) {
                Some(text) => (Some(text), is_error),
                None if is_error => (Some(Text::plain(value.text())), true),
                None => (whole(), false),
            }
        }
    }
}

fn role_of(role: &str) -> Result<Role, Wrong> {
    match role {
        "user" | "function" | "" => Ok(Role::User),
        "model" => Ok(Role::Assistant),
        _ => Err(Wrong::new("role", "\"user\" or \"model\"")),
    }
}

fn path(at: usize) -> String {
    format!("contents[{at}]")
}
