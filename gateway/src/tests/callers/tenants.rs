//! A tenant that is after the callers of another: it writes keys of its own, has an issuer of its own, and workloads that have tokens.

use super::*;

const CLUSTER: &str = "https://oidc.cluster.example";
const EVIL: &str = "https://evil.example/keys";

/// What a token of a service account says.
fn account(namespace: &str, name: &str) -> Value {
    json!({
        "iss": CLUSTER,
        "aud": ["fairlead"],
        "sub": format!("system:serviceaccount:{namespace}:{name}"),
        "kubernetes.io": {"namespace": namespace, "serviceaccount": {"name": name}},
    })
}

const APP: &str = ", claims: {/kubernetes.io/serviceaccount/name: app}";

/// The victim's provider and key, and what the attacker has written.
struct Site {
    shop: Provider,
    evil: Provider,
    cluster: Signer,
    forger: Signer,
    world: World,
}

async fn site(attacks: &[String]) -> Site {
    let (shop, evil) = (always(two_cents()), always(two_cents()));
    let (cluster, forger) = (Signer::new("one"), Signer::new("one"));
    let issuers = Issuers::with(CLUSTER, &[&cluster]);
    // A copy of the real keys beside one of its own: tokens of the victim's are genuine by it, too.
    let mut keys = set(&[&forger]);
    keys["keys"].as_array_mut().unwrap().push(cluster.public());
    issuers.put(EVIL, Some(keys));
    let local = |name: &str, at: &Provider| {
        let spec = format!(
            "type: OpenAI, baseURL: \"{}\", models: [{{name: chat}}], {PRICE}",
            at.base_url()
        );
        object("LLMProvider", name, &spec)
    };
    let documents = [
        local("shop/own", &shop),
        local("evil/own", &evil),
        by_token(
            "shop/app",
            CLUSTER,
            APP,
            r#", budgets: [{name: day, amount: "100", period: Daily}]"#,
        ),
    ];
    let documents = [&documents[..], attacks].concat();
    let world = World::serve_behind(&[], Some(issuers), &documents);
    settled().await;
    Site {
        shop,
        evil,
        cluster,
        forger,
        world,
    }
}

impl Site {
    /// The victim's workload calls as it always did, and reaches its own provider.
    async fn is_unharmed(&self) {
        let before = (self.shop.requests(), self.evil.requests());
        let token = self.cluster.token(&account("shop", "app"));
        assert_eq!(told(&self.world, &token).await, no(200, ""));
        assert_eq!(
            (self.shop.requests(), self.evil.requests()),
            (before.0 + 1, before.1)
        );
        let last = std::iter::from_fn(|| self.world.ended()).last();
        let ended = format!("{:?}", last.unwrap());
        assert!(ended.contains("shop/app"), "{ended}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_same_words_take_nobody_and_block_nobody() {
    let site = site(&[by_token("evil/app", CLUSTER, APP, "")]).await;
    site.is_unharmed().await;
}

#[tokio::test(start_paused = true)]
async fn to_say_more_takes_nobody() {
    let more = ", claims: {/kubernetes.io/serviceaccount/name: app, /kubernetes.io/namespace: shop, sub: \"system:serviceaccount:shop:app\"}";
    let site = site(&[by_token("evil/app", CLUSTER, more, "")]).await;
    site.is_unharmed().await;
}

#[tokio::test(start_paused = true)]
async fn to_say_nothing_takes_nobody_and_to_suspend_it_blocks_nobody() {
    let site = site(&[by_token("evil/app", CLUSTER, "", ", suspended: true")]).await;
    site.is_unharmed().await;
}

#[tokio::test(start_paused = true)]
async fn a_copy_of_the_issuers_keys_takes_nobody() {
    let copy = format!("{APP}, jwksURL: \"{EVIL}\"");
    let site = site(&[by_token("evil/app", CLUSTER, &copy, "")]).await;
    site.is_unharmed().await;
}

#[tokio::test(start_paused = true)]
async fn a_token_that_the_attacker_made_up_opens_nothing_of_the_victims() {
    let copy = format!(", jwksURL: \"{EVIL}\"");
    let site = site(&[by_token("evil/app", CLUSTER, &copy, "")]).await;
    let forged = site.forger.token(&account("shop", "app"));
    assert_eq!(told(&site.world, &forged).await, no(401, "invalid_token"));
    let mut forged = account("evil", "app");
    forged["aud"] = json!(["fairlead", "fairlead:shop"]);
    // In its own name it is its own caller, whatever it says beside that.
    let forged = site.forger.token(&forged);
    let _ = told(&site.world, &forged).await;
    assert_eq!(site.shop.requests(), 0);
    site.is_unharmed().await;
}

#[tokio::test(start_paused = true)]
async fn a_workload_of_the_attackers_is_no_caller_of_the_victims() {
    let site = site(&[]).await;
    let own = site.cluster.token(&account("evil", "app"));
    assert_eq!(told(&site.world, &own).await, no(401, "no_key_for_token"));
    // Nor for audiences that anybody can ask for.
    let mut own = account("evil", "app");
    own["aud"] = json!(["fairlead", "fairlead:shop"]);
    let own = site.cluster.token(&own);
    assert_eq!(told(&site.world, &own).await, no(401, "no_key_for_token"));
    site.is_unharmed().await;
}

#[tokio::test(start_paused = true)]
async fn tokens_that_name_keys_which_are_not_there_do_not_keep_others_from_theirs() {
    let site = site(&[by_token("evil/app", CLUSTER, APP, "")]).await;
    let unknown = Signer::new("nowhere");
    for at in 0..100 {
        let mut claims = account("evil", "app");
        claims["jti"] = json!(at);
        assert_eq!(
            told(&site.world, &unknown.token(&claims)).await,
            no(401, "invalid_token")
        );
    }
    site.is_unharmed().await;
}
