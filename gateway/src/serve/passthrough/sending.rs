//! One attempt at one provider, with what is passed through to it.

use std::sync::{Arc, OnceLock};

use bytes::{Bytes, BytesMut};
use fairlead_health::Trial;
use fairlead_route::CredentialChoice;
use fairlead_snapshot::FailureClass;
use fairlead_wire::openai::{Told, error_body};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use tokio::time::Instant;

use super::Target;
use crate::answer::classify::judge;
use crate::answer::large::LargeAnswer;
use crate::answer::{Committed, Patience, WholeAnswer, broken};
use crate::failure::{Deadline, Failure, Skip};
use crate::headers;
use crate::judges::Tokens;
use crate::runtime::{Admission, Runtime};
use crate::surface::Operation;
use crate::upstream::authorization::Authorization;
use crate::upstream::betas::Betas;
use crate::upstream::source::Source;
use crate::upstream::ticket::{Permission, Ticket};
use crate::upstream::transport::{self, Beyond, Carried, Content, Outbound, Reply, Way};
use crate::worker::Worker;

/// Of an error answer this much is read, to look for our credential in it.
const MAX_ERROR: usize = 64 * 1024;

/// The provider's headers that come back beside those of every answer.
static BACK: [HeaderName; 2] = [header::CONTENT_DISPOSITION, header::CONTENT_RANGE];

/// What a request is sent with.
pub(super) struct Sending<'a> {
    pub(super) worker: &'a Arc<Worker>,
    pub(super) runtime: &'a Runtime,
    pub(super) admitted: &'a Admission,
    pub(super) target: &'a Target,
    pub(super) operation: Operation,
    pub(super) beyond: &'a Beyond,
    pub(super) trace: &'a Carried,
    pub(super) end: Instant,
    /// The server that was asked, where the provider is a pool.
    pub(super) server: OnceLock<Arc<str>>,
}

