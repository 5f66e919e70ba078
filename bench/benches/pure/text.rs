//! What is read, changed and put into other words.

use std::hint::black_box;

use bytes::Bytes;
use criterion::{BatchSize, BenchmarkId, Criterion, Throughput};
use fairlead_translate::{Notes, Target, chat, gemini, messages, responses};
use fairlead_wire::openai::{payload, request};
use fairlead_wire::sse::Decoder;
use serde_json::json;

/// Prompts of these sizes are measured, in bytes.
const PROMPTS: [usize; 2] = [300, 100_000];
/// Whom requests are written for.
const TARGET: Target<'static> = Target {
    model: "fast",
    default_max_output: 4096,
};
/// The largest event that is taken.
const MAX_EVENT: usize = 1024 * 1024;

fn body(prompt: usize) -> Bytes {
    let words = "as it stands in a \"file\"\n".repeat(prompt / 25);
    let messages =
        json!([{"role": "system", "content": "Be brief."}, {"role": "user", "content": words}]);
    let body = json!({"model": "chat", "messages": messages, "max_tokens": 100, "stream": true});
    body.to_string().into()
}

/// A look at a body, and the model in it changed.
pub(crate) fn requests(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("peek and splice");
    for size in PROMPTS {
        let body = body(size);
        group.throughput(Throughput::Bytes(u64::try_from(body.len()).unwrap()));
        group.bench_function(BenchmarkId::from_parameter(size), |bencher| {
            bencher.iter(|| {
                let request = request::parse(black_box(&body)).unwrap();
                request.edits(true).upstream_body(&body, "fast", true)
            });
        });
    }
    group.finish();
}

/// 64 chunks, cut into events and looked through.
pub(crate) fn streams(criterion: &mut Criterion) {
    let chunk = |word: usize| {
        let delta = json!({"content": format!(" word{word}")});
        let choice = json!({"index": 0, "delta": delta, "finish_reason": null});
        let chunk = json!({"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "fast", "choices": [choice]});
        Bytes::from(format!("data: {chunk}\n\n"))
    };
    let chunks: Vec<Bytes> = (0..64).map(chunk).collect();
    criterion.bench_function("stream of 64 chunks", |bencher| {
        bencher.iter_batched(
            || (Decoder::new(MAX_EVENT), chunks.clone()),
            |(mut decoder, chunks)| {
                let mut seen = 0;
                for chunk in chunks {
                    decoder.push(chunk);
                    while let Some(event) = decoder.next().unwrap() {
                        seen += usize::from(event.data.is_some_and(|data| payload(&data).is_ok()));
                    }
                }
                assert_eq!(seen, 64);
            },
            BatchSize::SmallInput,
        );
    });
}

/// A request of the chat completions API in the words of each of the others.
pub(crate) fn translations(criterion: &mut Criterion) {
    type Write = fn(&fairlead_translate::Conversation<'_>, &Target<'_>, &mut Notes) -> Vec<u8>;
    let formats: [(&str, Write); 3] = [
        ("messages", messages::request::write),
        ("responses", responses::request::write),
        ("gemini", gemini::request::write),
    ];
    let mut group = criterion.benchmark_group("translate chat");
    for size in PROMPTS {
        let body = body(size);
        group.throughput(Throughput::Bytes(u64::try_from(body.len()).unwrap()));
        for (name, write) in formats {
            group.bench_function(BenchmarkId::new(name, size), |bencher| {
                bencher.iter(|| {
                    let conversation = chat::request::read(black_box(&body)).unwrap();
                    write(&conversation, &TARGET, &mut Notes::default())
                });
            });
        }
    }
    group.finish();
}
