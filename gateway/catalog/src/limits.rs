//! How many tokens a model takes and gives.

use std::num::NonZeroU32;

/// The limits of a model, in tokens.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Limits {
    pub(crate) window: Option<NonZeroU32>,
    pub(crate) max_input: Option<NonZeroU32>,
    pub(crate) max_output: Option<NonZeroU32>,
    pub(crate) min_budget: Option<NonZeroU32>,
}

impl Limits {
    /// The window: prompt and answer together.
    #[must_use]
    pub fn window(self) -> Option<u32> {
        self.window.map(NonZeroU32::get)
    }

    /// The longest prompt: a limit of its own where the vendor has one, else the window.
    #[must_use]
    pub fn prompt(self) -> Option<u32> {
        self.max_input.or(self.window).map(NonZeroU32::get)
    }

    /// The longest answer, where that is less than the window.
    #[must_use]
    pub fn output(self) -> Option<u32> {
        self.max_output.map(NonZeroU32::get)
    }

    /// The longest answer to a prompt of this length: what is left of the window, at most the limit. `Some(0)`: the prompt fills the window.
    #[must_use]
    pub fn output_after(self, prompt: u64) -> Option<u32> {
        let left = self.window().map(|window| {
            let prompt = u32::try_from(prompt).unwrap_or(u32::MAX);
            window.saturating_sub(prompt)
        });
        match (left, self.output()) {
            (Some(left), Some(output)) => Some(left.min(output)),
            (left, output) => output.or(left),
        }
    }

    /// The smallest budget for thinking that is taken.
    #[must_use]
    pub fn min_budget(self) -> Option<u32> {
        self.min_budget.map(NonZeroU32::get)
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;

    use super::Limits;

    fn limits(window: u32, output: u32) -> Limits {
        Limits {
            window: NonZeroU32::new(window),
            max_output: NonZeroU32::new(output),
            ..Limits::default()
        }
    }

    #[test]
    fn an_answer_fits_into_what_the_prompt_leaves_of_the_window() {
        assert_eq!(limits(200_000, 64_000).output_after(10_000), Some(64_000));
        assert_eq!(limits(200_000, 64_000).output_after(150_000), Some(50_000));
        assert_eq!(limits(200_000, 64_000).output_after(u64::MAX), Some(0));
        assert_eq!(limits(0, 64_000).output_after(150_000), Some(64_000));
        assert_eq!(limits(200_000, 0).output_after(150_000), Some(50_000));
        assert_eq!(limits(0, 0).output_after(1), None);
    }
}
