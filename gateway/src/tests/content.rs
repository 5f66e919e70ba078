//! What is kept of content, of which requests, and what of it.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};

use fairlead_faults::{Play, Provider, Reply};
use fairlead_record::content::{Content, ContentMemory, ContentStore, Packed};
use fairlead_record::{Answer as Told, Standing, Wall, hex};
use fairlead_snapshot::LoggedContent;
use futures_util::FutureExt as _;
use parking_lot::Mutex;
use prometheus_client::metrics::counter::Counter;
use serde_json::{Value, json};

use crate::harness::yaml::{caller, chain, key, provider};
use crate::harness::{Answer, OTHER, World, always, seconds, streamed, whole};
use crate::observe::content::Contents;
use crate::observe::recorder::End;

const KEY: &str = "sk-proj-Zk3vT9qLw2Xy7Rb5Nf8H";

/// A gateway, and what it keeps once it has ended.
struct Keeping {
    world: World,
    _provider: Provider,
    end: End,
    store: Arc<ContentMemory>,
    dropped: Counter,
}

impl Keeping {
    /// With rules for `chat`, as this logs, and for `quiet` and `other`, which say nothing of it.
    fn serve(ceiling: LoggedContent, logging: &str, play: Play) -> Self {
        let store = Arc::new(ContentMemory::new(24, Wall::default()));
        Self::serve_to(Arc::clone(&store) as _, store, ceiling, logging, play)
    }

    fn serve_to(
        to: Arc<dyn ContentStore>,
        store: Arc<ContentMemory>,
        ceiling: LoggedContent,
        logging: &str,
        play: Play,
    ) -> Self {
        let dropped = Counter::default();
        let stores = vec![to];
        let (contents, over) = Contents::to(stores, (ceiling, 24), dropped.clone()).unwrap();
        let a = always(play);
        let world = World::serve_keeping(
            contents,
            &[
                provider("a", &a.base_url(), "access: {namespaces: {from: All}}"),
                caller(),
                key("shop/other", OTHER, ""),
                chain("chat", &["a"], &format!("logging: {{{logging}}}")),
                chain("quiet", &["a"], ""),
                "apiVersion: fairlead.dev/v1alpha1\nkind: RoutingRule\nmetadata: {namespace: shop, name: chat}\nspec: {match: {models: [chat]}, targets: [{name: a, providerRef: {name: a, namespace: default}}]}\n---\n".to_owned(),
            ],
        );
        Self {
            world,
            _provider: a,
            end: End::new(over, seconds(60)),
            store,
            dropped,
        }
    }

    async fn ask(&self, body: &Value) -> u64 {
        id(&self.world.ask(body).await)
    }

    /// What is kept of these requests, once all is kept that will be.
    fn kept(self, ids: &[u64]) -> Vec<Option<Content>> {
        drop(self.world);
        self.end.wait();
        let read = |id: &u64| self.store.read(*id).now_or_never().unwrap().unwrap();
        ids.iter().map(read).collect()
    }
}

fn id(answer: &Answer) -> u64 {
    let id = answer.headers["x-fairlead-request-id"].to_str().unwrap();
    hex::id(id).unwrap()
}

fn saying(text: &str, model: &str, stream: bool) -> Value {
    json!({"model": model, "messages": [{"role": "user", "content": text}], "stream": stream})
}

#[tokio::test(start_paused = true)]
async fn nothing_is_kept_of_a_rule_that_does_not_ask_for_it() {
    let keeping = Keeping::serve(LoggedContent::Full, "content: Full", Play::chat("A."));
    let logged = keeping.ask(&whole("chat")).await;
    let quiet = keeping.ask(&whole("quiet")).await;
    // Another tenant's rule of the same name, and its key.
    let other = id(&keeping.world.ask_as(OTHER, &whole("chat")).await);
    let nobody = id(&keeping.world.ask(&whole("nobody-offers-it")).await);
    let kept = keeping.kept(&[logged, quiet, other, nobody]);
    let is_kept: Vec<bool> = kept.iter().map(Option::is_some).collect();
    assert_eq!(is_kept, [true, false, false, false]);
    let content = kept[0].as_ref().unwrap();
    assert_eq!(
        (content.key.as_deref(), content.rule.as_deref()),
        (Some("default/caller"), Some("default/chat"))
    );
    assert_eq!(content.request.text, whole("chat").to_string());
    let answer: Value = serde_json::from_str(&content.answer.as_ref().unwrap().text).unwrap();
    assert_eq!(answer["choices"][0]["message"]["content"], "A.");
}

