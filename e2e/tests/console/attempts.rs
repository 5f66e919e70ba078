//! What a viewer of `search` tries to learn of `shop`, whose every name has [`MARK`] in it: twenty ways, none of which may come to anything.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use fairlead_e2e::results::Figure;
use fairlead_e2e::{Caller, Connections, NAMESPACE};
use serde_json::{Value, json};

use crate::browser::{Browser, Said};
use crate::world::{MARK, World};
use crate::{CALLS, seen};

/// So many attempts there are.
const ATTEMPTS: usize = 20;
/// How long the live view is listened to.
const LISTENED: Duration = Duration::from_secs(4);

/// What was tried, and what came of it.
struct Tried {
    all: Vec<(usize, &'static str)>,
}

impl Tried {
    /// An attempt that was refused, or answered without the mark.
    fn add(&mut self, number: usize, what: &'static str, said: &Said) -> Result<()> {
        let refused = [401, 403, 404].contains(&said.status);
        ensure!(
            refused || !said.text.contains(MARK),
            "{number} {what}: {said:?}"
        );
        ensure!(
            said.status < 500 || said.status == 503,
            "{number} {what}: {said:?}"
        );
        self.all.push((number, what));
        Ok(())
    }

    fn text(&mut self, number: usize, what: &'static str, text: &str) -> Result<()> {
        ensure!(!text.contains(MARK), "{number} {what}: {text}");
        self.all.push((number, what));
        Ok(())
    }
}

/// All of them. `keys`: the value of a key of `search`, and of one of `shop`.
pub(crate) async fn all(world: &World, keys: (&str, &str)) -> Result<()> {
    let lead = world.viewer("search", "lead").await?;
    let auditor = world.viewer(NAMESPACE, "auditor").await?;
    let mut tried = Tried { all: Vec::new() };
    failure_of_the_other(world, keys.1).await?;
    requests(&lead, &auditor, &mut tried).await?;
    content(world, (&lead, &auditor), &mut tried).await?;
    spend(&lead, &mut tried).await?;
    live(world, (&lead, &auditor), keys, &mut tried).await?;
    pages(&lead, &mut tried).await?;
    explanations(&lead, &mut tried).await?;
    writing(&lead, &mut tried).await?;
    sessions(world, &lead, &mut tried).await?;
    let mut numbers: Vec<usize> = tried.all.iter().map(|(number, _)| *number).collect();
    numbers.dedup();
    ensure!(numbers == (1..=ATTEMPTS).collect::<Vec<_>>(), "{numbers:?}");
    // The auditor sees all of it, so that there was something to see.
    for path in ["overview", "providers", "rules", "keys", "configuration"] {
        let said = auditor.get(path).await?;
        ensure!(said.text.contains(MARK), "{path}: {said:?}");
    }
    let all = u32::try_from(ATTEMPTS)?;
    seen(&Figure::no_fewer(
        "console: attempts at another's namespace that came to nothing",
        numbers.len(),
        "attempts",
        all,
    ))
}

/// A request of `shop` that fails, for the first page to tell of.
async fn failure_of_the_other(world: &World, key: &str) -> Result<()> {
    let (_, gateway) = world.gateways.first().context("no gateway")?;
    let caller = Caller::new(gateway.address(), key, Connections::Fresh)?;
    let answer = caller.chat("zebra-3").await?;
    ensure!(answer.status >= 400, "{answer:?}");
    Ok(())
}

async fn requests(lead: &Browser, auditor: &Browser, tried: &mut Tried) -> Result<()> {
    let of_key = json!({"filter": {"key": "shop/zebra-key"}});
    let theirs = auditor.post("requests", &of_key).await?;
    let row = theirs
        .rows()?
        .into_iter()
        .next()
        .context("nothing to find")?;
    let id = row["id"].as_str().context("no id")?.to_owned();
    let said = lead.post("requests", &json!({})).await?;
    ensure!(said.rows()?.len() == 2 * CALLS, "{said:?}");
    tried.add(1, "requests without a filter", &said)?;
    for (number, what, question) in [
        (2, "requests of a key", of_key),
        (
            3,
            "requests of a team",
            json!({"filter": {"team": "shop/zebra-team"}}),
        ),
        (4, "requests with a text", json!({"filter": {"text": MARK}})),
    ] {
        let said = lead.post("requests", &question).await?;
        ensure!(said.rows()?.is_empty(), "{said:?}");
        tried.add(number, what, &said)?;
    }
    let scope = json!({"filter": {"scope": "All"}});
    tried.add(
        5,
        "a scope in the question",
        &lead.post("requests", &scope).await?,
    )?;
    let said = lead.get(&format!("requests/{id}")).await?;
    ensure!(said.status == 404, "{said:?}");
    tried.add(6, "a request by its id", &said)?;
    ensure!(auditor.get(&format!("requests/{id}")).await?.status == 200);
    let first = auditor
        .post("requests", &json!({"ask": {"limit": 1}}))
        .await?;
    let after = first.json()?["next"].clone();
    let next = json!({"ask": {"limit": 500, "after": after}});
    tried.add(
        7,
        "a place in another's pages",
        &lead.post("requests", &next).await?,
    )
}

/// What was written in a request: to see requests is not to read it, and to read it in one namespace is not to in another.
async fn content(
    world: &World,
    (lead, auditor): (&Browser, &Browser),
    tried: &mut Tried,
) -> Result<()> {
    let of_rule = json!({"filter": {"rule": "shop/zebra-rule"}});
    let theirs = auditor.post("requests", &of_rule).await?.rows()?;
    let id = theirs.first().and_then(|row| row["id"].as_str());
    let path = format!("content/{}", id.context("nothing to read")?);
    let said = auditor.get(&path).await?;
    ensure!(said.status == 200, "{said:?}");
    let asked = said.json()?["request"]["text"].clone();
    ensure!(asked.as_str().is_some_and(|text| text.contains(MARK)));
    let reader = world.viewer("search", "reader").await?;
    for (who, status) in [(lead, 403), (&reader, 404)] {
        let said = who.get(&path).await?;
        ensure!(said.status == status, "{said:?}");
        tried.add(7, "what was written in another's request", &said)?;
    }
    Ok(())
}

async fn spend(lead: &Browser, tried: &mut Tried) -> Result<()> {
    for (number, what, question) in [
        (
            8,
            "spend by what it is of",
            json!({"by": ["team", "key", "provider", "model"]}),
        ),
        (
            9,
            "spend of a key",
            json!({"key": "shop/zebra-key", "by": ["key"]}),
        ),
        (
            10,
            "spend as a table",
            json!({"by": ["hour", "team", "key", "provider", "model"]}),
        ),
    ] {
        tried.add(number, what, &lead.post("usage", &question).await?)?;
    }
    Ok(())
}

/// Both tenants call while both look.
async fn live(
    world: &World,
    (lead, auditor): (&Browser, &Browser),
    (own, others): (&str, &str),
    tried: &mut Tried,
) -> Result<()> {
    let calls = async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        world.call(own, "chat", 1).await?;
        world.call(others, "zebra-chat", 1).await
    };
    let (all, mine, called) = tokio::join!(
        auditor.live(None, LISTENED),
        lead.live(Some("0"), LISTENED),
        calls
    );
    called?;
    let (all, mine) = (all?, mine?);
    ensure!(all.contains(MARK), "{all}");
    ensure!(mine.contains("search/app"), "{mine}");
    tried.text(11, "the live view", &mine)?;
    // From the beginning on, as one would go on who was cut off.
    let id = all
        .lines()
        .find_map(|line| line.strip_prefix("id:"))
        .context("no id")?;
    let boot = id.trim().split_once('-').context("no place")?.0;
    let mine = lead.live(Some(&format!("{boot}-0")), LISTENED).await?;
    ensure!(mine.contains("search/app"), "{mine}");
    tried.text(11, "the live view from its beginning", &mine)
}

