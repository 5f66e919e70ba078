//! What somebody makes of an answer, whole or streamed: the same words for both.

use std::collections::BTreeMap;

use fairlead_translate::{Answer, Arguments, Content, Piece, Signature, Stop, Usage};
use fairlead_wire::sse::Decoder;
use serde_json::Value;

use crate::formats::{Format, Reader, Writer};

/// What was understood.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Heard {
    pub(crate) text: String,
    pub(crate) thought: String,
    pub(crate) proof: Option<(String, String)>,
    /// Names and arguments, by number.
    pub(crate) calls: BTreeMap<u64, (String, String)>,
    pub(crate) stop: Option<String>,
    /// All input and all output.
    pub(crate) usage: Option<(Option<u64>, Option<u64>)>,
}

impl Heard {
    pub(crate) fn of(answer: &Answer<'_>) -> Self {
        let mut heard = Self::default();
        let [choice] = answer.choices.as_slice() else {
            panic!("{} choices", answer.choices.len());
        };
        for block in &choice.blocks {
            match &block.content {
                Content::Text(text) => heard.text += &text.unescaped(),
                Content::Reasoning { text, signature } => {
                    heard.thought += &text.unescaped();
                    heard.prove(signature.as_ref());
                }
                Content::Redacted(data) => heard.prove(Some(data)),
                Content::Call {
                    name, arguments, ..
                } => {
                    let arguments = match arguments {
                        Arguments::Object(raw) => raw.text().to_owned(),
                        Arguments::Text(text) => text.unescaped().into_owned(),
                    };
                    let number = u64::try_from(heard.calls.len()).unwrap();
                    let name = name.unescaped().into_owned();
                    heard.calls.insert(number, (name, arguments));
                }
                other => panic!("{other:?}"),
            }
        }
        heard.stop = choice.stop.as_ref().map(word);
        heard.usage = answer.usage.as_ref().map(sums);
        heard
    }

    pub(crate) fn hear(&mut self, piece: &Piece<'_>) {
        match piece {
            Piece::Text { text, .. } => self.text += &text.unescaped(),
            Piece::Reasoning { text, .. } => self.thought += &text.unescaped(),
            Piece::Signed { signature, .. } => self.prove(Some(signature)),
            Piece::Redacted { data, .. } => self.prove(Some(data)),
            Piece::Call { call, name, .. } => {
                let name = name.unescaped().into_owned();
                let known = self.calls.insert(*call, (name, String::new()));
                assert_eq!(known, None, "a call begins once");
            }
            Piece::Arguments { call, fragment, .. } => {
                let (_, arguments) = self.calls.get_mut(call).expect("a call before it");
                *arguments += &fragment.unescaped();
            }
            Piece::Finish { stop, .. } => self.stop = Some(word(stop)),
            Piece::Usage(usage) => self.usage = Some(sums(usage)),
            Piece::Error(facts) => panic!("{facts:?}"),
            Piece::Begin { .. } | Piece::Refusal { .. } | Piece::Logprobs { .. } | Piece::End => {}
        }
    }

    fn prove(&mut self, signature: Option<&Signature<'_>>) {
        let Some(signature) = signature else {
            return;
        };
        let value = signature.value.unescaped();
        // What a provider of one dialect says by a tag is its own affair; a caller's next request undoes it.
        self.proof = match value.strip_prefix("fairlead:") {
            Some(tagged) => {
                let (origin, value) = tagged.split_once(':').unwrap();
                (!value.is_empty()).then(|| (origin.to_owned(), value.to_owned()))
            }
            None if value.is_empty() => None,
            None => Some((signature.origin.as_str().to_owned(), value.into_owned())),
        };
    }

    /// The same with arguments as they mean, not as they are written.
    pub(crate) fn meaning(mut self) -> (Self, Vec<Value>) {
        let parse = |(_, arguments): &mut (String, String)| {
            let text = std::mem::take(arguments);
            let text = if text.is_empty() { "{}" } else { &text };
            serde_json::from_str(text).unwrap()
        };
        let arguments = self.calls.values_mut().map(parse).collect();
        (self, arguments)
    }
}

fn word(stop: &Stop<'_>) -> String {
    match stop {
        // Who calls tools has ended, whatever the reason says.
        Stop::Calls => "calls".to_owned(),
        Stop::End => "end".to_owned(),
        Stop::Length => "length".to_owned(),
        other => format!("{other:?}"),
    }
}

fn sums(usage: &Usage) -> (Option<u64>, Option<u64>) {
    (usage.whole_input(), usage.whole_output())
}

/// What a format makes of pieces.
pub(crate) fn stream(format: Format, pieces: &[Piece<'_>]) -> Vec<u8> {
    let (mut writer, mut out) = (Writer::of(format), Vec::new());
    for piece in pieces {
        writer.write(piece, &mut out);
    }
    writer.end(&mut out);
    out
}

/// Reads a stream that comes in chunks, and tells each piece.
pub(crate) fn listen(format: Format, chunks: &[&[u8]], mut call: impl FnMut(&Piece<'_>)) {
    let mut listener = Listener::new(format);
    for chunk in chunks {
        listener.listen(chunk, &mut call);
    }
}

/// Who reads a stream.
#[derive(Debug)]
pub(crate) struct Listener {
    format: Format,
    reader: Reader,
    decoder: Decoder,
}

impl Listener {
    pub(crate) fn new(format: Format) -> Self {
        Self {
            format,
            reader: Reader::of(format),
            decoder: Decoder::new(usize::MAX),
        }
    }

    /// Takes the next bytes, and tells each piece that is whole by then.
    pub(crate) fn listen(&mut self, chunk: &[u8], mut call: impl FnMut(&Piece<'_>)) {
        self.decoder.push(chunk.to_vec().into());
        while let Some(event) = self.decoder.next().unwrap() {
            let Some(data) = &event.data else { continue };
            let name = event.name.as_deref();
            let read = self.reader.read(name, data, &mut |piece| call(&piece));
            read.unwrap_or_else(|why| panic!("{:?} {why}: {:?}", self.format, event.raw));
        }
    }
}
