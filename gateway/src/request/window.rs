//! The wish for a large window that Claude Code writes behind a model's name.
//!
//! Its own client takes it off again before it asks, others that borrow its names do not, and no provider knows a model by it.

/// What stands behind the name.
const WISH: &str = "[1m]";

/// A model's name without the wish, be it in other letters or there twice; `None`: it has none.
#[must_use]
pub(crate) fn without_wish(model: &str) -> Option<&str> {
    let mut plain = model;
    while let Some((name, end)) = plain.split_at_checked(plain.len().saturating_sub(WISH.len()))
        && end.eq_ignore_ascii_case(WISH)
    {
        plain = name;
    }
    (plain != model && !plain.is_empty()).then_some(plain)
}

#[cfg(test)]
mod tests {
    use super::without_wish;

    #[test]
    fn the_wish_is_no_part_of_the_name() {
        for (model, plain) in [
            ("claude-x[1m]", Some("claude-x")),
            ("claude-x[1M][1m]", Some("claude-x")),
            ("claude-x", None),
            ("claude-[1m]-x", None),
            ("[1m]", None),
            ("1m]", None),
            ("é[1m]", Some("é")),
            ("éé", None),
            ("", None),
        ] {
            assert_eq!(without_wish(model), plain, "{model}");
        }
    }
}
