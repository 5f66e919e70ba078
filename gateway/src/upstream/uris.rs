//! Where the operations of a provider are.

use fairlead_snapshot::Addressing;
use fairlead_translate::converse;
use http::Uri;

use super::hosts::Elsewhere;
use crate::surface::Operation;

/// What a request asks for, as far as its target says so.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Aim<'a> {
    /// The operation.
    pub operation: Operation,
    /// The upstream's name of the model.
    pub model: &'a str,
    /// Whether a stream is asked for.
    pub stream: bool,
    /// Whether the query goes along that asks Anthropic's API for its betas.
    pub betas: bool,
}

/// The targets of requests below one address.
pub(super) struct Uris {
    /// The address.
    base: String,
    /// How they are named below it.
    addressing: Addressing,
    /// One for each operation whose path names no model: parsed once, cloned per attempt.
    all: [Uri; Operation::ALL.len()],
}

impl Uris {
    /// The targets of all operations; `None` if one is none.
    pub(super) fn new(base: &str, addressing: &Addressing) -> Option<Self> {
        let mut all = Operation::ALL.map(|_| Uri::default());
        for operation in Operation::ALL {
            all[operation as usize] = [base, operation.path()].concat().parse().ok()?;
        }
        Some(Self {
            base: base.to_owned(),
            addressing: addressing.clone(),
            all,
        })
    }

    /// The same with what its vendor has elsewhere; `None`: that is no target.
    pub(super) fn with(mut self, elsewhere: Option<Elsewhere>) -> Option<Self> {
        let Some(elsewhere) = elsewhere else {
            return Some(self);
        };
        if let Some(root) = self.base.strip_suffix(elsewhere.compatible) {
            let uri = [root, elsewhere.path].concat().parse().ok()?;
            self.all[elsewhere.operation as usize] = uri;
        }
        Some(self)
    }

    /// The same, where these are paths alone, at a host; `None`: it is none.
    pub(super) fn at(&self, host: &str) -> Option<Self> {
        let mut all = Operation::ALL.map(|_| Uri::default());
        for (there, here) in all.iter_mut().zip(&self.all) {
            *there = format!("{host}{here}").parse().ok()?;
        }
        Some(Self {
            base: [host, self.base.as_str()].concat(),
            addressing: self.addressing.clone(),
            all,
        })
    }

    /// Any other target below the address; `None`: it is no path.
    pub(super) fn beyond(&self, path: &str) -> Option<Uri> {
        [self.base.as_str(), path].concat().parse().ok()
    }

    /// The target of a request for a model.
    pub(super) fn of(&self, aim: &Aim<'_>) -> Uri {
        let Aim {
            operation,
            model,
            stream,
            betas,
        } = *aim;
        let fixed = || self.all[operation as usize].clone();
        let betas = betas && self.addressing == Addressing::Below;
        let named = match self.named(operation, model, stream) {
            None if betas => Some([self.base.as_str(), operation.path(), "?beta=true"].concat()),
            named => named,
        };
        match named {
            Some(named) => named.parse().unwrap_or_else(|_| fixed()),
            None => fixed(),
        }
    }

    /// The target, where it names the model.
    fn named(&self, operation: Operation, model: &str, stream: bool) -> Option<String> {
        let base = &self.base;
        if operation == Operation::Converse {
            return Some(format!("{base}{}", converse::path(model, stream)));
        }
        let model = || segment(model);
        if let Addressing::Deployments { api_version } = &self.addressing {
            let (path, version) = (operation.path(), segment(api_version));
            // Of Responses there are none (source: Azure OpenAI REST API reference).
            let deployment = if operation == Operation::Responses {
                String::new()
            } else {
                format!("/deployments/{}", model())
            };
            return Some(format!("{base}{deployment}{path}?api-version={version}"));
        }
        let publishers = self.addressing == Addressing::Publishers;
        if publishers && operation == Operation::Messages {
            let call = if stream {
                "streamRawPredict"
            } else {
                "rawPredict"
            };
            let model = model();
            return Some(format!("{base}/publishers/anthropic/models/{model}:{call}"));
        }
        if publishers && operation == Operation::CountTokens {
            let path = "/publishers/anthropic/models/count-tokens:rawPredict";
            return Some(format!("{base}{path}"));
        }
        let action = operation.action(stream)?;
        let form = if stream { "?alt=sse" } else { "" };
        let publisher = if publishers { "/publishers/google" } else { "" };
        Some(format!(
            "{base}{publisher}/models/{}:{action}{form}",
            model()
        ))
    }
}

