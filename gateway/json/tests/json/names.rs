//! Which names readers confuse, and that the quick test never hides one.

use fairlead_json::{alike, is_plain};
use proptest::prelude::*;

#[test]
fn names_that_some_reader_takes_for_the_same_are_alike() {
    for (spelling, name) in [
        ("model", "model"),
        ("Model", "model"),
        ("MODEL", "model"),
        ("mOdEl", "model"),
        ("\u{17f}tream", "stream"),
        ("STREAM_OPTION\u{17f}", "stream_options"),
        ("ﬆream", "stream"),
        ("max_to\u{212a}ens", "max_tokens"),
        ("\u{130}nput", "input"),
        ("\u{131}nput", "input"),
        ("model\0", "model"),
        ("model\0x", "model"),
        ("mod\u{fffd}el", "model"),
        ("GRÖSSE", "größe"),
    ] {
        assert!(
            alike(spelling, name) && alike(name, spelling),
            "{spelling:?}"
        );
        assert!(spelling == name || !is_plain(spelling), "{spelling:?}");
    }
}

#[test]
fn other_names_are_not() {
    for (a, b) in [
        ("model", "models"),
        ("model", "mode"),
        ("model", ""),
        ("model", " model"),
        ("max_tokens", "max-tokens"),
        ("n", "m"),
        ("é", "e"),
    ] {
        assert!(!alike(a, b) && !alike(b, a), "{a:?} {b:?}");
    }
}

proptest! {
    #[test]
    fn plain_names_are_alike_only_if_they_are_the_same(a in "[a-z_]{0,4}", b in "[a-z_]{0,4}") {
        prop_assert_eq!(alike(&a, &b), a == b);
    }

    #[test]
    fn what_stands_behind_a_nul_makes_no_other_name(name in any::<String>(), more in any::<String>()) {
        let longer = [name.as_str(), more.as_str()].join("\0");
        prop_assert!(alike(&name, &longer));
    }
}
