//! What a target cannot be asked for, told by what mends it.

use std::sync::Arc;

use crate::surface::THREAD;

/// Why a target cannot be asked for something. Shown, it is the sentence for the caller, should nobody else answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Unsupported {
    /// Its dialect has no words for this; a rule may have it left out.
    #[error(
        "no provider of this model can be asked for this: {0}; leave it out, have a provider added that knows it, or have spec.onUnsupported: Drop set on the routing rule"
    )]
    Dialect(String),
    /// Its model is known to lack it, and no rule makes up for that.
    #[error(
        "the model {model:?} of the provider {provider} is known to lack what this needs: {lacks}; ask for another model, have a target added to the routing rule whose model has it, or, where this one has it, have it named in spec.models[].supports of the LLMProvider"
    )]
    Model {
        /// As the provider offers it.
        model: Arc<str>,
        /// `namespace/name`.
        provider: Arc<str>,
        /// What it lacks of what is needed, by the names of `supports`.
        lacks: String,
    },
    /// It refers to what somebody else keeps, or may; what is said of it says how that is mended.
    #[error("no provider of this model can be asked for this: {0}; or leave it out")]
    Kept(String),
}

impl Unsupported {
    /// The member of the body that it is about, where clients look for that.
    #[must_use]
    pub(crate) fn parameter(&self) -> Option<&'static str> {
        match self {
            Self::Dialect(what) => what
                .split(", ")
                .any(|what| what == THREAD)
                .then_some(THREAD),
            Self::Model { .. } | Self::Kept(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DROP: &str = "onUnsupported: Drop";

    #[test]
    fn what_a_rule_may_have_left_out_says_so() {
        let told = Unsupported::Dialect("logit_bias, n".to_owned()).to_string();
        assert!(told.contains("logit_bias, n; leave it out") && told.contains(DROP));
    }

    #[test]
    fn what_a_model_lacks_names_the_model_and_what_mends_it_and_no_rule() {
        let told = Unsupported::Model {
            model: "small".into(),
            provider: "team/local".into(),
            lacks: "images, tools".to_owned(),
        };
        assert_eq!(told.parameter(), None);
        let told = told.to_string();
        for part in [
            "\"small\" of the provider team/local",
            "this needs: images, tools;",
            "spec.models[].supports",
        ] {
            assert!(told.contains(part), "{told}");
        }
        assert!(!told.contains(DROP), "{told}");
    }

    #[test]
    fn what_is_kept_elsewhere_is_mended_by_no_rule_that_drops() {
        let told = Unsupported::Kept("previous_response_id (it is kept elsewhere)".to_owned());
        assert!(!told.to_string().contains(DROP), "{told}");
    }

    #[test]
    fn a_thread_is_named_as_the_parameter_wherever_it_stands() {
        let about = |what: &str| Unsupported::Dialect(what.to_owned()).parameter();
        assert_eq!(about("n, thread"), Some(THREAD));
        assert_eq!(about("threads"), None);
    }
}
