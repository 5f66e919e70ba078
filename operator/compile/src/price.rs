//! What models cost, and what is known of them, as their provider's owner says it.

use fairlead_crds::v1alpha1::{Feature, LLMProviderSpec, OfferedModel, Price, ProviderType};
use fairlead_snapshot::{ModelFacts, ModelPrice};

use crate::finding::{Finding, Reason};
use crate::path::Path;

/// What CEL refuses, said again for those without an API server.
pub(crate) fn faults(spec: &LLMProviderSpec, path: &Path) -> Vec<Finding> {
    let own = spec
        .price
        .iter()
        .flat_map(|price| price_faults(price, &path.field("price")));
    let models = spec.models.iter().flatten().enumerate();
    let models = models.flat_map(|(at, model)| {
        let path = path.field("models").index(at);
        let price = model.price.iter();
        let price: Vec<Finding> = price
            .flat_map(|price| price_faults(price, &path.field("price")))
            .collect();
        price.into_iter().chain(contradiction(model, &path))
    });
    own.chain(models).collect()
}

fn price_faults(price: &Price, path: &Path) -> Vec<Finding> {
    let free = price.free == Some(true);
    let (input, output) = (&price.input_per_million, &price.output_per_million);
    let given = [
        input,
        output,
        &price.cached_input_per_million,
        &price.cache_write_per_million,
        &price.reasoning_per_million,
    ];
    let nothing = [input, output]
        .iter()
        .all(|price| price.as_ref().is_some_and(|price| price.to_picos() == 0));
    let faults = [
        (
            path.clone(),
            !free && (input.is_none() || output.is_none()),
            "a price is free: true, or inputPerMillion and outputPerMillion",
        ),
        (
            path.field("free"),
            price.free.is_some() && given.iter().any(|price| price.is_some()),
            "free goes without prices; remove it or them",
        ),
        (path.clone(), nothing, "what costs nothing says free: true"),
    ];
    let faults = faults.into_iter().filter(|(_, wrong, _)| *wrong);
    faults
        .map(|(path, _, message)| Finding::new(&path, Reason::Invalid, message))
        .collect()
}

fn contradiction(model: &OfferedModel, path: &Path) -> Option<Finding> {
    let lacks = model.lacks.as_deref().unwrap_or_default();
    let mut supports = model.supports.iter().flatten();
    supports.any(|feature| lacks.contains(feature)).then(|| {
        Finding::new(
            &path.field("lacks"),
            Reason::Invalid,
            "a model cannot both support and lack something",
        )
    })
}

/// What models cost that name no price of their own. Who serves models at home pays nobody for a token. What the gateway answers by itself is free
/// without being said.
pub(crate) fn of_provider(spec: &LLMProviderSpec) -> Option<ModelPrice> {
    let at_home = matches!(
        spec.kind,
        ProviderType::Ollama
            | ProviderType::VLLM
            | ProviderType::SGLang
            | ProviderType::LlamaCpp
            | ProviderType::LMStudio
    );
    let at_home = at_home.then_some(ModelPrice::Free);
    spec.price.as_ref().map(price).or(at_home)
}

pub(crate) fn price(said: &Price) -> ModelPrice {
    let (Some(input), Some(output)) = (&said.input_per_million, &said.output_per_million) else {
        return ModelPrice::Free;
    };
    let picos = |price: &fairlead_crds::text::PerMillion| price.to_picos();
    ModelPrice::Tokens {
        input: input.to_picos(),
        cached_input: said.cached_input_per_million.as_ref().map(picos),
        cache_write: said.cache_write_per_million.as_ref().map(picos),
        output: output.to_picos(),
        reasoning: said.reasoning_per_million.as_ref().map(picos),
    }
}

pub(crate) fn facts(model: &OfferedModel) -> ModelFacts {
    let names = |features: &Vec<Feature>| features.iter().map(|feature| feature.name()).collect();
    ModelFacts {
        window: model.context_window,
        max_output: model.max_output_tokens,
        supports: model.supports.as_ref().map(names).unwrap_or_default(),
        lacks: model.lacks.as_ref().map(names).unwrap_or_default(),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use fairlead_crds::v1alpha1::Feature;

    #[test]
    fn features_have_the_names_of_the_catalog() {
        let crds = fairlead_crds::all();
        let provider = crds.iter().find(|crd| crd.spec.names.kind == "LLMProvider");
        let schema = serde_json::to_value(provider).unwrap();
        let at = "/spec/versions/0/schema/openAPIV3Schema/properties/spec/properties/models/items/properties/supports/items/enum";
        let offered = schema.pointer(at).unwrap().as_array().unwrap();
        let offered: BTreeSet<&str> = offered.iter().map(|name| name.as_str().unwrap()).collect();
        let known = fairlead_catalog::Feature::ALL;
        let known: BTreeSet<&str> = known.iter().map(|feature| feature.name()).collect();
        assert_eq!(offered, known);
        for name in known {
            let feature: Feature = serde_json::from_value(name.into()).unwrap();
            assert_eq!(feature.name(), name);
        }
    }
}
