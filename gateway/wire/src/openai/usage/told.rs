//! A usage object as it is told, and what it comes to: which of its counts are in which others.

use super::Usage;
use crate::json::{JsonError, Kind, Scanner};
use crate::usage::{Media, Parts, tokens};

#[derive(Debug, Default)]
pub(super) struct Told {
    prompt: Option<u64>,
    completion: Option<u64>,
    total: Option<u64>,
    cached: Option<u64>,
    written: Option<u64>,
    written_hour: Option<u64>,
    reasoning: Option<u64>,
    /// Of the whole prompt and the whole completion.
    media: Media,
    searches: u32,
    /// Whether the cache goes by the names of Anthropic's, whose input does not include it.
    foreign_names: bool,
}

impl Told {
    pub(super) fn read(scanner: &mut Scanner<'_>) -> Result<Self, JsonError> {
        let mut told = Self::default();
        // Of images, transcriptions and Responses.
        let mut newer = (None, None);
        scanner.object_or_skip(|scanner, key| {
            match &*key.name() {
                "prompt_tokens" => told.prompt = count(scanner)?,
                "completion_tokens" => told.completion = count(scanner)?,
                "input_tokens" => newer.0 = count(scanner)?,
                "output_tokens" => newer.1 = count(scanner)?,
                "total_tokens" => told.total = count(scanner)?,
                "prompt_tokens_details" | "input_tokens_details" | "input_token_details" => {
                    told.of_prompt(scanner)?;
                }
                "completion_tokens_details" | "output_tokens_details" | "output_token_details" => {
                    told.of_completion(scanner)?;
                }
                name => told.other(name, scanner)?,
            }
            Ok(())
        })?;
        told.prompt = told.prompt.or(newer.0);
        told.completion = told.completion.or(newer.1);
        Ok(told)
    }

    /// What only some upstreams tell. What stands in two places is the same count, and the larger where one is a zero.
    fn other(&mut self, name: &str, scanner: &mut Scanner<'_>) -> Result<(), JsonError> {
        match name {
            // DeepSeek's and Moonshot's names for the cached part.
            "prompt_cache_hit_tokens" | "cached_tokens" => {
                self.cached = self.cached.max(count(scanner)?);
            }
            "cache_read_input_tokens" => {
                let cached = count(scanner)?;
                self.foreign_names |= cached.is_some();
                self.cached = self.cached.max(cached);
            }
            "cache_creation_input_tokens" => {
                let written = count(scanner)?;
                self.foreign_names |= written.is_some();
                self.written = self.written.max(written);
            }
            "cache_creation" => scanner.object_or_skip(|scanner, key| {
                if key.name() == "ephemeral_1h_input_tokens" {
                    self.written_hour = count(scanner)?;
                    return Ok(());
                }
                scanner.skip()
            })?,
            "reasoning_tokens" => self.reasoning = self.reasoning.max(count(scanner)?),
            // Perplexity's and xAI's.
            "num_search_queries" | "num_sources_used" => self.searches = small(scanner)?,
            _ => scanner.skip()?,
        }
        Ok(())
    }

    fn of_prompt(&mut self, scanner: &mut Scanner<'_>) -> Result<(), JsonError> {
        scanner.object_or_skip(|scanner, key| {
            match &*key.name() {
                "cached_tokens" => self.cached = self.cached.max(count(scanner)?),
                "cache_write_tokens" | "cache_creation_tokens" => {
                    self.written = self.written.max(count(scanner)?);
                }
                "audio_tokens" => self.media.input_audio = small(scanner)?,
                "image_tokens" => self.media.input_image = small(scanner)?,
                "video_tokens" => self.media.input_video = small(scanner)?,
                "cached_tokens_details" => scanner.object_or_skip(|scanner, key| {
                    match &*key.name() {
                        "audio_tokens" => self.media.cached_audio = small(scanner)?,
                        "image_tokens" => self.media.cached_image = small(scanner)?,
                        _ => scanner.skip()?,
                    }
                    Ok(())
                })?,
                _ => scanner.skip()?,
            }
            Ok(())
        })
    }

    fn of_completion(&mut self, scanner: &mut Scanner<'_>) -> Result<(), JsonError> {
        scanner.object_or_skip(|scanner, key| {
            match &*key.name() {
                "reasoning_tokens" => self.reasoning = self.reasoning.max(count(scanner)?),
                "audio_tokens" => self.media.output_audio = small(scanner)?,
                "image_tokens" => self.media.output_image = small(scanner)?,
                _ => scanner.skip()?,
            }
            Ok(())
        })
    }

    /// Each token once. What is told of a part may exceed the whole; then nothing is left, not less than nothing.
    pub(super) fn usage(&self) -> Usage {
        let cache = add(self.cached, self.written);
        let aside = self.aside();
        let cache_is_aside = self.foreign_names
            && (self.prompt.is_some_and(|prompt| cache > prompt) || aside == Some(cache));
        // What xAI tells to have been thought, and Google does not tell, is no part of the completion: the total shows it.
        let hidden = aside.filter(|_| self.reasoning.is_none() && !cache_is_aside);
        let thought_aside =
            hidden.is_some() || (self.reasoning.is_some() && aside == self.reasoning);
        let reasoning = self.reasoning.or(hidden);
        let within = |part: u64, is_aside: bool| if is_aside { 0 } else { part };
        let prompt = self.prompt;
        let completion = self.completion;
        let thought = reasoning.unwrap_or(0);
        let parts = Parts {
            input: prompt.map(|prompt| prompt.saturating_sub(within(cache, cache_is_aside))),
            cache_read: self.cached,
            cache_write: self.written,
            cache_write_hour: self.written_hour,
            output: completion
                .map(|completion| completion.saturating_sub(within(thought, thought_aside))),
            reasoning,
            media: self.media_of_parts(),
            searches: self.searches,
            served: None,
        };
        let beyond = |whole: Option<u64>, part: u64, is_aside: bool| {
            whole.map(|whole| whole.saturating_add(if is_aside { part } else { 0 }))
        };
        Usage {
            input_tokens: beyond(prompt, cache, cache_is_aside),
            output_tokens: beyond(completion, thought, thought_aside),
            cached_input_tokens: self.cached,
            reasoning_tokens: reasoning,
            total_tokens: self.total,
            parts,
        }
    }

    /// How much more the total is than what it should be the sum of.
    fn aside(&self) -> Option<u64> {
        let said = self.prompt?.checked_add(self.completion?)?;
        self.total?.checked_sub(said).filter(|more| *more > 0)
    }

    /// Of what came from no cache: the prompt's sounds and pictures are those from a cache, too.
    fn media_of_parts(&self) -> Media {
        let media = self.media;
        Media {
            input_audio: media.input_audio.saturating_sub(media.cached_audio),
            input_image: media.input_image.saturating_sub(media.cached_image),
            ..media
        }
    }
}

fn add(one: Option<u64>, two: Option<u64>) -> u64 {
    one.unwrap_or(0).saturating_add(two.unwrap_or(0))
}

fn count(scanner: &mut Scanner<'_>) -> Result<Option<u64>, JsonError> {
    let value = scanner.value()?;
    let number = (value.kind == Kind::Number).then(|| tokens(scanner.raw(&value)));
    Ok(number.flatten())
}

fn small(scanner: &mut Scanner<'_>) -> Result<u32, JsonError> {
    let count = count(scanner)?.unwrap_or(0);
    Ok(u32::try_from(count).unwrap_or(u32::MAX))
}
