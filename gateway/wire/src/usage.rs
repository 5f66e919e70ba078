//! What an answer used, by its parts, whatever dialect told it: what its price is reckoned from.
//!
//! Each reader of a dialect's own usage fills [`Parts`] so that every token is in one of `input`, `cache_read`, `cache_write`, `output` and
//! `reasoning`, and in one only: whether a dialect's input includes what came from a cache, and its output what was thought, is settled
//! there. What cannot be read is missing, never zero.

/// More tokens than this used no answer: the count is a mistake, and is taken for one that was not told.
const MOST: u64 = 1_000_000_000;

/// How many tokens were used, each counted once. `None` is "not told"; a zero that was told is a zero.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Parts {
    /// Input that came from no cache and went into none.
    pub input: Option<u64>,
    /// Input that was read from a cache.
    pub cache_read: Option<u64>,
    /// Input that was written into a cache, for however long.
    pub cache_write: Option<u64>,
    /// Of that, what was written for an hour.
    pub cache_write_hour: Option<u64>,
    /// Output without reasoning.
    pub output: Option<u64>,
    /// Reasoning.
    pub reasoning: Option<u64>,
    /// Of all that, what was no text.
    pub media: Media,
    /// How often the provider searched the web, or fetched from it: priced by the piece, not by the token.
    pub searches: u32,
    /// How the request was served, where the answer says so.
    pub served: Option<Served>,
}

/// What was no text, of the parts that count it. 0 is also what is not told.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Media {
    /// Sound, of the input from no cache.
    pub input_audio: u32,
    /// Pictures, of the input from no cache.
    pub input_image: u32,
    /// Moving pictures, of the input from no cache.
    pub input_video: u32,
    /// Sound, of what was read from a cache.
    pub cached_audio: u32,
    /// Pictures, of what was read from a cache.
    pub cached_image: u32,
    /// Sound, of the output.
    pub output_audio: u32,
    /// Pictures, of the output.
    pub output_image: u32,
}

/// How a request was served: what its price depends on beside its tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Served {
    /// As usual.
    Standard,
    /// Through a batch API.
    Batch,
    /// When there was room.
    Flex,
    /// Before others.
    Priority,
    /// Faster than usual, by a dearer way.
    Fast,
    /// By capacity that was bought beforehand: at most what is usual.
    Committed,
}

/// One kind of token: the parts without anything that another one counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Part {
    /// Text from no cache.
    Input,
    /// Sound from no cache.
    InputAudio,
    /// Pictures from no cache.
    InputImage,
    /// Moving pictures from no cache.
    InputVideo,
    /// Text from a cache.
    CacheRead,
    /// Sound from a cache.
    CacheReadAudio,
    /// Pictures from a cache.
    CacheReadImage,
    /// What went into a cache for as long as is usual.
    CacheWrite,
    /// What went into a cache for an hour.
    CacheWriteHour,
    /// Text said.
    Output,
    /// Sound said.
    OutputAudio,
    /// Pictures made.
    OutputImage,
    /// What was thought.
    Reasoning,
}

/// A count of tokens as JSON has it; `None`: negative, broken, absurd, or no number. `7.0` is 7.
#[must_use]
pub fn tokens(text: &str) -> Option<u64> {
    let digits = match text.split_once('.') {
        Some((digits, zeros)) if zeros.bytes().all(|digit| digit == b'0') => digits,
        _ => text,
    };
    digits.parse().ok().and_then(believable)
}

/// The count, unless it is absurd.
#[must_use]
pub fn believable(count: u64) -> Option<u64> {
    (count <= MOST).then_some(count)
}

impl Parts {
    /// Itself, unless no token of it is told.
    #[must_use]
    pub fn told(self) -> Option<Self> {
        let any = self.whole_input().or(self.whole_output());
        any.is_some().then_some(self)
    }

    /// All input; `None` if nothing of it is told.
    #[must_use]
    pub fn whole_input(&self) -> Option<u64> {
        sum([self.input, self.cache_read, self.cache_write])
    }

