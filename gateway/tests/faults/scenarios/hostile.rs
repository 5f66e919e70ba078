//! Two callers of one gateway, and one of them means no good: it plays every trick that a caller can play, one after the other, while the
//! other one asks ordinary questions of the same provider and model. That one must not notice.
//!
//! What is asked of the provider beyond its limits is no trick: a caller that keeps all of its places busy, or uses up the rate of its
//! account, is bounded by limits of its key.

mod bodies;
mod heads;
mod http2;
mod provider;
mod sayings;
mod stage;
mod times;

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use tokio::time::{Instant, sleep};

use super::load::{Caller, Sample, percentile};
use crate::harness::{streamed, whole};
use crate::results;
use stage::{CAP, IDLE, OTHER, Sizes, Stage};

/// How often the other one asks, in a second.
const RATE: u32 = 100;
/// What the process may occupy beyond the cap on bodies and held answers, the last ten thousand requests among it. Without optimizations futures and
/// stacks are several times as large.
const BESIDE: usize = if cfg!(debug_assertions) { 128 } else { 80 } * 1024 * 1024;
/// By how much the slowest of a hundred answers may be slower than when all is quiet. On a machine that does other things it may be more.
const SLOWER: f64 = 3.0;
const TOLERANCE: f64 = 5.0;

type Playing<'a> = Pin<Box<dyn Future<Output = ()> + 'a>>;

struct Trick {
    name: &'static str,
    play: for<'a> fn(&'a Stage) -> Playing<'a>,
}

/// Tricks by the name of their functions.
macro_rules! tricks {
    ($($file:ident: $($name:ident),+;)+) => {
        &[$($(Trick {
            name: concat!(stringify!($file), "::", stringify!($name)),
            play: |stage| Box::pin($file::$name(stage)),
        }),+),+]
    };
}

const TRICKS: &[Trick] = tricks! {
    sayings: prompts_that_are_flagged, prompts_that_a_firewall_blocks, more_tokens_than_there_is_credit_for, contexts_that_are_too_long,
        parameters_that_are_refused, refusals_within_a_200, models_that_are_not_there, invented_names_and_then_a_403,
        more_choices_than_are_taken, as_many_choices_as_there_may_be_and_more, choices_that_never_come, an_event_that_is_larger_than_any,
        an_answer_that_is_larger_than_is_held;
    bodies: half_characters_and_numbers_without_bounds, member_names_that_fold_to_others, nesting_without_end,
        a_parameter_of_millions_of_members, a_prompt_that_is_as_long_as_any, uploads_that_are_only_announced,
        bodies_that_come_a_byte_at_a_time, chunks_of_one_byte_and_chunks_with_extensions,
        five_mebibytes_that_are_refused_before_they_come, more_than_a_body_may_have;
    times: a_millisecond_for_everything, hang_ups_before_anything_has_come, hang_ups_after_the_first_word, whole_answers_that_nobody_takes,
        streams_that_nobody_takes;
    heads: heads_that_never_end, sockets_that_say_nothing, heads_that_can_be_read_in_two_ways, more_header_fields_than_there_may_be,
        headers_of_ours_with_absurd_values, keys_that_nobody_has, preflights, paths_that_are_none, requests_that_are_piled_up,
        callers_that_close_half_and_then_all;
    http2: windows_that_stay_shut, large_answers_that_nobody_takes, streams_that_are_reset_at_once, pings, settings,
        priorities_and_frames_of_no_type, heads_that_go_on_and_on, data_of_no_bytes_and_windows_beyond_all_bounds,
        a_preface_and_then_anything;
};

/// What was played, and when.
struct Act {
    name: &'static str,
    began: Instant,
    ended: Instant,
    /// By how much the most memory that the process has occupied grew, in bytes.
    more: usize,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_caller_that_means_no_good_harms_nobody() {
    let sizes = Sizes {
        act: Duration::from_millis(50),
        many: 40,
        body: 1024 * 1024,
    };
    Story::play(sizes, 300).await.judge("in small", f64::MAX);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "most of a minute; make faults runs it, and make test runs that"]
async fn a_caller_that_means_no_good_is_not_noticed() {
    let sizes = Sizes {
        act: Duration::from_millis(400),
        many: 200,
        body: 31 * 1024 * 1024,
    };
    Story::play(sizes, 2_000)
        .await
        .judge("2,000 requests", SLOWER * TOLERANCE);
}

struct Story {
    /// Before and after.
    quiet: Vec<Sample>,
    beside: Vec<Sample>,
    acts: Vec<Act>,
    /// The most memory that the process has occupied, in bytes.
    memory: usize,
    /// Descriptors that are still open.
    left: usize,
}

impl Story {
    /// Plays the script, again and again until the other one has asked so often.
    async fn play(sizes: Sizes, requests: usize) -> Self {
        let a = provider::start().await;
        let stage = Stage::set(&a, sizes).await;
        let files = stage.gateway.open_files();
        let others = [whole("chat"), streamed("chat")];
        let other = || Caller::with_key(&stage.gateway, OTHER, &others);
        let silence = Duration::from_secs(1).max(sizes.act * 10);
        let ask = other();
        ask.steadily(RATE, Duration::from_millis(500)).await;
        let mut quiet = ask.steadily(RATE, silence).await;
        let (ended, end) = tokio::sync::oneshot::channel();
        let script = Arc::clone(&stage);
        let least = Duration::from_secs(1) * u32::try_from(requests).unwrap() / RATE;
        let villain = std::thread::spawn(move || {
            let acts = perform(&script, least);
            let _ = ended.send(());
            acts
        });
        let beside = ask.until(RATE, end).await;
        // With its connections.
        drop(ask);
        let acts = tokio::task::spawn_blocking(|| villain.join());
        let acts = acts.await.unwrap().expect("a trick went wrong");
        let memory = stage.gateway.most_resident();
        stage.clear();
        let left = stage.is_as_before(files).await;
        quiet.extend(other().steadily(RATE, silence).await);
        Self {
            quiet,
            beside,
            acts,
            memory,
            left,
        }
    }

