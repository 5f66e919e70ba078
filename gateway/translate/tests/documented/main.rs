//! What `docs/pitfalls.md` says is held is held: the tests that it names are there.

#![cfg(test)]

use std::fs;
use std::path::{Path, PathBuf};

/// Where a row of the matrix is one.
const FEATURES: &str = "gateway/tests/path/dialects/matrix/feature.rs";

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn page() -> String {
    fs::read_to_string(root().join("docs/pitfalls.md")).unwrap()
}

/// The rows of the page's tables: what went wrong, and what holds it.
fn rows(page: &str) -> Vec<(&str, &str)> {
    let rows = page.lines().filter(|line| line.starts_with("| "));
    let rows = rows.filter_map(|line| line.trim_matches(['|', ' ']).split_once(" | "));
    rows.filter(|(pitfall, _)| !pitfall.starts_with("pitfall,"))
        .collect()
}

/// What stands in a cell as code.
fn names(cell: &str) -> impl Iterator<Item = &str> {
    cell.split('`').skip(1).step_by(2)
}

/// Whether a test is where it is said to be, in the words of its language.
fn is_there(name: &str) -> bool {
    let (path, test, forms): (_, _, &[(&str, &str)]) =
        if let Some(feature) = name.strip_prefix("matrix: ") {
            (FEATURES, feature, &[("\"", "\",")])
        } else if let Some((path, test)) = name.split_once("::") {
            let forms: &[_] = if path.ends_with(".rs") {
                &[("fn ", "(")]
            } else if path.ends_with(".py") {
                &[("def ", "(")]
            } else {
                &[("\"", ""), ("`", ""), ("'", "")]
            };
            (path, test, forms)
        } else {
            return false;
        };
    let text = fs::read_to_string(root().join(path)).unwrap_or_default();
    let mut forms = forms.iter();
    forms.any(|(before, after)| text.contains(&[before, test, after].concat()))
}

#[test]
fn every_pitfall_names_a_test_that_is_there() {
    let page = page();
    for (pitfall, held) in rows(&page) {
        let tests = names(held).filter(|name| name.contains("::") || name.starts_with("matrix: "));
        let tests: Vec<_> = tests.collect();
        assert!(!tests.is_empty(), "{pitfall}: no test holds it");
        for test in tests {
            assert!(is_there(test), "{pitfall}: there is no {test}");
        }
    }
}

#[test]
fn the_page_counts_its_pitfalls() {
    let page = page();
    let said = format!("All {} are held.", rows(&page).len());
    assert!(page.contains(&said), "{said}");
}

#[test]
fn a_test_that_is_nowhere_is_found_out() {
    let own = "gateway/translate/tests/documented/main.rs::";
    assert!(is_there(
        &[own, "a_test_that_is_nowhere_is_found_out"].concat()
    ));
    for name in [
        &[own, "a_test_that_is_not_there"].concat(),
        "gateway/nowhere.rs::a_test",
        "matrix: nothing at all",
        "a word",
    ] {
        assert!(!is_there(name), "{name}");
    }
}
