//! The invoice of a provider, request by request, beside our access lines.

use fairlead_catalog::{Catalog, Mode, Unit};

use crate::books::compare;
use crate::callers::{Crowd, Until};
use crate::fleet::{World, budget, holder, providers, rules};
use crate::full;
use crate::harness::eventually;
use crate::harness::yaml::{ONCE, provider, rule};
use crate::redis::Server;
use crate::results::{about_at_most, at_least, at_most, count, usd};
use crate::vendor::{Prices, Temper, Vendor};

/// Whose price list it is: a vendor is known by its type, wherever it is.
const VENDOR: (&str, &str) = ("azure", "type: AzureOpenAI");
/// What is asked of the provider that goes by the price list.
const LISTED: &str = "gpt-5.4-mini";
/// The same of pictures.
const PICTURES: &str = "gpt-image-1.5";

const CALM: Temper = Temper {
    fails: 3,
    cuts: 25,
    dawdles: 0,
    thinks: 3,
    pause: 300,
    tokens: 20.0,
    tiers: true,
};

/// The price list's rates of a tier; the reckoning is the provider's own.
fn listed(model: &str, mode: Mode) -> Prices {
    let model = Catalog::builtin().find(VENDOR.0, model).unwrap();
    let rate = |unit| model.price(mode, unit, 0).map(|rate| rate.picos());
    let (input, output) = (rate(Unit::Input).unwrap(), rate(Unit::Output).unwrap());
    Prices {
        input,
        cached: rate(Unit::CacheRead).unwrap(),
        written: input,
        output,
        reasoning: output,
        shown: rate(Unit::InputImage).unwrap_or(input),
        drawn: rate(Unit::OutputImage).unwrap_or(output),
    }
}

/// A provider of that vendor, which has no prices of its own.
fn by_list(name: &str, base_url: &str) -> String {
    provider(name, base_url, ONCE).replace("type: OpenAI", VENDOR.1)
}

/// Who is asked, and who asks: by conversations that are read to their end, of tiers, and for pictures.
fn documents(vendors: &[Vendor]) -> String {
    let target = format!(
        "match: {{models: [tiered]}}, targets: [{{name: listed, providerRef: {{name: listed}}, model: {LISTED}}}], stream: {{onClientGone: Finish}}"
    );
    let picture = format!(
        "match: {{models: [picture]}}, targets: [{{name: pictures, providerRef: {{name: pictures}}, model: {PICTURES}}}]"
    );
    [
        by_list("pictures", &vendors[3].base_url()),
        rule("picture", &picture),
        providers(vendors),
        by_list("listed", &vendors[2].base_url()),
        rules(),
        rule("tiered", &target),
        holder("payer", &budget("100000", "")),
    ]
    .concat()
}

/// Some of the requests are of each tier and for pictures, or nothing was compared of them.
fn told_of_each(world: &World, requests: u64) {
    for (vendor, of) in [(2, "tiers"), (3, "pictures")] {
        let billed = world.vendors[vendor].ledger();
        let told = billed.iter().filter(|entry| entry.told).count();
        let name = format!("invoice of {requests} requests: {of} told");
        at_least(&name, count(told), "requests", 100.0);
    }
}

/// Lines, store, rows and sums are books of one; the metrics count the same. Each is written a moment after the request: it is waited for that all
/// are of as many.
async fn kept_in_every_book(world: &World, sum: i64) {
    let kept = eventually("as many requests in every book", async || {
        let lines = world.lines("payer").len();
        let kept = world.kept(0, "payer", lines).await;
        let lines = i64::try_from(lines).unwrap();
        (kept.requests == lines && kept.summed == lines).then_some(kept)
    });
    let kept = kept.await;
    assert_eq!((kept.nanos, kept.sums), (sum, sum));
    let metered = world.metered(0).await;
    assert!(
        (metered - usd(sum)).abs() < 1e-6,
        "{metered} of {}",
        usd(sum)
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "make governance runs it in full, and make test shortened"]
async fn it_agrees_to_the_nano_dollar_with_whatever_was_told() {
    let requests: u64 = if full() { 10_000 } else { 1_000 };
    let tiers = [Mode::Standard, Mode::Flex, Mode::Priority].map(|mode| listed(LISTED, mode));
    let pictures = listed(PICTURES, Mode::Standard);
    assert!(pictures.shown > pictures.input && pictures.drawn > pictures.output);
    let own = crate::fleet::PRICES;
    let plain = Temper {
        tiers: false,
        ..CALM
    };
    let vendors = vec![
        Vendor::start("oa", [own[0]; 3], plain).await,
        Vendor::start("an", [own[1]; 3], plain).await,
        Vendor::start("listed", tiers, CALM).await,
        Vendor::start("pictures", [pictures; 3], plain).await,
    ];
    let documents = documents(&vendors);
    let store = Server::start(&[]);
    let url = format!("valkey://127.0.0.1:{}", store.port);
    let world = World::of(store, &url, 1, vendors, documents).await;
    let mut crowd = Crowd::mixed("payer", 16, Until::Asked(requests));
    crowd.models = &["finish", "ended", "tiered", "picture"];
    crowd.hang_up = 20;
    crowd.on_streams_only = true;
    let calls = crowd.call(&world.addresses).await;
    let refused = calls.iter().find(|call| (400..500).contains(&call.status));
    assert!(refused.is_none(), "{refused:?}");
    let sum = world.balanced("payer").await;
    kept_in_every_book(&world, sum).await;
    let lines = world.lines("payer");
    let compared = compare(&lines, &world.vendors);
    compared.holds();
    told_of_each(&world, requests);
    let name = format!("invoice of {requests} requests");
    at_least(
        &format!("{name}: to the nano-dollar"),
        count(compared.exact),
        "requests",
        500.0,
    );
    at_most(
        &format!("{name}: told and not so"),
        count(compared.wrong.len()),
        "requests",
        0.0,
    );
    let (ours, theirs) = compared.estimate;
    println!(
        "invoice: estimated {} lines, {ours} of {theirs}",
        compared.estimated
    );
    // Of a thousand some hundred are estimated, the first of them without any experience.
    let times = if full() { 1.0 } else { 4.0 };
    about_at_most(
        &format!("{name}: not told, in sum off by"),
        (usd(ours) / usd(theirs) - 1.0).abs() * 100.0,
        "%",
        10.0,
        times,
    );
}