    fn judge(&self, name: &str, slower: f64) {
        let figure = |what: &str| format!("one caller means no good, {name}: {what}");
        let missed: Vec<_> = self.beside.iter().filter(|one| !one.answered).collect();
        let told: Vec<_> = missed
            .iter()
            .map(|one| (self.during(one), one.took, &one.attempts))
            .collect();
        let (quiet, beside) = (slowest(&self.quiet), slowest(&self.beside));
        let ratio = beside / quiet;
        let none = results::at_most(
            &figure("requests of the other one without an answer"),
            results::count(missed.len()),
            "requests",
            0.0,
        );
        results::at_most(&figure("p99 when all is quiet"), quiet * 1e3, "ms", 1e3);
        results::at_most(&figure("p99 of the other one"), ratio, "times", SLOWER);
        let memory = results::at_most(
            &figure("resident memory"),
            mebibytes(self.memory),
            "MiB",
            mebibytes(CAP + BESIDE),
        );
        let files = results::at_most(
            &figure("descriptors kept"),
            results::count(self.left),
            "descriptors",
            results::count(IDLE),
        );
        results::cases(&self.entries());
        let all = format!("{} requests, {} acts", self.beside.len(), self.acts.len());
        assert!(none, "{all}: {} failed: {told:#?}", missed.len());
        assert!(memory, "{} MiB", mebibytes(self.memory));
        assert!(files, "{} descriptors", self.left);
        assert!(ratio <= slower, "p99 is {ratio} times of {quiet} s");
    }

    /// What each trick made of the other one's requests.
    fn entries(&self) -> Vec<Value> {
        let of = |trick: &Trick| {
            let beside = self.beside.iter();
            let beside: Vec<_> = beside
                .filter(|one| self.during(one) == trick.name)
                .cloned()
                .collect();
            let failed = beside.iter().filter(|one| !one.answered).count();
            let most = beside.iter().map(|one| one.took).max().unwrap_or_default();
            let acts = self.acts.iter().filter(|act| act.name == trick.name);
            let more = mebibytes(acts.map(|act| act.more).sum());
            let outcome = format!(
                "{failed} of {} of another caller failed; {more} MiB more",
                beside.len()
            );
            let name = format!("trick {}", trick.name);
            results::case(
                (&name, "OpenAI", "Chat Completions"),
                &outcome,
                beside.len(),
                most,
                failed == 0,
            )
        };
        TRICKS.iter().map(of).collect()
    }

    fn during(&self, sample: &Sample) -> &'static str {
        let act = self
            .acts
            .iter()
            .find(|act| (act.began..act.ended).contains(&sample.sent));
        act.map_or("", |act| act.name)
    }
}

/// The script, on a thread of its own that gives way to all others: the caller's machine is not the gateway's.
fn perform(stage: &Stage, least: Duration) -> Vec<Act> {
    let task = std::fs::read_link("/proc/thread-self").unwrap();
    let task = task.file_name().unwrap().to_owned();
    let gives_way = std::process::Command::new("renice")
        .args(["-n", "19", "-p"])
        .arg(task)
        .stdout(std::process::Stdio::null())
        .status();
    assert!(gives_way.is_ok_and(|status| status.success()));
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let (first, mut acts) = (Instant::now(), Vec::new());
        while first.elapsed() < least {
            for trick in TRICKS {
                let (began, before) = (Instant::now(), stage.gateway.most_resident());
                (trick.play)(stage).await;
                // What it leaves behind is part of it.
                sleep(stage.sizes.act.saturating_sub(began.elapsed())).await;
                acts.push(Act {
                    name: trick.name,
                    began,
                    ended: Instant::now(),
                    more: stage.gateway.most_resident().saturating_sub(before),
                });
            }
            stage.clear();
        }
        acts
    })
}

fn slowest(samples: &[Sample]) -> f64 {
    percentile(samples, 99).as_secs_f64()
}

fn mebibytes(bytes: usize) -> f64 {
    results::count(bytes / (1024 * 1024))
}
