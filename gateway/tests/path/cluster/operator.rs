//! Publishes as the operator does: the admin port's token, credentials, shards, index.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use fairlead_compile::{Compiled, Inputs, Settings, compile, documents};
use fairlead_snapshot::{Index, Shard, names};
use serde_json::{Map, Value, json};

use super::apiserver::{ApiServer, NAMESPACE};

/// The installation.
pub(super) const GATEWAY: &str = "default";
/// The token of the admin port, unless a test writes another.
pub(super) const TOKEN: &str = "admin-token-0123456789abcdef";

/// An API server, and what was published there last.
#[derive(Debug)]
pub(super) struct Operator {
    pub(super) api: ApiServer,
    index: Option<Index>,
}

/// What is to be published.
#[derive(Debug)]
pub(super) struct Draft {
    pub(super) index: Index,
    pub(super) shards: Vec<Shard>,
    /// The data of the Secret.
    pub(super) secret: Map<String, Value>,
}

impl Operator {
    /// One that has published nothing but the token of the admin port.
    pub(super) async fn new() -> Self {
        let operator = Self {
            api: ApiServer::start().await,
            index: None,
        };
        operator.write_token(Some(TOKEN));
        operator
    }

    /// One that has published these documents.
    pub(super) async fn with(documents: &str) -> Self {
        let mut operator = Self::new().await;
        operator.publish(documents);
        operator
    }

    /// Compiles documents into the next generation.
    pub(super) fn draft(&self, yaml: &str) -> Draft {
        let documents = documents("all.yaml", yaml).unwrap();
        let (inputs, _) = Inputs::from_documents(Settings::new(NAMESPACE), documents);
        let compiled: Compiled = compile(None, &inputs);
        let generation = self.index.as_ref().map_or(0, |index| index.generation) + 1;
        let publication = compiled
            .snapshot
            .publish(generation, self.index.as_ref())
            .unwrap();
        let values = compiled.credentials.iter();
        let secret: Map<_, _> = values
            .map(|(id, value)| (id.to_string(), json!(STANDARD.encode(value.expose()))))
            .collect();
        Draft {
            index: publication.index,
            shards: publication.shards,
            secret,
        }
    }

    /// Compiles and publishes; returns the generation.
    pub(super) fn publish(&mut self, yaml: &str) -> u64 {
        let draft = self.draft(yaml);
        self.write_secret(&draft.secret);
        self.write_shards(&draft.shards);
        self.write_index(&draft.index);
        draft.index.generation
    }

    /// Writes the Secret of the token; `None`: one without a token.
    pub(super) fn write_token(&self, token: Option<&str>) {
        let data = token.map(|token| (names::TOKEN_KEY, json!(STANDARD.encode(token))));
        let data: Map<_, _> = data
            .into_iter()
            .map(|(key, value)| (key.to_owned(), value))
            .collect();
        self.api.put("Secret", &names::admin(GATEWAY), &json!(data));
    }

    pub(super) fn write_secret(&self, secret: &Map<String, Value>) {
        self.api
            .put("Secret", &names::credentials(GATEWAY), &json!(secret));
    }

    /// Writes one of the Secrets over which the credentials are spread.
    pub(super) fn write_part(&self, part: usize, secret: &Map<String, Value>) {
        let name = names::credentials_part(GATEWAY, part);
        self.api.put("Secret", &name, &json!(secret));
    }

    pub(super) fn write_shards(&self, shards: &[Shard]) {
        for shard in shards {
            self.write_shard(shard, &shard.text);
        }
    }

    /// Writes a text in the place of a shard.
    pub(super) fn write_shard(&self, shard: &Shard, text: &str) {
        let (name, data) = shard_map(shard, text);
        self.api.put("ConfigMap", &name, &data);
    }

    pub(super) fn write_index(&mut self, index: &Index) {
        self.write_index_text(&index.text().unwrap());
        self.index = Some(index.clone());
    }

    /// Writes a text in the place of the index.
    pub(super) fn write_index_text(&self, text: &str) {
        let data = json!({ names::INDEX_KEY: text });
        self.api.put("ConfigMap", &names::index(GATEWAY), &data);
    }

    /// Deletes the index and begins to count anew.
    pub(super) fn forget(&mut self) {
        self.api.delete("ConfigMap", &names::index(GATEWAY));
        self.index = None;
    }
}

/// The ConfigMap of a shard: its name and its data.
pub(super) fn shard_map(shard: &Shard, text: &str) -> (String, Value) {
    let name = names::shard(GATEWAY, shard.section, &shard.digest);
    (name, json!({ names::SHARD_KEY: text }))
}