/// A model's name as one segment of a path: whatever is in it, no other resource is meant (source: RFC 3986, 2.3 and 3.3).
fn segment(model: &str) -> String {
    let mut segment = String::with_capacity(model.len());
    for byte in model.bytes() {
        // The last stands before the version of a model at Vertex AI, whose own clients leave it as it is (3.3).
        if byte.is_ascii_alphanumeric() || b"-._~@".contains(&byte) {
            segment.push(char::from(byte));
        } else {
            segment.push_str(&format!("%{byte:02X}"));
        }
    }
    segment
}

#[cfg(test)]
mod tests {
    use super::*;

    fn uri(addressing: &Addressing, operation: Operation, stream: bool) -> String {
        let uris = Uris::new("https://h/b", addressing).unwrap();
        let aim = Aim {
            operation,
            model: "a/b:c",
            stream,
            betas: false,
        };
        uris.of(&aim).to_string()
    }

    #[test]
    fn betas_are_asked_for_where_the_path_is_anthropics_own() {
        let at = |addressing| {
            let uris = Uris::new("https://h/v1", &addressing).unwrap();
            let aim = Aim {
                operation: Operation::Messages,
                model: "m",
                stream: false,
                betas: true,
            };
            uris.of(&aim).to_string()
        };
        assert_eq!(at(Addressing::Below), "https://h/v1/messages?beta=true");
        let vertex = at(Addressing::Publishers);
        assert!(vertex.ends_with("/models/m:rawPredict"), "{vertex}");
    }

    #[test]
    fn rankings_are_coheres_own_where_the_address_is_that_of_its_compatible_api() {
        use Operation::{Chat, Embeddings, Rerank};
        let at = |vendor, base: &str, operation| {
            let elsewhere = super::super::hosts::elsewhere(vendor, base);
            let uris = Uris::new(base, &Addressing::Below).unwrap();
            let aim = Aim {
                operation,
                model: "m",
                stream: false,
                betas: false,
            };
            uris.with(elsewhere).unwrap().of(&aim).to_string()
        };
        let (host, own) = ("https://api.cohere.ai", "https://llm.example.com/cohere");
        for (vendor, base, operation, expected) in [
            ("cohere", "/compatibility/v1", Rerank, "/v2/rerank"),
            ("", "/compatibility/v1", Rerank, "/v2/rerank"),
            (
                "cohere",
                "/compatibility/v1",
                Embeddings,
                "/compatibility/v1/embeddings",
            ),
            (
                "cohere",
                "/compatibility/v1",
                Chat,
                "/compatibility/v1/chat/completions",
            ),
            ("cohere", "/v9", Rerank, "/v9/rerank"),
            (
                "jina",
                "/compatibility/v1",
                Rerank,
                "/compatibility/v1/rerank",
            ),
        ] {
            let found = at(vendor, &[host, base].concat(), operation);
            assert_eq!(found, [host, expected].concat(), "{vendor} {base}");
        }
        let behind = at("cohere", &[own, "/compatibility/v1"].concat(), Rerank);
        assert_eq!(behind, [own, "/v2/rerank"].concat());
    }

    #[test]
    fn operations_are_where_their_vendor_has_them() {
        use Operation::{Chat, Converse, CountGemini, CountTokens, Generate, Messages, Responses};
        let azure = Addressing::Deployments {
            api_version: "2024-10-21".to_owned(),
        };
        let (below, vertex) = (Addressing::Below, Addressing::Publishers);
        for (addressing, operation, stream, expected) in [
            (&below, Chat, false, "/chat/completions"),
            (&below, Generate, false, "/models/a%2Fb%3Ac:generateContent"),
            (
                &below,
                Generate,
                true,
                "/models/a%2Fb%3Ac:streamGenerateContent?alt=sse",
            ),
            (&below, CountGemini, false, "/models/a%2Fb%3Ac:countTokens"),
            (&below, Converse, true, "/model/a%2Fb%3Ac/converse-stream"),
            (
                &azure,
                Chat,
                true,
                "/deployments/a%2Fb%3Ac/chat/completions?api-version=2024-10-21",
            ),
            (&azure, Responses, true, "/responses?api-version=2024-10-21"),
            (
                &vertex,
                Generate,
                false,
                "/publishers/google/models/a%2Fb%3Ac:generateContent",
            ),
            (
                &vertex,
                Messages,
                true,
                "/publishers/anthropic/models/a%2Fb%3Ac:streamRawPredict",
            ),
            (
                &vertex,
                Messages,
                false,
                "/publishers/anthropic/models/a%2Fb%3Ac:rawPredict",
            ),
            (
                &vertex,
                CountTokens,
                false,
                "/publishers/anthropic/models/count-tokens:rawPredict",
            ),
        ] {
            let expected = format!("https://h/b{expected}");
            assert_eq!(uri(addressing, operation, stream), expected);
        }
    }
}
