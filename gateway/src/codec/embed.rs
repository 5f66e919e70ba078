//! Embeddings between OpenAI and Gemini, on Vertex AI too.

use bytes::Bytes;
use fairlead_snapshot::OnUnsupported;
use fairlead_translate::embeddings::{Form, Vectors, openai};
use fairlead_translate::gemini::{self, embed, predict};
use fairlead_translate::{Malformed, Notes, Usage as Parts};
use fairlead_wire::openai::{Answer, Part, Told, Usage, answer, error_body};

use super::request::{Wish, made};
use super::{Codec, Identity, Made, Read};
use crate::surface::Operation;

impl Operation {
    /// Whether vectors are asked for.
    fn embeds(self) -> bool {
        matches!(
            self,
            Self::Embeddings | Self::EmbedContent | Self::BatchEmbedContents
        )
    }

    fn is_batch(self) -> bool {
        self == Self::BatchEmbedContents
    }
}

impl Codec {
    /// The same where a model is asked at Vertex AI, which has other operations for vectors than Gemini's API.
    #[must_use]
    pub(crate) fn at_vertex(self, model: &str) -> Self {
        let of_gemini = matches!(
            self.sent,
            Operation::EmbedContent | Operation::BatchEmbedContents
        );
        let sent = if !of_gemini {
            self.sent
        } else if predict::is_asked(model) {
            Operation::Predict
        } else {
            Operation::EmbedContent
        };
        Self { sent, ..self }
    }

    /// Whether vectors are asked for in another dialect than the caller's.
    pub(super) fn embeds(self) -> bool {
        self.asked.embeds() && !self.is_identity()
    }

    /// The body for a provider that speaks otherwise.
    ///
    /// # Errors
    /// A sentence about what cannot be asked there.
    pub(super) fn embedding_body(self, body: &[u8], wish: &Wish<'_>) -> Result<Made, String> {
        let mut notes = Notes::default();
        let wanted = if self.asked == Operation::Embeddings {
            openai::read(body, &mut notes)
        } else {
            embed::read(body, self.asked.is_batch(), &mut notes)
        };
        let wanted = wanted.map_err(|error| error.to_string())?;
        let body = if self.sent == Operation::Embeddings {
            openai::write(&wanted, wish.model)
        } else if self.sent == Operation::Predict {
            predict::write(&wanted)
        } else if self.sent.is_batch() {
            embed::write(&wanted, wish.model)
        } else {
            predict::write_one(&wanted, &mut notes)
        };
        // Where a text is missing, its vector would be, too.
        let is_short = self.sent == Operation::EmbedContent && wanted.texts.len() > 1;
        let unsupported = if wanted.texts.is_empty() || is_short {
            OnUnsupported::Refuse
        } else {
            wish.unsupported
        };
        let made = made(body, &notes, unsupported)?;
        Ok(Made {
            vectors: wanted.form,
            ..made
        })
    }

    /// Reads an answer of Gemini's embeddings, or of OpenAI's for a caller of Gemini.
    pub(super) fn embedding(self, body: &Bytes, identity: &Identity) -> Read {
        let form = identity.vectors;
        let read = if self.sent == Operation::Embeddings {
            match answer(body, Part::Data) {
                Ok(Answer::Complete(_)) => openai::answer(body, form).map(Some),
                Ok(Answer::Error(facts)) => return Read::Error(facts),
                Ok(Answer::Nothing) => return Read::Nothing,
                Err(_) => return Read::Malformed,
            }
        } else if self.sent == Operation::Predict {
            predict::answer(body)
        } else {
            embed::answer(body, self.sent.is_batch())
        };
        match read {
            Ok(Some(vectors)) => {
                let usage = usage(&vectors);
                match self.vectors(vectors, body, identity, form) {
                    Ok(told) => Read::Complete(told, usage, Told::default()),
                    Err(_) => Read::Malformed,
                }
            }
            Ok(None) => error_body(body).map_or(Read::Nothing, Read::Error),
            Err(_) => Read::Malformed,
        }
    }

    fn vectors(
        self,
        vectors: Vectors<'_>,
        body: &Bytes,
        identity: &Identity,
        form: Form,
    ) -> Result<Bytes, Malformed> {
        if self.is_identity() {
            return Ok(body.clone());
        }
        let vectors = embed::counted(vectors, form)?;
        let told = if self.asked == Operation::Embeddings {
            openai::write_answer(&vectors, &identity.model, form)
        } else {
            embed::write_answer(&vectors, self.asked.is_batch())
        };
        told.map(Bytes::from)
    }
}

/// How many tokens `countTokens` has counted, or why it has not.
pub(super) fn counted(body: &Bytes) -> Read {
    match gemini::counted(body) {
        Some(_) => Read::Complete(body.clone(), None, Told::default()),
        None => error_body(body).map_or(Read::Nothing, Read::Error),
    }
}

fn usage(vectors: &Vectors<'_>) -> Option<Usage> {
    let tokens = vectors.input_tokens?;
    let parts = Parts {
        input: Some(tokens),
        ..Parts::default()
    };
    Some(Usage {
        total_tokens: Some(tokens),
        ..Usage::from(parts)
    })
}
