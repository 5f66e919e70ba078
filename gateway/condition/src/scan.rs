//! The first look at a condition, before the grammar: bounds that keep the parser itself cheap.
//!
//! The grammar's parser is general; a kilobyte of brackets can make one like it slow or deep. So tokens and nesting are counted here, in
//! one pass that knows just enough of the lexical rules to skip literals and comments, and only a text within bounds is parsed.

use cel::common::ast::IdedExpr;
use cel::parser::Parser;

use crate::{Condition, ConditionError};

/// What `has` is called on its way through the grammar, which would otherwise insist on a selection as its argument. A name of the same
/// length, so that positions in messages stay right.
pub(crate) const HAS: &str = "Has";

/// Most tokens. Every node has one, and brackets, commas and dots come on top.
const MAX_TOKENS: usize = 4 * Condition::MAX_NODES;
/// Longest message taken over from the parser, in characters.
const MAX_MESSAGE: usize = 200;

/// Parses a text within bounds.
pub(crate) fn parse(text: &str) -> Result<IdedExpr, ConditionError> {
    if text.len() > Condition::MAX_BYTES {
        return Err(ConditionError::TooLong);
    }
    let prepared = prepare(text)?;
    Parser::new().parse(&prepared).map_err(|errors| {
        let first = errors.errors.first().map(|error| {
            format!(
                "line {}, column {}: {}",
                error.pos.0, error.pos.1, error.msg
            )
        });
        ConditionError::Syntax(
            first
                .unwrap_or_default()
                .replace(HAS, "has")
                .chars()
                .take(MAX_MESSAGE)
                .collect(),
        )
    })
}

/// Checks the bounds and renames `has`.
fn prepare(text: &str) -> Result<String, ConditionError> {
    let mut prepared = String::with_capacity(text.len());
    let (mut tokens, mut depth) = (0_usize, 0_usize);
    let mut after_dot = false;
    let mut rest = text;
    while !rest.is_empty() {
        let (token, remainder) = rest.split_at(token_length(rest));
        rest = remainder;
        match token {
            "(" | "[" | "{" => depth += 1,
            ")" | "]" | "}" => depth = depth.saturating_sub(1),
            HAS if !after_dot => return Err(ConditionError::UnknownName(format!("{HAS}()"))),
            _ => {}
        }
        if depth > Condition::MAX_DEPTH {
            return Err(ConditionError::TooDeep);
        }
        prepared.push_str(if token == "has" && !after_dot {
            HAS
        } else {
            token
        });
        if !is_blank(token) {
            tokens += 1;
            after_dot = token == ".";
        }
    }
    if tokens > MAX_TOKENS {
        Err(ConditionError::TooLarge)
    } else {
        Ok(prepared)
    }
}

fn is_blank(token: &str) -> bool {
    token.starts_with("//") || token.chars().all(char::is_whitespace)
}

/// The length in bytes of the token that `text` starts with; never 0 for a text that is not empty.
fn token_length(text: &str) -> usize {
    let first = text.chars().next().unwrap_or_default();
    if text.starts_with("//") {
        return text.find('\n').unwrap_or(text.len());
    }
    if first.is_whitespace() {
        return text
            .find(|c: char| !c.is_whitespace())
            .unwrap_or(text.len());
    }
    let word = text
        .find(|c: char| !c.is_ascii_alphanumeric() && c != '_')
        .unwrap_or(text.len());
    let (prefix, after) = text.split_at(word);
    let literal = after.starts_with(['"', '\''])
        && matches!(
            prefix.to_ascii_lowercase().as_str(),
            "" | "r" | "b" | "br" | "rb"
        );
    if literal {
        return word + literal_length(after, prefix.contains(['r', 'R']));
    }
    if word > 0 { word } else { first.len_utf8() }
}

/// The length of the quoted literal that `text` starts with, quotes included; an open one reaches to the end.
fn literal_length(text: &str, raw: bool) -> usize {
    let single = &text[..1];
    let triple = single.repeat(3);
    let quote = if text.starts_with(&triple) {
        triple.as_str()
    } else {
        single
    };
    let mut at = quote.len();
    while let Some(c) = text[at..].chars().next() {
        if text[at..].starts_with(quote) {
            return at + quote.len();
        }
        let escaped = if c == '\\' && !raw {
            text[at + 1..].chars().next()
        } else {
            None
        };
        at += c.len_utf8() + escaped.map_or(0, char::len_utf8);
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn renames_has_only_where_it_is_the_function() {
        let renamed = |text: &str| prepare(text).unwrap();
        assert_eq!(renamed("has(a) && a.has"), "Has(a) && a.has");
        assert_eq!(renamed(r#""has(" == 'has'"#), r#""has(" == 'has'"#);
        assert_eq!(
            renamed("a . has // has(\n|| has (b)"),
            "a . has // has(\n|| Has (b)"
        );
        assert_eq!(
            renamed(r#"r"\" + has(x) + "\"has""#),
            r#"r"\" + Has(x) + "\"has""#
        );
        assert_eq!(
            renamed(r#""""a"has(" """ + has(x)"#),
            r#""""a"has(" """ + Has(x)"#
        );
    }

    #[test]
    fn brackets_inside_literals_do_not_nest() {
        let text = format!("request.model == '{}'", "(".repeat(400));
        assert_eq!(prepare(&text), Ok(text.clone()));
    }

    #[test]
    fn nesting_beyond_the_limit_is_refused_before_the_grammar_sees_it() {
        for bracket in ["(", "[", "{", "size(", "a["] {
            assert_eq!(
                prepare(&bracket.repeat(17)),
                Err(ConditionError::TooDeep),
                "{bracket}"
            );
        }
        assert!(prepare(&"(".repeat(16)).is_ok());
    }

    #[test]
    fn too_many_tokens_are_refused_before_the_grammar_sees_them() {
        assert_eq!(prepare(&"!".repeat(1024)), Err(ConditionError::TooLarge));
    }
}