    /// All output, reasoning included; `None` if nothing of it is told.
    #[must_use]
    pub fn whole_output(&self) -> Option<u64> {
        sum([self.output, self.reasoning])
    }

    /// Takes over whatever `newer` tells: reports of a stream replace one another, and are never added.
    pub fn update(&mut self, newer: &Self) {
        self.input = newer.input.or(self.input);
        self.cache_read = newer.cache_read.or(self.cache_read);
        self.cache_write = newer.cache_write.or(self.cache_write);
        self.cache_write_hour = newer.cache_write_hour.or(self.cache_write_hour);
        self.output = newer.output.or(self.output);
        self.reasoning = newer.reasoning.or(self.reasoning);
        if newer.media != Media::default() {
            self.media = newer.media;
        }
        if newer.searches > 0 {
            self.searches = newer.searches;
        }
        self.served = newer.served.or(self.served);
    }

    /// What two answers used together. What one of them does not tell is the other's.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        Self {
            input: sum([self.input, other.input]),
            cache_read: sum([self.cache_read, other.cache_read]),
            cache_write: sum([self.cache_write, other.cache_write]),
            cache_write_hour: sum([self.cache_write_hour, other.cache_write_hour]),
            output: sum([self.output, other.output]),
            reasoning: sum([self.reasoning, other.reasoning]),
            media: self.media.plus(other.media),
            searches: self.searches.saturating_add(other.searches),
            served: self.served.or(other.served),
        }
    }

    /// The same with estimates for the input and the output of which nothing is told, and whether there was such a one.
    #[must_use]
    pub fn or_estimated(self, input: u64, output: u64) -> (Self, bool) {
        let (no_input, no_output) = (self.whole_input().is_none(), self.whole_output().is_none());
        let mut whole = self;
        if no_input {
            whole.input = Some(input);
        }
        if no_output {
            whole.output = Some(output);
        }
        (whole, no_input || no_output)
    }

    /// How many there are of each kind of token. The sum is that of all input and output; what is told of a part beyond its whole is left out.
    #[must_use]
    pub fn each(&self) -> [(Part, u64); 13] {
        let media = &self.media;
        let mut input = self.input.unwrap_or(0);
        let mut cached = self.cache_read.unwrap_or(0);
        let mut output = self.output.unwrap_or(0);
        let mut written = self.cache_write.unwrap_or(0);
        let hour = u32::try_from(self.cache_write_hour.unwrap_or(0)).unwrap_or(u32::MAX);
        [
            (Part::InputAudio, part(&mut input, media.input_audio)),
            (Part::InputImage, part(&mut input, media.input_image)),
            (Part::InputVideo, part(&mut input, media.input_video)),
            (Part::Input, input),
            (Part::CacheReadAudio, part(&mut cached, media.cached_audio)),
            (Part::CacheReadImage, part(&mut cached, media.cached_image)),
            (Part::CacheRead, cached),
            (Part::CacheWriteHour, part(&mut written, hour)),
            (Part::CacheWrite, written),
            (Part::OutputAudio, part(&mut output, media.output_audio)),
            (Part::OutputImage, part(&mut output, media.output_image)),
            (Part::Output, output),
            (Part::Reasoning, self.reasoning.unwrap_or(0)),
        ]
    }
}

impl Media {
    fn plus(self, other: Self) -> Self {
        Self {
            input_audio: self.input_audio.saturating_add(other.input_audio),
            input_image: self.input_image.saturating_add(other.input_image),
            input_video: self.input_video.saturating_add(other.input_video),
            cached_audio: self.cached_audio.saturating_add(other.cached_audio),
            cached_image: self.cached_image.saturating_add(other.cached_image),
            output_audio: self.output_audio.saturating_add(other.output_audio),
            output_image: self.output_image.saturating_add(other.output_image),
        }
    }
}

