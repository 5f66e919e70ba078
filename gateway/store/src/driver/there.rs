//! Asks on their way to a server and back.

use std::sync::Arc;
use std::time::Duration;

use fairlead_admit::exchange::{Account, Reply, Totals};
use fairlead_admit::lease::REPLY_MS;
use futures_util::future::BoxFuture;
use futures_util::stream::{self, StreamExt as _};
use tokio::sync::oneshot;
use tokio::time::Instant;

use super::here::Read;
use super::{Driver, Landed};
use crate::part::Part;
use crate::place::{Call, Fault, Place};

/// A reply is waited for no longer than this, however far the store.
const MOST_PATIENCE: Duration = Duration::from_millis(120);
/// A reply that comes after this is as good as none.
const NEVER: Duration = Duration::from_secs(1);
/// How long what is read is waited for.
const READ: Duration = Duration::from_millis(900);
/// So many accounts are read in one pipeline: what is asked for requests comes between.
const LOOKS: usize = 32;
/// So many pipelines at once, for a store that is far.
const PIPELINES: usize = 2;
/// So many accounts are read at once where each is read by itself: one after the other, a page of them would take too long.
const ALONE: usize = 16;
/// How long one of them is waited for: a node that is away is not to take all of the time.
const READ_ALONE: Duration = Duration::from_millis(300);

/// What has come back from a server.
#[derive(Debug)]
pub(super) enum Back {
    Batch(Batch),
    /// A reply that came too late to be used, after so long.
    Late(Duration),
    /// One that never came.
    Never,
    /// Something asked for then was read; and what showed that the connection leads nowhere. That an answer takes its time shows nothing of it.
    Read(Instant, Option<String>),
}

/// Asks that went together.
pub(super) struct Batch {
    asked: Instant,
    parts: Vec<(Arc<Part>, u64)>,
    replies: Replies,
}

enum Replies {
    Came(Vec<Result<Reply, Fault>>),
    /// None came in time. What becomes of them is still of interest for how the store is.
    Missing(BoxFuture<'static, Vec<Result<Reply, Fault>>>),
}

/// For how long a reply is waited for: what is usual for the protocol, and more where the store is far.
#[derive(Debug, Default)]
pub(super) struct Patience {
    /// How long replies take, smoothed.
    usual: Duration,
}

impl Patience {
    /// A reply took so long, whether or not it was still waited for.
    fn took(&mut self, time: Duration) {
        self.usual = (self.usual * 7 + time) / 8;
    }

    /// Three times what is usual, but so that two tries fit into what a request waits.
    fn now(&self) -> Duration {
        (self.usual * 3).clamp(Duration::from_millis(REPLY_MS), MOST_PATIENCE)
    }
}

impl std::fmt::Debug for Batch {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let came = matches!(self.replies, Replies::Came(_));
        formatter
            .debug_struct("Batch")
            .field("asked", &self.asked)
            .field("parts", &self.parts)
            .field("came", &came)
            .finish()
    }
}

impl Driver {
    pub(super) fn back(&mut self, back: Back) {
        match back {
            Back::Batch(batch) => self.settle(batch),
            Back::Late(after) => self.late(after),
            Back::Read(asked, problem) => self.have_read(asked, problem),
            Back::Never => {}
        }
    }

    pub(super) fn ask_there(&mut self, parts: Vec<Arc<Part>>) {
        let Place::Valkey(valkey) = &self.place else {
            return;
        };
        if !valkey.is_connected() {
            if self.shared.link.is_away() {
                parts.iter().for_each(|part| part.turn_away());
            } else {
                self.early.extend(parts);
            }
            return;
        }
        let now = self.shared.clock.now();
        let calls = parts.into_iter().filter_map(|part| {
            let call = part.ask(now)?;
            Some(((part, call.ask.seq), call))
        });
        let (parts, calls): (Vec<_>, Vec<Call>) = calls.unzip();
        let asked = Instant::now();
        let together = valkey.together();
        for (parts, calls) in parts.chunks(together).zip(calls.chunks(together)) {
            let mut exchanged = Box::pin(valkey.exchange(calls.to_vec()));
            let (parts, patience) = (parts.to_vec(), self.patience.now());
            self.flights.push(Box::pin(async move {
                let replies = match tokio::time::timeout(patience, &mut exchanged).await {
                    Ok(replies) => Replies::Came(replies),
                    Err(_) => Replies::Missing(exchanged),
                };
                Landed::Back(Back::Batch(Batch {
                    asked,
                    parts,
                    replies,
                }))
            }));
        }
    }

