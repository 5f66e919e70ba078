//! The habits by which vendors name models, so that a name is found which the data has in another form.
//!
//! Only what says the same model in other words is taken off: a path in front, a region, a host's variant, a date, `-latest`. Four digits
//! (`mistral-large-2411`) are left alone, because there they tell models of different prices apart.

use crate::order::{compare, rest};
use crate::{Model, Vendor};

/// Where Bedrock serves a model from: the first part of an inference profile's id.
const REGIONS: &[&str] = &[
    "us", "eu", "apac", "global", "jp", "au", "ca", "in", "us-gov",
];
/// What routers put behind a name to say how to serve it. Not `:free`, which has a price of its own.
const VARIANTS: &[&str] = &[
    "latest", "nitro", "floor", "online", "exacto", "extended", "thinking", "beta",
];

/// Looks a name up among a vendor's models, which are in order.
pub(crate) fn find<'a>(vendor: &Vendor, models: &'a [Model], asked: &str) -> Option<&'a Model> {
    let exact = |name: &str| {
        models
            .binary_search_by(|model| compare(model.id, name))
            .ok()
            .and_then(|place| models.get(place))
    };
    if let Some(model) = exact(asked) {
        return Some(model);
    }
    // A deployment's name says nothing about the model behind it.
    if vendor.id == "azure" {
        return None;
    }
    let name = pathless(vendor, asked);
    let name = tuned(name);
    let home = name
        .split_once('.')
        .filter(|(region, _)| REGIONS.contains(region))
        .map(|(_, rest)| rest);
    let home = home.filter(|_| vendor.id == "amazon-bedrock");
    let mut forms = std::iter::once(name).chain(home);
    // The whole name in any region comes before a part of it in the region asked for: versions differ more than regions do.
    forms.clone().find_map(exact).or_else(|| {
        forms.find_map(|form| {
            peeled(form).find_map(|part| exact(part).or_else(|| newest(models, part)))
        })
    })
}

/// The name without the path that it stands under: of a resource, of a publisher, of an account, or of the vendor itself.
fn pathless<'a>(vendor: &Vendor, asked: &'a str) -> &'a str {
    let name = match asked.rsplit_once("models/") {
        Some((_, name)) => name,
        None if asked.starts_with("arn:") => asked.rsplit_once('/').map_or(asked, |(_, name)| name),
        None => asked,
    };
    match name.split_once('/') {
        Some((first, name)) if vendor.is_called(first) => name,
        _ => name,
    }
}

/// Of a fine-tuned model (`ft:gpt-4o-2024-08-06:org::id`) what its price goes by: `ft:` and the base.
fn tuned(name: &str) -> &str {
    let base = name.strip_prefix("ft:").and_then(|base| base.find(':'));
    base.and_then(|end| name.get(..end + "ft:".len()))
        .unwrap_or(name)
}

/// The name, then ever less of it, as long as what is taken off is known to say only which form of the model is meant.
pub(crate) fn peeled(name: &str) -> impl Iterator<Item = &str> {
    std::iter::successors(Some(name), |name| peel(name))
}

fn peel(name: &str) -> Option<&str> {
    if let Some((model, version)) = name.rsplit_once('@') {
        return Some(model).filter(|_| !version.is_empty());
    }
    if let Some((model, tag)) = name.rsplit_once(':') {
        // Bedrock: `-v1:0`, and `:200k` behind it for a provisioned window.
        let is_number = tag
            .strip_suffix('k')
            .unwrap_or(tag)
            .bytes()
            .all(|byte| byte.is_ascii_digit());
        return (is_number && !tag.is_empty() || VARIANTS.contains(&tag)).then_some(model);
    }
    let (model, end) = name.rsplit_once('-')?;
    let is_version = end
        .strip_prefix('v')
        .is_some_and(|version| version.len() == 1 && is_digits(version));
    // Google numbers its stable versions: gemini-2.0-flash-001.
    let is_build = end.len() == 3 && end.starts_with("00") && is_digits(end);
    if end == "latest" || is_version || is_build || is_compact_date(end) {
        return Some(model);
    }
    let start = name.len().checked_sub("-2026-11-29".len())?;
    let (model, date) = name.split_at_checked(start)?;
    is_dashed_date(date).then_some(model)
}

/// The newest dated form of a name that stands in the data only with a date, or its `-latest`.
fn newest<'a>(models: &'a [Model], name: &str) -> Option<&'a Model> {
    if name.is_empty() {
        return None;
    }
    let start = models.partition_point(|model| compare(model.id, name).is_lt());
    let forms = models
        .get(start..)?
        .iter()
        .map_while(|model| rest(model.id, name).map(|end| (end, model)));
    let dated = forms.filter(|(end, _)| {
        let compact = end.strip_prefix(['-', '@']).is_some_and(is_compact_date);
        compact
            || *end == "-latest"
            || *end == "@default"
            || is_dashed_date(end)
            || is_bedrock_date(end)
    });
    // By the alphabet `-latest` is behind every date, and dates are in order of time.
    dated.last().map(|(_, model)| model)
}

/// The name without whatever path: what servers of open models are asked by, whoever made the model.
pub(crate) fn bare(name: &str) -> &str {
    name.rsplit_once('/').map_or(name, |(_, name)| name)
}

fn is_digits(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit())
}

/// `20260205`.
fn is_compact_date(text: &str) -> bool {
    text.len() == 8 && text.starts_with("20") && is_digits(text)
}

/// `-2026-02-05`.
fn is_dashed_date(text: &str) -> bool {
    matches!(text.as_bytes(), [b'-', b'2', b'0', y1, y2, b'-', m1, m2, b'-', d1, d2]
        if [y1, y2, m1, m2, d1, d2].iter().all(|byte| byte.is_ascii_digit()))
}

/// `-20260205-v1:0`, or `-v1:0` alone.
fn is_bedrock_date(text: &str) -> bool {
    let Some((date, version)) = text.rsplit_once("-v") else {
        return false;
    };
    let is_version = version
        .strip_suffix(":0")
        .unwrap_or(version)
        .bytes()
        .all(|byte| byte.is_ascii_digit());
    is_version
        && !version.is_empty()
        && (date.is_empty() || date.strip_prefix('-').is_some_and(is_compact_date))
}
