//! Several gateways that count on one store, in front of two providers.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use fairlead_faults::Dialect;
use parking_lot::RwLock;
use serde_json::Value;

use crate::books::{Line, nanos};
use crate::harness::lines::Lines;
use crate::harness::yaml::{ONCE, chain, key, provider};
use crate::harness::{Gateway, Setup, eventually};
use crate::redis::Server;
use crate::vendor::{HEDGE, Prices, Temper, Vendor};

/// What everything stands on.
pub(crate) struct World {
    /// The store.
    pub(crate) store: Server,
    /// The providers: of the APIs of OpenAI, Anthropic, Google and Amazon.
    pub(crate) vendors: Vec<Vendor>,
    /// The gateways.
    pub(crate) gateways: Vec<Option<Gateway>>,
    /// Where they listen now.
    pub(crate) addresses: Addresses,
    /// The access logs of all there are and were.
    logs: Vec<Lines>,
    url: String,
    documents: String,
}

/// Where gateways listen.
pub(crate) type Addresses = Arc<RwLock<Vec<SocketAddr>>>;

/// What tokens cost at each of them.
pub(crate) const PRICES: [Prices; 2] = [
    Prices {
        input: 1_000_003,
        cached: 100_001,
        written: 1_250_007,
        output: 25_000_011,
        reasoning: 30_000_013,
        shown: 1_000_003,
        drawn: 25_000_011,
    },
    Prices {
        input: 1_100_009,
        cached: 110_003,
        written: 1_375_001,
        output: 27_500_017,
        reasoning: 27_500_017,
        shown: 1_100_009,
        drawn: 27_500_017,
    },
];

/// How they are where much goes wrong.
pub(crate) const ROUGH: Temper = Temper {
    fails: 4,
    cuts: 4,
    dawdles: 3,
    thinks: 5,
    pause: 500,
    tokens: 20.0,
    tiers: false,
};

/// The value of a key by its name, which is all that tells them apart.
pub(crate) fn value(name: &str) -> String {
    format!("sk-{name}-0123456789abcdef0123456789abcdef")
}

/// The key of this name with these fields.
pub(crate) fn holder(name: &str, fields: &str) -> String {
    key(name, &value(name), fields)
}

/// A budget of a day, with further fields.
pub(crate) fn budget(usd: &str, more: &str) -> String {
    format!("budgets: [{{name: day, amount: \"{usd}\", period: Daily{more}}}]")
}

/// The first two of them, by their own prices.
pub(crate) fn providers(vendors: &[Vendor]) -> String {
    let own = |at: usize| format!("{ONCE}, {}", PRICES[at].field());
    provider("oa", &vendors[0].base_url(), &own(0))
        + &anthropic("an", &vendors[1].base_url(), &own(1))
}

/// An `LLMProvider` of Anthropic's API.
pub(crate) fn anthropic(name: &str, base_url: &str, more: &str) -> String {
    provider(name, base_url, more).replace("type: OpenAI", "type: Anthropic")
}

/// Two more of other APIs, at the same prices, and the models that begin with them.
fn others(vendors: &[Vendor]) -> String {
    let of = |at: usize, name: &str, kind: &str| {
        let more = format!("{ONCE}, {}", PRICES[at - 2].field());
        let more = match Dialect::all().find(|dialect| dialect.name() == kind) {
            Some(dialect) if !dialect.settings().is_empty() => {
                format!("{more}, {}", dialect.settings())
            }
            _ => more,
        };
        let kind = format!("type: {kind}");
        provider(name, &vendors[at].base_url(), &more).replace("type: OpenAI", &kind)
    };
    [
        of(2, "ge", "Gemini"),
        of(3, "be", "Bedrock"),
        chain("gemini", &["ge", "oa"], ""),
        chain("bedrock", &["be", "an"], ""),
    ]
    .concat()
}

/// The models there are: from each provider to the other, with a hedge, and read to the end when the caller has gone.
pub(crate) fn rules() -> String {
    let hedge = format!("hedge: {{delay: {}ms, maxPercent: 100}}", HEDGE.as_millis());
    [
        chain("plain", &["oa", "an"], ""),
        chain("cross", &["an", "oa"], ""),
        chain("hedged", &["oa", "an"], &hedge),
        chain("finish", &["oa", "an"], "stream: {onClientGone: Finish}"),
        chain("ended", &["an", "oa"], "stream: {onClientGone: Finish}"),
    ]
    .concat()
}

impl World {
    /// So many gateways and these keys.
    pub(crate) async fn start(gateways: usize, temper: Temper, keys: &str) -> Self {
        let store = Server::start(&["--appendfsync", "everysec"]);
        let url = format!("valkey://127.0.0.1:{}", store.port);
        Self::on(store, &url, gateways, temper, keys).await
    }

    /// The same on a store that is there.
    pub(crate) async fn on(
        store: Server,
        url: &str,
        gateways: usize,
        temper: Temper,
        keys: &str,
    ) -> Self {
        let vendors = vec![
            Vendor::start("oa", [PRICES[0]; 3], temper).await,
            Vendor::start("an", [PRICES[1]; 3], temper).await,
            Vendor::start("ge", [PRICES[0]; 3], temper).await,
            Vendor::start("be", [PRICES[1]; 3], temper).await,
        ];
        let documents = [
            providers(&vendors),
            others(&vendors),
            rules(),
            keys.to_owned(),
        ];
        let documents = documents.concat();
        Self::of(store, url, gateways, vendors, documents).await
    }