async fn pages(lead: &Browser, tried: &mut Tried) -> Result<()> {
    let said = lead.get("overview").await?;
    let pulse = said.json()?["pulse"]["requests"].clone();
    let counted: u64 = pulse
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_u64)
        .sum();
    // Theirs of before, and one of each gateway while they looked.
    ensure!(counted == 2 * CALLS as u64 + 2, "{counted} of {said:?}");
    tried.add(12, "the first page", &said)?;
    tried.add(
        13,
        "how another's provider does",
        &lead.get("providers").await?,
    )?;
    let said = lead.get("rules").await?;
    tried.add(14, "the rules", &said)?;
    for path in ["keys", "configuration"] {
        tried.add(14, "other pages", &lead.get(path).await?)?;
    }
    Ok(())
}

async fn explanations(lead: &Browser, tried: &mut Tried) -> Result<()> {
    let question = json!({"key": "shop/zebra-key", "body": {"model": "zebra-chat"}});
    let said = lead.post("explain", &question).await?;
    ensure!(said.status == 404, "{said:?}");
    tried.add(15, "an explanation with another's key", &said)?;
    let question = json!({"key": "search/app", "body": {"model": "anybody"}});
    let said = lead.post("explain", &question).await?;
    ensure!(said.status == 200, "{said:?}");
    tried.add(16, "an explanation that leads to another's provider", &said)
}

