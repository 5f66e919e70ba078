//! What the pure parts of a request take, each alone: `cargo bench --package fairlead-bench`, or of one of them
//! `cargo bench --package fairlead-bench -- "rule"`. Instructions of the whole are guarded by `make instructions`; this is for whoever works on a part.

#![expect(
    clippy::unwrap_used,
    reason = "a benchmark of something that does not work is not to go on"
)]

mod limits;
mod rules;
mod text;
mod world;

use criterion::{Criterion, criterion_group, criterion_main};

fn all(criterion: &mut Criterion) {
    rules::keys(criterion);
    rules::matches(criterion);
    rules::choices(criterion);
    rules::swaps(criterion);
    rules::shards(criterion);
    text::requests(criterion);
    text::streams(criterion);
    text::translations(criterion);
    limits::leases(criterion);
}

criterion_group!(pure, all);
criterion_main!(pure);