impl Served {
    /// What the word of a service tier says, whoever's it is and in any case; `None`: nothing that is known.
    #[must_use]
    pub fn of(word: &str) -> Option<Self> {
        const WORDS: [(&str, Served); 14] = [
            ("standard", Served::Standard),
            ("default", Served::Standard),
            ("on_demand", Served::Standard),
            ("batch", Served::Batch),
            ("flex", Served::Flex),
            ("on_demand_flex", Served::Flex),
            ("priority", Served::Priority),
            ("on_demand_priority", Served::Priority),
            // Groq's.
            ("performance", Served::Priority),
            // What OpenAI calls its priority now.
            ("fast", Served::Priority),
            ("scale", Served::Committed),
            ("reserved", Served::Committed),
            ("provisioned_throughput", Served::Committed),
            ("provisioned-throughput", Served::Committed),
        ];
        let known = WORDS.iter().find(|(one, _)| one.eq_ignore_ascii_case(word));
        known.map(|(_, served)| *served)
    }
}

/// Takes a part out of the whole, at most all of it.
fn part(whole: &mut u64, part: u32) -> u64 {
    let part = u64::from(part).min(*whole);
    *whole -= part;
    part
}

fn sum<const N: usize>(parts: [Option<u64>; N]) -> Option<u64> {
    parts
        .into_iter()
        .flatten()
        .reduce(|one, two| one.saturating_add(two))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_whole_and_believable_or_none() {
        for (text, count) in [
            ("0", Some(0)),
            ("7", Some(7)),
            ("7.0", Some(7)),
            ("1000000000", Some(MOST)),
            ("1000000001", None),
            ("18446744073709551616", None),
            ("-7", None),
            ("7.5", None),
            ("1e3", None),
            ("null", None),
            ("", None),
            (".0", None),
        ] {
            assert_eq!(tokens(text), count, "{text:?}");
        }
    }

    #[test]
    fn each_token_is_of_one_kind_and_none_is_lost() {
        let parts = Parts {
            input: Some(100),
            cache_read: Some(50),
            cache_write: Some(30),
            cache_write_hour: Some(20),
            output: Some(40),
            reasoning: Some(9),
            media: Media {
                input_audio: 60,
                // More than is left: only 40 are.
                input_image: 70,
                cached_image: 5,
                output_audio: 15,
                ..Media::default()
            },
            ..Parts::default()
        };
        let each = parts.each();
        let of = |kind| each.iter().find(|(part, _)| *part == kind).unwrap().1;
        assert_eq!(of(Part::Input), 0);
        assert_eq!((of(Part::InputAudio), of(Part::InputImage)), (60, 40));
        assert_eq!((of(Part::CacheRead), of(Part::CacheReadImage)), (45, 5));
        assert_eq!((of(Part::CacheWrite), of(Part::CacheWriteHour)), (10, 20));
        assert_eq!((of(Part::Output), of(Part::OutputAudio)), (25, 15));
        let all: u64 = each.iter().map(|(_, count)| count).sum();
        let whole = parts.whole_input().unwrap() + parts.whole_output().unwrap();
        assert_eq!(all, whole);
    }

    #[test]
    fn what_is_not_told_is_estimated_and_what_is_told_is_left() {
        let told = Parts {
            output: Some(0),
            ..Parts::default()
        };
        let (whole, estimated) = told.or_estimated(12, 34);
        assert_eq!((whole.input, whole.output), (Some(12), Some(0)));
        assert!(estimated);
        let (same, estimated) = whole.or_estimated(56, 78);
        assert_eq!((same, estimated), (whole, false));
    }

    #[test]
    fn a_tier_alone_is_no_usage() {
        let tier = Parts {
            served: Served::of("ON_DEMAND"),
            ..Parts::default()
        };
        assert_eq!(tier.served, Some(Served::Standard));
        assert_eq!(tier.told(), None);
        assert_eq!(Served::of("auto"), None);
    }
}
