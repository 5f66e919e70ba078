//! How names compare: without regard to case, which hosts of open models write as they like.

use std::cmp::Ordering;

/// The order of the tables.
pub(crate) fn compare(left: &str, right: &str) -> Ordering {
    let fold = |byte: u8| byte.to_ascii_lowercase();
    left.bytes().map(fold).cmp(right.bytes().map(fold))
}

/// Whether a name begins so, and with what it goes on.
pub(crate) fn rest<'a>(name: &'a str, start: &str) -> Option<&'a str> {
    let (head, tail) = name.split_at_checked(start.len())?;
    head.eq_ignore_ascii_case(start).then_some(tail)
}

/// The order of names that are compared across vendors, who write `4.5`, `4-5` and `4_5`, and tags behind a colon, for the same.
pub(crate) fn compare_loosely(left: &str, right: &str) -> Ordering {
    let fold = |byte: u8| match byte {
        b'.' | b'_' | b':' => b'-',
        other => other.to_ascii_lowercase(),
    };
    left.bytes().map(fold).cmp(right.bytes().map(fold))
}
