//! What is measured: who asks how, and who is asked in its place.

use crate::answer::{Kind, Speech};

/// A kind of exchange.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Exchange {
    /// What the caller speaks.
    pub(crate) surface: Speech,
    /// What the upstream speaks.
    pub(crate) dialect: Speech,
    /// How the answer comes.
    pub(crate) kind: Kind,
}

impl Exchange {
    /// OpenAI on both sides, which is measured beside nginx.
    pub(crate) const fn plain(kind: Kind) -> Self {
        Self {
            surface: Speech::OpenAi,
            dialect: Speech::OpenAi,
            kind,
        }
    }

    /// What is measured of the gateway alone: every dialect as it is spoken, and translated from Chat Completions, and Chat Completions from
    /// Anthropic's Messages. The first passes bytes through and is the floor of the others.
    pub(crate) fn translated(kind: Kind) -> [Self; 6] {
        use Speech::{Anthropic, Gemini, OpenAi};
        [
            (OpenAi, OpenAi),
            (Anthropic, Anthropic),
            (Gemini, Gemini),
            (OpenAi, Anthropic),
            (OpenAi, Gemini),
            (Anthropic, OpenAi),
        ]
        .map(|(surface, dialect)| Self {
            surface,
            dialect,
            kind,
        })
    }

    /// Whether answers are translated.
    pub(crate) fn is_translated(self) -> bool {
        self.surface != self.dialect
    }

    /// What the tables call it.
    pub(crate) fn name(self) -> String {
        format!("{}-{}", self.surface.name(), self.dialect.name())
    }
}
