//! Values that nobody can guess.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// The system gives no random numbers.
pub type NoRandomness = getrandom::Error;

/// 256 random bits after a prefix, in letters that need no quoting anywhere.
///
/// # Errors
/// The system gives no random numbers.
pub fn random_value(prefix: &str) -> Result<String, NoRandomness> {
    let mut bits = [0; 32];
    getrandom::fill(&mut bits)?;
    Ok(format!("{prefix}{}", URL_SAFE_NO_PAD.encode(bits)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_values_are_the_same_and_none_is_short() {
        let (one, two) = (random_value("sk-").unwrap(), random_value("sk-").unwrap());
        assert_ne!(one, two);
        assert!(one.starts_with("sk-") && one.len() == 3 + 43, "{one}");
    }
}
