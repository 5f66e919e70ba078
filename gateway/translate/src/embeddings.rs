//! Embeddings: texts in, a vector for each out. OpenAI's form is in [`openai`], Gemini's in [`crate::gemini::embed`].
//!
//! Only what both mean alike goes from the one to the other: texts, and how long a vector is to be. Numbers are carried as they are written;
//! where a caller wants them in base64 and the provider gives numbers, they are rounded to 32 bits once, as OpenAI's are.

mod coding;
pub mod openai;
mod vector;

pub use coding::Coding;
pub use vector::Vector;

use crate::Text;

/// What is asked for.
#[derive(Debug, Clone, Default)]
pub struct Wanted<'a> {
    /// What is to be embedded, each by itself.
    pub texts: Vec<Text<'a>>,
    /// How long a vector is to be; `None`: as long as the model makes it.
    pub dimensions: Option<u64>,
    /// The form of the answer.
    pub form: Form,
}

/// What an answer has to know of its request.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Form {
    /// How many vectors there must be.
    pub count: usize,
    /// How the caller wants them written.
    pub coding: Coding,
}

/// What was answered: as many vectors as there were texts, in their order.
#[derive(Debug, Clone, Default)]
pub struct Vectors<'a> {
    /// The vectors.
    pub all: Vec<Vector<'a>>,
    /// The tokens of the texts, if the provider tells.
    pub input_tokens: Option<u64>,
}
