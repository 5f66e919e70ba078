//! The data that is committed: whole, in order, exact, and each fact with a source.

#![expect(clippy::expect_used, reason = "helpers of tests fail by panicking")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use fairlead_catalog::{Catalog, Kind, Mode, Rate, Unit};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("data")
}

/// The files of rows: vendor and text.
fn files() -> Vec<(String, String)> {
    let entries = fs::read_dir(folder()).expect("the folder of data");
    let paths = entries.map(|entry| entry.expect("an entry").path());
    let mut files: Vec<_> = paths
        .filter_map(|path| {
            let name = path
                .file_name()?
                .to_str()?
                .strip_suffix(".models.tsv")?
                .to_owned();
            Some((name, fs::read_to_string(path).expect("a file of rows")))
        })
        .collect();
    files.sort();
    files
}

#[test]
fn there_are_two_thousand_models_and_more_of_forty_vendors_and_more() {
    let catalog = Catalog::builtin();
    let vendors = catalog
        .vendors()
        .iter()
        .filter(|vendor| !catalog.of(vendor).is_empty());
    assert!(
        catalog.models().len() >= 2_000,
        "{} models",
        catalog.models().len()
    );
    assert!(vendors.clone().count() >= 40, "{} vendors", vendors.count());
}

#[test]
fn every_file_of_rows_is_compiled_in_whole() {
    let catalog = Catalog::builtin();
    let mut rows = 0;
    for (vendor, text) in files() {
        let known = catalog
            .vendor(&vendor)
            .unwrap_or_else(|| panic!("{vendor} is not in vendors.tsv"));
        assert_eq!(known.id(), vendor);
        assert_eq!(catalog.of(known).len(), text.lines().count(), "{vendor}");
        rows += text.lines().count();
    }
    assert_eq!(catalog.models().len(), rows);
}

#[test]
fn models_are_in_order_and_there_once() {
    let catalog = Catalog::builtin();
    for vendor in catalog.vendors() {
        let ids: Vec<_> = catalog
            .of(vendor)
            .iter()
            .map(|model| model.id().to_lowercase())
            .collect();
        assert!(ids.is_sorted(), "{}", vendor.id());
        assert_eq!(
            ids.iter().collect::<BTreeSet<_>>().len(),
            ids.len(),
            "{}",
            vendor.id()
        );
        for model in catalog.of(vendor) {
            let found = catalog
                .find(vendor.id(), model.id())
                .expect("a model by its own id");
            assert_eq!((found.vendor(), found.id()), (vendor.id(), model.id()));
        }
    }
}

#[test]
fn a_name_or_a_host_means_one_vendor() {
    assert_eq!(
        Catalog::builtin().ambiguous().collect::<Vec<_>>(),
        Vec::<&str>::new()
    );
}

#[test]
fn every_price_is_what_its_row_says_to_the_last_digit() {
    let catalog = Catalog::builtin();
    let mut prices = 0;
    for (vendor, text) in files() {
        for row in text.lines() {
            let (id, facts) = row.split_once('\t').expect("a row");
            let model = catalog.find(&vendor, id).expect("the model of the row");
            let said = facts
                .split(['\t', ' '])
                .filter_map(|fact| fact.strip_prefix('$'));
            let mut count = 0;
            for fact in said {
                let (key, text) = fact.split_once('=').expect("a price");
                let (key, above) = key.split_once('>').unwrap_or((key, "0"));
                let (unit, mode) = key.split_once('@').unwrap_or((key, "standard"));
                let above = above.parse::<u32>().expect("a threshold");
                let price = model
                    .prices()
                    .iter()
                    .find(|price| {
                        price.unit.name() == unit
                            && price.mode.name() == mode
                            && price.above == above
                    })
                    .unwrap_or_else(|| panic!("{vendor} {id} {fact}"));
                assert_eq!(price.rate.picos(), picos(text), "{vendor} {id} {fact}");
                assert_eq!(
                    price.rate.to_string(),
                    text,
                    "{vendor} {id}: not the shortest way to write it"
                );
                count += 1;
            }
            assert_eq!(model.prices().iter().count(), count, "{vendor} {id}");
            prices += count;
        }
    }
    assert!(prices > 10_000, "{prices} prices");
}

/// Dollars a million tokens as picodollars a token, by shifting digits: another way than that of the crate.
fn picos(text: &str) -> u64 {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    format!("{whole}{fraction:0<6}").parse().expect("digits")
}

#[test]
fn nothing_is_free_whose_name_does_not_say_so() {
    let zero = Rate::parse("0").expect("a rate");
    for model in Catalog::builtin().models() {
        let free = model.prices().iter().any(|price| price.rate == zero);
        assert!(
            !free || model.id().ends_with(":free"),
            "{} {}",
            model.vendor(),
            model.id()
        );
    }
}

#[test]
fn limits_make_sense() {
    for model in Catalog::builtin().models() {
        let (limits, name) = (model.limits(), (model.vendor(), model.id()));
        if let (Some(window), Some(output)) = (limits.window(), limits.output()) {
            assert!(
                output < window,
                "{name:?}: an answer as long as the window is no limit"
            );
        }
        if let (Some(window), Some(prompt)) = (limits.window(), limits.prompt()) {
            assert!(prompt <= window, "{name:?}");
        }
    }
}

#[test]
fn what_chats_by_the_token_has_a_price_for_input_wherever_it_has_one_for_output() {
    for model in Catalog::builtin()
        .models()
        .iter()
        .filter(|model| model.kind() == Kind::Chat)
    {
        let rate = |unit| model.prices().rate(Mode::Standard, unit, 0);
        assert_eq!(
            rate(Unit::Output).is_some(),
            rate(Unit::Input).is_some(),
            "{} {}",
            model.vendor(),
            model.id()
        );
    }
}

#[test]
fn every_row_names_its_sources_and_every_source_its_day_and_address() {
    let catalog = Catalog::builtin();
    for source in catalog.sources() {
        assert!(source.address().starts_with("https://"), "{}", source.key());
        assert!(source.date().parts().0 >= 2026, "{}", source.key());
        assert!(
            ["MIT", "facts"].contains(&source.licence()),
            "{}",
            source.key()
        );
    }
    for model in catalog.models() {
        assert!(
            catalog.sources_of(model).next().is_some(),
            "{} {}",
            model.vendor(),
            model.id()
        );
        assert_eq!(
            catalog.price_source(model).is_some(),
            !model.prices().is_unknown(),
            "{} {}",
            model.vendor(),
            model.id()
        );
    }
}

#[test]
fn every_rule_stands_on_a_source_that_is_listed() {
    let catalog = Catalog::builtin();
    let rules = fs::read_to_string(folder().join("rules.tsv")).expect("the rules");
    for rule in rules.lines().filter(|line| !line.starts_with('#')) {
        let [vendors, _, _, source, _] = *rule.split('\t').collect::<Vec<_>>() else {
            panic!("not five columns: {rule}");
        };
        assert!(
            catalog
                .sources()
                .iter()
                .any(|listed| listed.key() == source),
            "{rule}"
        );
        for vendor in vendors.split(',') {
            assert!(catalog.vendor(vendor).is_some(), "{rule}");
        }
    }
}
