//! What is changed in every request that goes to a provider or a target.

use std::collections::BTreeMap;

use kube::KubeSchema;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::text::{HeaderName, HeaderText, Member, PathText};

/// Members of the body, in the words of the API that the provider speaks. What a target says goes before what its provider says.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = Rule::new("has(self.defaults) || has(self.overrides) || has(self.remove)").message("parameters says nothing; give defaults, overrides or remove"))]
pub struct Parameters {
    /// What a request has where its caller says nothing of it.
    #[serde(default)]
    #[schemars(schema_with = "members")]
    pub defaults: Option<BTreeMap<String, Value>>,
    /// What a request has whatever its caller says.
    #[serde(default)]
    #[schemars(schema_with = "members")]
    pub overrides: Option<BTreeMap<String, Value>>,
    /// What a request does not have, whatever its caller says.
    #[x_kube(merge_strategy = ListMerge::Set)]
    #[schemars(length(min = 1, max = 32))]
    pub remove: Option<Vec<Member>>,
}

/// Headers of what is sent. What a target says goes before what its provider says.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = Rule::new("has(self.set) || has(self.remove)").message("headers says nothing; give set or remove"))]
pub struct Headers {
    /// Headers that are sent, whatever the caller sends under their names.
    #[x_kube(merge_strategy = ListMerge::Map(vec!["name".into()]))]
    #[schemars(length(min = 1, max = 16))]
    pub set: Option<Vec<Header>>,
    /// Headers of the caller that are not passed on.
    #[x_kube(merge_strategy = ListMerge::Set)]
    #[schemars(length(min = 1, max = 16))]
    pub remove: Option<Vec<HeaderName>>,
}

/// A header.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct Header {
    /// Its name, in lower case.
    pub name: HeaderName,
    /// Its value. It is no secret: what is one is a credential.
    pub value: HeaderText,
}

/// Endpoints of a provider that are passed through: files, batches, fine-tuning and the like.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct Passthrough {
    /// What may be asked, below the provider's baseURL: a path, and everything below it.
    #[x_kube(merge_strategy = ListMerge::Set)]
    #[schemars(length(min = 1, max = 32))]
    pub paths: Vec<PathText>,
}

/// A map of any JSON.
fn members(_: &mut SchemaGenerator) -> Schema {
    json_schema!({"type": "object", "maxProperties": 32, "x-kubernetes-preserve-unknown-fields": true})
}