    /// Makes of it what there is to make, and asks again for whom that was not enough.
    fn settle(&mut self, batch: Batch) {
        let Batch {
            asked,
            parts,
            replies,
        } = batch;
        let now = self.shared.clock.now();
        let again = match replies {
            Replies::Came(replies) => {
                self.patience.took(asked.elapsed());
                self.judge(asked, &replies);
                let landed = parts.into_iter().zip(replies);
                let again = landed.filter(|((part, seq), reply)| part.landed(*seq, reply, now));
                again.map(|((part, _), _)| part).collect::<Vec<_>>()
            }
            Replies::Missing(rest) => {
                self.unheard(asked);
                self.await_late(asked, rest);
                let parts = parts.into_iter();
                let again = parts.filter(|(part, seq)| part.unanswered(*seq));
                again.map(|(part, _)| part).collect()
            }
        };
        let again = again.into_iter();
        let (next, again) = again.partition(|part| part.is_short());
        self.next.extend::<Vec<_>>(next);
        self.ask(again);
    }

    /// Waits on for what nobody waits for any more, to know how the store is.
    fn await_late(&self, asked: Instant, rest: BoxFuture<'static, Vec<Result<Reply, Fault>>>) {
        self.flights.push(Box::pin(async move {
            Landed::Back(match tokio::time::timeout(NEVER, rest).await {
                Ok(replies) if replies.iter().any(Result::is_ok) => Back::Late(asked.elapsed()),
                _ => Back::Never,
            })
        }));
    }

    /// A reply that could not be used is a sign of life.
    fn late(&mut self, after: Duration) {
        self.patience.took(after);
        if let Place::Valkey(valkey) = &mut self.place {
            valkey.heard();
        }
    }

    /// What the replies say of the connection.
    fn judge(&mut self, asked: Instant, replies: &[Result<Reply, Fault>]) {
        if let Place::Valkey(valkey) = &mut self.place {
            if replies.iter().any(Result::is_ok) {
                valkey.heard();
            }
            if let Some(problem) = broken(replies) {
                valkey.broke(&self.shared.link, asked, problem);
            }
        }
        let failed = replies.iter().find_map(|reply| match reply {
            Err(Fault::Call(problem)) => Some(problem.clone()),
            Ok(_) | Err(Fault::Link(_)) => None,
        });
        if let Some(problem) = &failed {
            self.say(problem);
        }
        self.shared.link.ails(failed);
    }

    /// Somebody has read, or could not.
    fn have_read(&mut self, asked: Instant, problem: Option<String>) {
        if let (Place::Valkey(valkey), Some(problem)) = (&mut self.place, problem) {
            valkey.broke(&self.shared.link, asked, problem);
        }
    }

    fn unheard(&mut self, asked: Instant) {
        if let Place::Valkey(valkey) = &mut self.place {
            valkey.unheard(&self.shared.link, asked);
        }
    }

    /// Reads these for somebody.
    pub(super) fn look_there(&self, accounts: &[Account], reader: oneshot::Sender<Read>) {
        let Place::Valkey(valkey) = &self.place else {
            return;
        };
        let (together, at_once, patience) = if valkey.together() == 1 {
            (1, ALONE, READ_ALONE)
        } else {
            (LOOKS, PIPELINES, READ)
        };
        let chunks = accounts.chunks(together).enumerate();
        let looks = chunks.map(|(at, chunk)| {
            let look = valkey.look(chunk.to_vec());
            async move { (at * together, tokio::time::timeout(patience, look).await) }
        });
        let looks: Vec<_> = looks.collect();
        let (asked, count) = (Instant::now(), accounts.len());
        self.flights.push(Box::pin(async move {
            let mut looks = std::pin::pin!(stream::iter(looks).buffer_unordered(at_once));
            let mut read: Vec<_> = (0..count).map(|_| Err(unheard())).collect();
            while let Ok(Some((at, look))) =
                tokio::time::timeout_at(asked + READ, looks.next()).await
            {
                let slots = read.iter_mut().skip(at);
                let come = look.into_iter().flatten();
                slots.zip(come).for_each(|(slot, come)| *slot = come);
            }
            let problem = broken(&read);
            // Who reads may have stopped waiting.
            let _ = reader.send(read.into_iter().map(something).collect());
            Landed::Back(Back::Read(asked, problem))
        }));
    }
}

/// An account was not read in time. The way there may be all right.
fn unheard() -> Fault {
    Fault::Call("no answer in time".to_owned())
}

/// What says that the connection leads nowhere any more.
fn broken<T>(replies: &[Result<T, Fault>]) -> Option<String> {
    replies.iter().find_map(|reply| match reply {
        Err(Fault::Link(problem)) => Some(problem.clone()),
        Ok(_) | Err(Fault::Call(_)) => None,
    })
}

/// Nothing was ever counted where all is nothing.
fn something(totals: Result<Totals, Fault>) -> Result<Option<Totals>, Fault> {
    totals.map(|totals| (totals != Totals::default()).then_some(totals))
}
