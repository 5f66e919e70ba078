//! Events of `streamGenerateContent` as pieces.

use std::collections::BTreeMap;

use fairlead_wire::openai::named_error;

use crate::gemini::finish::{self, Finish, Said};
use crate::gemini::part::{Call, Part, Payload};
use crate::gemini::response::{self, Candidate, Read, Response};
use crate::gemini::signature::{self, Proof};
use crate::gemini::{ids, logprobs};
use crate::{Malformed, Piece, Stop, Text};

/// What is known of an answer that comes bit by bit.
#[derive(Debug, Default, Clone)]
pub struct Reader {
    begun: bool,
    /// The answer's id, for calls that have none.
    id: Option<String>,
    choices: BTreeMap<u64, Choice>,
}

#[derive(Debug, Default, Clone, Copy)]
struct Choice {
    said: Said,
    calls: u64,
    finished: bool,
}

impl Reader {
    /// One event: its name and its data. Calls `piece` for every bit it holds, in order. An empty event or a ping holds none.
    ///
    /// # Errors
    /// It is not well-formed, or not of the shape that Gemini's reference has.
    pub fn read(
        &mut self,
        name: Option<&[u8]>,
        data: &[u8],
        piece: &mut dyn FnMut(Piece<'_>),
    ) -> Result<(), Malformed> {
        if name == Some(b"error") {
            piece(Piece::Error(named_error(data)));
            return Ok(());
        }
        // Proxies that think of OpenAI put its mark at the end.
        if matches!(data.trim_ascii(), b"" | b"[DONE]") {
            return Ok(());
        }
        let response = match response::read(data)? {
            Read::Response(response) => response,
            Read::Error(facts) => {
                piece(Piece::Error(facts));
                return Ok(());
            }
            Read::Nothing => return Err(Malformed::Shape("an event is no object")),
        };
        self.begin(&response, piece);
        for candidate in &response.candidates {
            self.candidate(candidate, piece)?;
        }
        if response.candidates.is_empty()
            && let Some(Some(reason)) = &response.feedback
        {
            let choice = self.choices.entry(0).or_default();
            if !std::mem::replace(&mut choice.finished, true) {
                let stop = Stop::Filtered(Some(reason.clone()));
                piece(Piece::Finish { choice: 0, stop });
            }
        }
        if let Some(usage) = response.usage {
            piece(Piece::Usage(usage));
        }
        Ok(())
    }

    fn begin(&mut self, response: &Response<'_>, piece: &mut dyn FnMut(Piece<'_>)) {
        if self.id.is_none() {
            let id = response.id.as_ref();
            self.id = id.map(|id| id.unescaped().into_owned());
        }
        if !std::mem::replace(&mut self.begun, true) {
            piece(Piece::Begin {
                id: response.id.clone(),
                model: response.model.clone(),
            });
        }
    }

    fn candidate(
        &mut self,
        candidate: &Candidate<'_>,
        piece: &mut dyn FnMut(Piece<'_>),
    ) -> Result<(), Malformed> {
        let index = candidate.index;
        let state = self.choices.entry(index).or_default();
        let (mut said, calls) = (state.said, &mut state.calls);
        candidate.each_part(&mut said, |part| {
            part_of(index, part, calls, self.id.as_deref(), piece);
        })?;
        state.said = said;
        if let Some(logprobs) = candidate.logprobs.and_then(logprobs::read)
            && let Some(logprobs) = logprobs.raw()
        {
            let choice = index;
            piece(Piece::Logprobs { choice, logprobs });
        }
        let Some(word) = &candidate.reason else {
            return Ok(());
        };
        if std::mem::replace(&mut state.finished, true) {
            return Ok(());
        }
        piece(
            match finish::read(word, candidate.message.as_ref(), state.said) {
                Finish::Stop(stop) => Piece::Finish {
                    choice: index,
                    stop,
                },
                Finish::Failed(facts) => Piece::Error(facts),
            },
        );
        Ok(())
    }
}

fn part_of(
    choice: u64,
    part: Part<'_>,
    calls: &mut u64,
    answer: Option<&str>,
    piece: &mut dyn FnMut(Piece<'_>),
) {
    match part.payload {
        Payload::Text(text) if text.is_empty() => {}
        Payload::Text(text) if part.thought => piece(Piece::Reasoning { choice, text }),
        Payload::Text(text) => piece(Piece::Text { choice, text }),
        Payload::Call(call) => {
            let number = *calls;
            *calls += 1;
            return call_of((choice, number), call, part.signature, answer, piece);
        }
        Payload::Nothing | Payload::Other(_) | Payload::Media(_) | Payload::Response(_) => {}
    }
    match part.signature.map(signature::read) {
        Some(Proof::Signed(signature)) => piece(Piece::Signed { choice, signature }),
        Some(Proof::Redacted(data)) => piece(Piece::Redacted { choice, data }),
        None => {}
    }
}

fn call_of(
    (choice, number): (u64, u64),
    call: Call<'_>,
    proof: Option<Text<'_>>,
    answer: Option<&str>,
    piece: &mut dyn FnMut(Piece<'_>),
) {
    let made = || answer.map(|answer| ids::in_answer(answer, choice, number));
    let signature = match proof.map(signature::read) {
        Some(Proof::Signed(signature) | Proof::Redacted(signature)) => Some(signature),
        None => None,
    };
    piece(Piece::Call {
        choice,
        call: number,
        id: call.id.or_else(made),
        name: call.name,
        signature,
    });
    piece(Piece::Arguments {
        choice,
        call: number,
        fragment: Text::plain(call.args.map_or("{}", |args| args.text())),
    });
}
