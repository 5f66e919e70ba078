//! What is asked: whose words, how the answer comes, how long the prompt is.

use std::net::SocketAddr;

use crate::answer::{Kind, Speech, anthropic, gemini, openai};

/// How long the prompt is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Prompt {
    /// 0.3 KB.
    Short,
    /// 100 KB, as of a conversation that has gone on for a while.
    Long,
}

impl Prompt {
    fn bytes(self) -> usize {
        match self {
            Self::Short => 300,
            Self::Long => 100_000,
        }
    }
}

/// When the chunks of a stream come. The prompt says it to the upstream, so that whatever stands between passes it on unseen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pace {
    /// One after the other, each flushed.
    Burst,
    /// Every 10 ms, each with the time at which it was written.
    Paced,
    /// The first few, and then no more until the caller has gone.
    Held,
}

impl Pace {
    /// All of them.
    const ALL: [Self; 3] = [Self::Burst, Self::Paced, Self::Held];

    fn mark(self) -> &'static str {
        match self {
            Self::Burst => "[burst]",
            Self::Paced => "[paced]",
            Self::Held => "[held]",
        }
    }

    /// What the body of a request asks for.
    pub(crate) fn of(body: &[u8]) -> Self {
        Self::ALL
            .into_iter()
            .find(|pace| memchr::memmem::find(body, pace.mark().as_bytes()).is_some())
            .unwrap_or(Self::Burst)
    }
}

/// A request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ask {
    /// What the caller speaks.
    pub(crate) surface: Speech,
    /// What the upstream speaks.
    pub(crate) dialect: Speech,
    /// How the answer comes.
    pub(crate) kind: Kind,
    /// How long the prompt is.
    pub(crate) prompt: Prompt,
    /// When chunks come.
    pub(crate) pace: Pace,
}

impl Ask {
    /// OpenAI on both sides, a short prompt.
    pub(crate) const fn plain(kind: Kind) -> Self {
        Self {
            surface: Speech::OpenAi,
            dialect: Speech::OpenAi,
            kind,
            prompt: Prompt::Short,
            pace: Pace::Burst,
        }
    }

    /// A stream that comes so.
    pub(crate) const fn stream(pace: Pace) -> Self {
        let mut ask = Self::plain(Kind::Stream);
        ask.pace = pace;
        ask
    }

    /// Where it goes, below the address.
    pub(crate) fn path(self) -> String {
        match self.surface {
            Speech::OpenAi => "/v1/chat/completions".to_owned(),
            Speech::Anthropic => "/v1/messages".to_owned(),
            Speech::Gemini => gemini::path(self.kind, self.dialect.model()),
        }
    }

    /// What it says.
    pub(crate) fn body(self) -> String {
        let (text, model) = (self.text(), self.dialect.model());
        match self.surface {
            Speech::OpenAi => openai::question(self.kind, model, &text),
            Speech::Anthropic => anthropic::question(self.kind, model, &text),
            Speech::Gemini => gemini::question(&text),
        }
    }

    /// The prompt: a sentence again and again, after the mark.
    fn text(self) -> String {
        let sentence = " How far is it from the harbour to the lighthouse, and which way does the wind blow there?";
        let mut text = self.pace.mark().to_owned();
        text.extend(
            sentence
                .chars()
                .cycle()
                .take(self.prompt.bytes() - text.len()),
        );
        text
    }

    /// All of it, as it goes over a connection.
    pub(crate) fn request(self, host: SocketAddr, key: &str) -> Vec<u8> {
        let (path, body) = (self.path(), self.body());
        let length = body.len();
        format!(
            "POST {path} HTTP/1.1\r\nhost: {host}\r\nauthorization: Bearer {key}\r\n\
             content-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}"
        )
        .into_bytes()
    }

    /// The fewest bytes that a complete answer has.
    pub(crate) fn least_bytes(self) -> u64 {
        match self.kind {
            Kind::Whole => 700,
            Kind::Stream => 64 * 100,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prompts_are_as_long_as_they_say() {
        let mut ask = Ask::plain(Kind::Whole);
        assert!((300..420).contains(&ask.body().len()));
        ask.prompt = Prompt::Long;
        assert!((100_000..100_120).contains(&ask.body().len()));
    }

    #[test]
    fn the_pace_is_told_in_the_prompt() {
        for pace in Pace::ALL {
            let body = Ask::stream(pace).body();
            assert_eq!(Pace::of(body.as_bytes()), pace);
        }
    }
}