    /// With these providers and documents.
    pub(crate) async fn of(
        store: Server,
        url: &str,
        gateways: usize,
        vendors: Vec<Vendor>,
        documents: String,
    ) -> Self {
        let mut world = Self {
            store,
            vendors,
            gateways: Vec::new(),
            addresses: Addresses::default(),
            logs: Vec::new(),
            url: url.to_owned(),
            documents,
        };
        for _ in 0..gateways {
            let gateway = world.setup().start().await;
            world.addresses.write().push(gateway.address);
            world.logs.push(gateway.out.clone());
            world.gateways.push(Some(gateway));
        }
        for gateway in world.gateways.iter().flatten() {
            ready(gateway).await;
        }
        world
    }

    fn setup(&self) -> Setup {
        Setup::new()
            .file("all.yaml", &self.documents)
            .arguments(&["--store", &self.url, "--store-journal", "{}/journal"])
            .arguments(&["--cores", "1", "--state-dir", "{}/state"])
    }

    /// One that runs.
    pub(crate) fn gateway(&self, at: usize) -> &Gateway {
        self.gateways[at].as_ref().unwrap()
    }

    /// Ends one without a word and starts the next on what it left behind, or on nothing.
    pub(crate) async fn replace(&mut self, at: usize, keeps_journal: bool) {
        let mut gateway = self.gateways[at].take().unwrap();
        gateway.signal("KILL").await;
        gateway.end().await;
        let setup = if keeps_journal {
            gateway.setup
        } else {
            self.setup()
        };
        let gateway = setup.start().await;
        self.addresses.write()[at] = gateway.address;
        self.logs.push(gateway.out.clone());
        self.gateways[at] = Some(gateway);
    }

    /// The access lines of a key so far, from all there are and were.
    pub(crate) fn lines(&self, key: &str) -> Vec<Line> {
        let key = format!("default/{key}");
        let all = self.logs.iter().flat_map(Lines::so_far);
        let parsed = all.filter_map(|line| serde_json::from_str::<Value>(&line).ok());
        parsed
            .filter(|line| line["key"] == *key)
            .map(|line| Line::of(&line))
            .collect()
    }

    /// How a limit of a key stands, as a gateway tells its holder: in nano-USD or a count; `None`: it cannot say.
    pub(crate) async fn used(&self, at: usize, key: &str, limit: &str) -> Option<i64> {
        let answer = self.gateway(at).get_as(&value(key), "/v1/usage").await;
        let told = answer.json();
        let lines = told["limits"].as_array()?;
        let line = lines.iter().find(|line| line["name"] == limit)?;
        let amount = line["used"].as_f64()?;
        if line["unit"] == "usd" {
            Some(nanos(amount))
        } else {
            line["used"].as_i64()
        }
    }

    /// Waits until the store says of a budget, at every gateway, what the access lines add up to, and says what that is.
    pub(crate) async fn balanced(&self, key: &str) -> i64 {
        let running = || (0..self.gateways.len()).filter(|at| self.gateways[*at].is_some());
        let mut last = String::new();
        let mut rounds = 0;
        eventually(
            "the store, at every gateway, is what the lines add up to",
            async || {
                let sum: i64 = self.lines(key).iter().map(|line| line.nanos).sum();
                let mut told = Vec::new();
                for at in running() {
                    told.push(self.used(at, key, "day").await);
                }
                rounds += 1;
                last = format!("{key}: lines {sum}, store {told:?}");
                assert!(rounds < 150, "{last}");
                told.iter().all(|used| *used == Some(sum)).then_some(sum)
            },
        )
        .await
    }
}

/// Waits until it may be asked: one that has just met its store grants nothing of a strict budget yet.
async fn ready(gateway: &Gateway) {
    eventually("a gateway is ready", async || {
        let answer = gateway.admin("/readyz").send().await.unwrap();
        answer.status().is_success().then_some(())
    })
    .await;
}

/// What a store says of itself, without the framing.
fn said(answer: &str) -> Vec<String> {
    let lines = answer
        .split("\r\n")
        .filter(|line| !line.starts_with(['$', '*']));
    lines
        .filter(|line| !line.is_empty())
        .map(str::to_owned)
        .collect()
}

impl World {
    /// Waits until all gateways say the same of a limit, twice with a pause between, and says what.
    pub(crate) async fn settled(&self, key: &str, limit: &str) -> i64 {
        let mut before = None;
        eventually("all gateways say the same of a limit", async || {
            let mut told = Vec::new();
            for at in 0..self.gateways.len() {
                told.push(self.used(at, key, limit).await);
            }
            let first = told[0].filter(|_| told.iter().all(|one| *one == told[0]));
            let same = first.filter(|_| before == first);
            before = first;
            tokio::time::sleep(Duration::from_millis(1500)).await;
            same
        })
        .await
    }

    /// What the store has of a key's budget as used, without what may be lost.
    pub(crate) fn stored(&self, key: &str) -> i64 {
        let names = said(
            &self
                .store
                .say(&["KEYS", &format!("*budget/key/default/{key}/day*")]),
        );
        let used = names.iter().filter_map(|name| {
            let told = said(&self.store.say(&["HGET", name, "used"]));
            told.first()?.parse::<i64>().ok()
        });
        used.sum()
    }

    /// How many scripts the store has run.
    pub(crate) fn scripts(&self) -> u64 {
        let told = self.store.say(&["INFO", "commandstats"]);
        let calls = told.lines().filter(|line| line.starts_with("cmdstat_eval"));
        let number = |line: &str| {
            line.split_once("calls=")?
                .1
                .split(',')
                .next()?
                .parse::<u64>()
                .ok()
        };
        calls.filter_map(number).sum()
    }
}