fn form(namespace: &str, name: &str, provider: &str) -> Value {
    json!({"namespace": namespace, "name": name, "models": ["probe"], "targets": [{"name": "one", "provider": provider, "model": "fast"}]})
}

async fn writing(lead: &Browser, tried: &mut Tried) -> Result<()> {
    let said = lead.post("build", &form("shop", "probe", "one")).await?;
    ensure!([403, 404].contains(&said.status), "{said:?}");
    tried.add(17, "a rule in another's namespace", &said)?;
    // What is there is told of no more than what is not: the answers are the same but for the name that was asked with.
    let [there, not] =
        ["shop/zebra-private", "shop/zebra-nothing"].map(|name| form("search", "probe", name));
    let [there, not] = [
        lead.post("build", &there).await?,
        lead.post("build", &not).await?,
    ];
    let same = |said: &Said| {
        said.text
            .replace("zebra-private", "X")
            .replace("zebra-nothing", "X")
    };
    let is_as = |said: &Said| {
        let mut told: Value = serde_json::from_str(&same(said)).unwrap_or_default();
        told["seen"] = Value::Null;
        told
    };
    let found = there.json()?["findings"].clone();
    ensure!(found[0]["reason"] == "ProviderNotFound", "{there:?}");
    ensure!(
        not.status == 200 && is_as(&there) == is_as(&not),
        "{there:?} {not:?}"
    );
    tried
        .all
        .push((18, "a rule that leads to another's provider"));
    for name in ["probe", "probe\nmetadata: {namespace: shop}"] {
        let apply = json!({"form": form("shop", name, "one"), "seen": "0".repeat(64)});
        let said = lead.post("apply", &apply).await?;
        ensure!([400, 403, 404, 409].contains(&said.status), "{said:?}");
        tried.add(19, "writing into another's namespace", &said)?;
    }
    Ok(())
}

async fn sessions(world: &World, lead: &Browser, tried: &mut Tried) -> Result<()> {
    let auditor = world.viewer(NAMESPACE, "auditor").await?;
    ensure!(auditor.sign_out().await?.status == 204);
    let said = auditor.get("overview").await?;
    ensure!(said.status == 401, "{said:?}");
    tried.add(20, "a session that was ended", &said)?;
    let forged = [
        ("x-auth-request-user", "system:admin"),
        ("x-auth-request-groups", "system:masters"),
        ("x-remote-user", "system:admin"),
        ("impersonate-user", "system:admin"),
        ("impersonate-group", "system:masters"),
    ];
    let said = world.browser()?.get_with("overview", &forged).await?;
    ensure!(said.status == 401, "{said:?}");
    tried.add(20, "headers of a proxy that is not there", &said)?;
    tried.add(
        20,
        "the same beside a session",
        &lead.get_with("rules", &forged).await?,
    )?;
    let bearer = [("authorization", "Bearer a.b.c")];
    let said = lead.get_with("rules", &bearer).await?;
    ensure!([200, 401].contains(&said.status), "{said:?}");
    tried.add(20, "a token beside a session", &said)
}
