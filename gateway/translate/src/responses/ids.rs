//! Texts that a limit of OpenAI's would refuse, made short: the same every time, and told apart.

use crate::Text;

/// The longest `call_id`, `safety_identifier` and `prompt_cache_key`, in characters.
const LONGEST: usize = 64;

/// The text itself if it fits, else one made of its hash. Never a part of it: what begins alike would collide.
pub(super) fn fitting<'t>(text: &'t Text<'_>, prefix: &str) -> Text<'t> {
    let written = text.as_written();
    if !written.is_empty() && (written.len() <= LONGEST || fits(text)) {
        return text.borrowed();
    }
    Text::escaped(format!(
        "{prefix}{:032x}",
        hash(text.unescaped().as_bytes())
    ))
}

fn fits(text: &Text<'_>) -> bool {
    text.unescaped().chars().nth(LONGEST).is_none()
}

/// FNV-1a of 128 bits: ids of one conversation are told apart, which takes no secret.
fn hash(bytes: &[u8]) -> u128 {
    const BASIS: u128 = 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d;
    const PRIME: u128 = 0x0000_0000_0100_0000_0000_0000_0000_013b;
    bytes.iter().fold(BASIS, |hash, byte| {
        (hash ^ u128::from(*byte)).wrapping_mul(PRIME)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_texts_stay_and_long_ones_become_distinct_short_ones() {
        let short = Text::plain("call_1");
        assert_eq!(fitting(&short, "call_"), short);
        let wide = "é".repeat(64);
        assert_eq!(fitting(&Text::plain(&wide), "call_"), &*wide);
        let (one, two) = ("x".repeat(65), format!("{}y", "x".repeat(64)));
        let (one, two) = (Text::plain(&one), Text::plain(&two));
        assert_ne!(fitting(&one, "call_"), fitting(&two, "call_"));
        assert_eq!(fitting(&one, "call_"), fitting(&one, "call_"));
        assert_eq!(fitting(&one, "call_").as_written().len(), 37);
        // The published value of the empty text.
        assert_eq!(hash(b""), 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d);
        assert_eq!(hash(b"a"), 0xd228_cb69_6f1a_8caf_7891_2b70_4e4a_8964);
    }
}
