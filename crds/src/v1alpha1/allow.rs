//! What callers may use of models and providers: the same fields on VirtualKey, Team and Organization, which all have to permit it.

use kube::KubeSchema;
use serde::{Deserialize, Serialize};

use super::common::LabelSelector;
use super::rule::ProviderReference;
use crate::text::{Label, ModelPattern};

/// What may be used; what a key, its team and its organization say of it holds together. Absent: all that the key's namespace may use.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct Allow {
    /// The model names that may be sent: exact, or a prefix ending in *. Absent: any.
    #[schemars(length(min = 1, max = 64))]
    #[x_kube(merge_strategy = ListMerge::Set)]
    pub models: Option<Vec<ModelPattern>>,
    /// The providers that may be asked. Absent: all that the key's namespace may use.
    #[schemars(length(min = 1, max = 64))]
    #[x_kube(merge_strategy = ListMerge::Atomic,
        validation = Rule::new("self.all(a, self.exists_one(b, a.name == b.name && has(a.__namespace__) == has(b.__namespace__) && (!has(a.__namespace__) || a.__namespace__ == b.__namespace__)))").message("a provider is listed twice"),
        validation = Rule::new("self.exists(p, !has(p.weight) || p.weight > 0)").message("at least one provider needs a weight above 0"))]
    pub providers: Option<Vec<AllowedProvider>>,
    /// The providers that may be asked, by the labels of the LLMProviders; beside a list, those that are in both. Only providers of this object's
    /// namespace and of the gateway's are picked: the labels of all others are somebody else's word. Absent: whatever their labels.
    #[x_kube(validation = Rule::new("(has(self.matchLabels) && self.matchLabels.size() > 0) || (has(self.matchExpressions) && self.matchExpressions.size() > 0)").message("the selector is empty and picks every provider; give matchLabels or matchExpressions"))]
    pub provider_selector: Option<LabelSelector>,
}

/// A provider that may be asked.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct AllowedProvider {
    /// The provider's name.
    pub name: Label,
    /// The provider's namespace. Absent: the namespace of the object that names it.
    pub namespace: Option<Label>,
    /// Its share of the requests for a bare model name that several providers offer; the list of the key counts, else that of its team, else that
    /// of its organization. 0: never for a bare name. Absent: 1.
    #[schemars(range(min = 0, max = 1_000_000), extend("format" = "int32"))]
    pub weight: Option<u32>,
}

/// What may not be used, whatever is allowed. Absent: nothing is denied.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = Rule::new("has(self.models) || has(self.providers)").message("deny says nothing; give models or providers"))]
pub struct Deny {
    /// The model names that may not be sent: exact, or a prefix ending in *. A name behind a provider (provider/model) is meant, too.
    #[schemars(length(min = 1, max = 64))]
    #[x_kube(merge_strategy = ListMerge::Set)]
    pub models: Option<Vec<ModelPattern>>,
    /// The providers that may not be asked.
    #[schemars(length(min = 1, max = 64))]
    #[x_kube(merge_strategy = ListMerge::Atomic)]
    pub providers: Option<Vec<ProviderReference>>,
}