#[tokio::test(start_paused = true)]
async fn neither_the_rule_nor_the_installation_has_more_kept_than_it_says() {
    for (ceiling, logging) in [
        (LoggedContent::Full, "content: Request"),
        (LoggedContent::Request, "content: Full"),
    ] {
        for body in [whole("chat"), streamed("chat")] {
            let keeping = Keeping::serve(ceiling, logging, Play::chat("A."));
            let id = keeping.ask(&body).await;
            let kept = keeping.kept(&[id]).remove(0).unwrap();
            assert_eq!((kept.request.text, kept.answer), (body.to_string(), None));
        }
    }
    let keeping = Keeping::serve(LoggedContent::Full, "content: None", Play::chat("A."));
    let id = keeping.ask(&whole("chat")).await;
    assert_eq!(keeping.kept(&[id]), [None]);
}

/// Masked where it is asked, and where it is answered piece by piece.
#[tokio::test(start_paused = true)]
async fn a_stream_is_kept_as_words_and_a_key_nowhere() {
    let (first, second) = KEY.split_at(11);
    let play = Play::from(Reply::words([
        "The key is ",
        first,
        second,
        ", of C-123456.",
    ]));
    let logging = "content: Full, redact: [{name: customer, pattern: \"C-[0-9]{6}\"}]";
    let keeping = Keeping::serve(LoggedContent::Full, logging, play);
    let asked = saying(&format!("Is {KEY} of C-123456?"), "chat", true);
    let id = keeping.ask(&asked).await;
    let kept = keeping.kept(&[id]).remove(0).unwrap();
    let answer = kept.answer.unwrap();
    assert_eq!(
        answer.text,
        "The key is [redacted:key], of [redacted:customer]."
    );
    assert!(!answer.cut);
    let sent: Value = serde_json::from_str(&kept.request.text).unwrap();
    assert_eq!(
        sent["messages"][0]["content"],
        "Is [redacted:key] of [redacted:customer]?"
    );
}

#[tokio::test(start_paused = true)]
async fn a_refusal_is_an_answer_too() {
    let keeping = Keeping::serve(LoggedContent::Full, "content: Full", Play::status(400));
    let answer = keeping.world.ask(&whole("chat")).await;
    assert_eq!(answer.status, 400);
    let (id, said) = (id(&answer), answer.text());
    let kept = keeping.kept(&[id]).remove(0).unwrap();
    assert_eq!(kept.answer.unwrap().text, said);
}

/// A store that takes nothing until the other end is dropped.
#[derive(Debug)]
struct Stuck(Mutex<Receiver<()>>);

impl ContentStore for Stuck {
    fn name(&self) -> &'static str {
        "stuck"
    }

    fn keep(&self, _: &Arc<Packed>) {
        let _ = self.0.lock().recv();
    }

    fn read(&self, _: u64) -> Told<'_, Option<Content>> {
        Box::pin(std::future::ready(Ok(None)))
    }

    fn standing(&self) -> Standing {
        Standing::default()
    }

    fn end(&self) {}
}

#[tokio::test(start_paused = true)]
async fn a_store_that_is_stuck_holds_up_nobody() {
    let (held, let_go) = channel();
    let stuck = Arc::new(Stuck(Mutex::new(let_go)));
    let unused = Arc::new(ContentMemory::new(24, Wall::default()));
    let keeping = Keeping::serve_to(
        stuck,
        unused,
        LoggedContent::Full,
        "content: Full",
        Play::chat("A."),
    );
    let long = "word ".repeat(400_000);
    for _ in 0..12 {
        let answer = keeping.world.ask(&saying(&long, "chat", false)).await;
        assert_eq!(answer.status, 200);
    }
    // Nine of two megabytes do not fit into sixteen, with one in hand; the others are counted.
    assert!(
        (3..=5).contains(&keeping.dropped.get()),
        "{}",
        keeping.dropped.get()
    );
    drop(held);
    keeping.kept(&[]);
}