impl Sending<'_> {
    /// The answer, and what it means if it is a refusal.
    pub(super) async fn answer(
        &self,
        body: &Bytes,
    ) -> Result<(Committed, Option<FailureClass>), Failure> {
        let (upstream, asker) = (&self.target.upstream, self.admitted.asker);
        let full = || Failure::skipped(Skip::Full, FailureClass::Overloaded);
        let slot = upstream
            .gate
            .enter(upstream.limit(), asker)
            .ok_or_else(full)?;
        let mut pass = Permission::ask(upstream, None, asker, true)?;
        let credential = self.credential()?;
        let authorization = match credential {
            Some((at, _)) => self.authorization(at).await?,
            None => None,
        };
        let identity = credential.and_then(|(at, _)| upstream.identity(at));
        let trial = credential.and_then(|(_, trial)| trial);
        if let Some(visit) = upstream.visit(None, &[], false, asker) {
            self.server
                .get_or_init(|| Arc::clone(&visit.server().address));
            pass.visits(visit);
        }
        pass.goes_out(identity.map(Arc::clone), trial, false, None);
        let reply = match self.ask(body, authorization.as_ref(), &pass).await {
            Ok(reply) => reply,
            Err(failure) => {
                pass.failed(&failure);
                return Err(failure);
            }
        };
        pass.answered(&reply.headers);
        if reply.status == StatusCode::UNAUTHORIZED {
            let failure = Failure::new(FailureClass::BadCredential, "it refused the credential");
            pass.failed(&failure);
            return Err(failure);
        }
        if headers::is_coded(&reply.headers) {
            let detail = "it compressed an answer that was asked for without compression";
            return Err(Failure::new(FailureClass::ProtocolError, detail));
        }
        let (mut committed, class) = self.read(reply, authorization.as_ref()).await?;
        committed.hold(Ticket::new(pass, slot, Tokens::default()));
        Ok((committed, class))
    }

    /// What the credential is sent as.
    async fn authorization(&self, at: usize) -> Result<Option<Authorization>, Failure> {
        let upstream = &self.target.upstream;
        let wait = upstream.provider.timeouts.connect;
        upstream.authorization_within(at, wait).await
    }

    async fn ask(
        &self,
        body: &Bytes,
        authorization: Option<&Authorization>,
        pass: &Permission,
    ) -> Result<Reply, Failure> {
        let timeouts = self.target.upstream.provider.timeouts;
        let outbound = Outbound {
            operation: self.operation,
            stream: false,
            headers: &self.beyond.headers,
            betas: Betas::default(),
            trace: self.trace,
            content_type: None,
            content: Content::Made(body),
            model: "",
            authorization,
            amendments: None,
            beyond: Some(self.beyond),
        };
        let way = Way {
            upstream: &self.target.upstream,
            pool: &self.worker.pool,
            drivers: &self.worker.drivers,
            connect: timeouts.connect,
            server: pass.server().map(|server| &server.endpoint),
            anew: pass.server().is_some() && pass.probes(),
        };
        let total = Deadline::total(self.end);
        let first = Instant::now() + timeouts.first_byte;
        let first = total.or_at(first, FailureClass::FirstTokenTimeout);
        transport::send(&outbound, &way, total, first).await
    }

    /// The answer as its caller gets it: one that is a success as it comes, any other once it is clear that it does not repeat our credential.
    async fn read(
        &self,
        reply: Reply,
        authorization: Option<&Authorization>,
    ) -> Result<(Committed, Option<FailureClass>), Failure> {
        let Reply {
            status,
            headers,
            mut body,
        } = reply;
        let redactor = authorization.and_then(|known| known.redactor.as_ref());
        let mut shown = headers::for_caller(&headers, redactor.map(AsRef::as_ref));
        for name in &BACK {
            let repeats = |value: &HeaderValue| {
                redactor.is_some_and(|redactor| redactor.is_in(value.as_bytes()))
            };
            if let Some(value) = headers.get(name).filter(|value| !repeats(value)) {
                shown.insert(name, value.clone());
            }
        }
        let patience = Patience {
            idle: self.target.upstream.provider.timeouts.idle,
            deadline: self.end,
        };
        if !status.is_success() {
            let error = up_to(&mut body, patience).await?;
            let error = redactor.map_or(error.clone(), |redactor| redactor.cut(error));
            let class = judge(Some(status.as_u16()), error_body(&error).as_ref()).class;
            return Ok((whole(status, shown, error), Some(class)));
        }
        let first = patience.next().wait(body.chunk()).await?;
        Ok(match first {
            None => (whole(status, shown, Bytes::new()), None),
            Some(Err(_)) => return Err(broken()),
            Some(Ok(piece)) => {
                let large = LargeAnswer::new(status, shown, piece, body, patience).unread();
                (Committed::Large(Box::new(large)), None)
            }
        })
    }

    /// The position of the credential to send, if one is sent at all, and the trial of one that was benched.
    fn credential(&self) -> Result<Option<(usize, Option<Trial>)>, Failure> {
        let (upstream, asker) = (&self.target.upstream, self.admitted.asker);
        let ready = |at| upstream.is_ready(None, at, asker);
        let table = &self.runtime.table;
        match table.credential(self.target.index, "", None, ready) {
            CredentialChoice::NotNeeded => Ok(None),
            CredentialChoice::Use(at) => match upstream.admits(None, at, asker) {
                Some(trial) => Ok(Some((at, trial))),
                None => Err(upstream.resting(None)),
            },
            CredentialChoice::NoneReady => Err(upstream.resting(None)),
            CredentialChoice::NoneUsable => {
                Err(Failure::skipped(Skip::Unusable, FailureClass::Unavailable))
            }
        }
    }
}

fn whole(status: StatusCode, headers: HeaderMap, body: Bytes) -> Committed {
    Committed::Whole(WholeAnswer {
        status,
        headers,
        body,
        usage: None,
        told: Told::default(),
        ticket: None,
    })
}

/// The beginning of an error, which is all of most.
async fn up_to(source: &mut Source, patience: Patience) -> Result<Bytes, Failure> {
    let mut read = BytesMut::new();
    while let Some(piece) = patience.next().wait(source.chunk()).await? {
        read.extend_from_slice(&piece.map_err(|_| broken())?);
        if read.len() > MAX_ERROR {
            read.truncate(MAX_ERROR);
            break;
        }
    }
    Ok(read.freeze())
}
