//! How a stream fails: what the provider said of it, and what its caller is told.

use bytes::Bytes;
use fairlead_snapshot::FailureClass;
use fairlead_wire::openai::{ErrorFacts, error_body};
use http::HeaderMap;

use super::StreamAnswer;
use crate::answer::classify::{judge, shown_status};
use crate::answer::told::{self, Telling};
use crate::failure::{Failure, Own, UpstreamError};

/// The code of an answer that broke off.
const CODE: &str = "provider_error";

impl StreamAnswer {
    /// What the provider says of its failure.
    pub(super) fn reported(&self, facts: &ErrorFacts, data: Option<Bytes>) -> Failure {
        let judged = judge(None, Some(facts));
        let status = told::status(facts, judged.class);
        let answer = judged.shown.then(|| {
            let telling = Telling {
                class: judged.class,
                status: status.as_u16(),
                surface: self.surface,
                same: self.same,
            };
            let body = told::as_event(facts, data, telling);
            let body = match &self.redactor {
                Some(redactor) => redactor.cut(body),
                None => body,
            };
            Box::new(UpstreamError {
                status: shown_status(judged.class, status),
                headers: HeaderMap::new(),
                body,
            })
        });
        Failure {
            status: Some(status.as_u16()),
            answer,
            ..Failure::new(judged.class, "it reported an error inside its stream")
        }
    }

    /// The answer breaks off after its beginning: the caller is told so in its own dialect.
    pub(in crate::answer) fn fail(&mut self, failure: &Failure) {
        self.settle(Some(failure));
        self.incoming = None;
        self.ended = true;
        let its_words = failure.answer.as_ref().map(|answer| answer.body.clone());
        let ours = || {
            format!(
                "the provider failed in the middle of its answer: {}; what came so far is incomplete, send the request again",
                failure.detail
            )
        };
        let told = its_words.as_ref().and_then(|words| error_body(words));
        let message = told.and_then(|told| told.message).unwrap_or_else(ours);
        if let Some(event) = self.progress.fail(CODE, &message) {
            self.ready.push_back(event);
            return;
        }
        let object = its_words.unwrap_or_else(|| {
            let object = self.surface.error(502, CODE, "api_error", &message, None);
            object.into()
        });
        self.ready.push_back(self.surface.in_band(&object));
    }
}

pub(super) fn protocol(detail: &'static str) -> Failure {
    Failure::new(FailureClass::ProtocolError, detail)
}

/// A limit of ours, for which the provider is not to blame.
pub(super) fn too_much(detail: &'static str) -> Failure {
    protocol(detail).by(Own::Limit)
}
