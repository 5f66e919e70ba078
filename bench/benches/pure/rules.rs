//! Who asks, which rule takes it, where it goes; and what it takes to bring another configuration into force.

use std::hint::black_box;

use criterion::{BatchSize, BenchmarkId, Criterion};
use fairlead_admit::Keys;
use fairlead_route::{Table, all_well};
use fairlead_snapshot::Part;

use crate::world::{Asked, MODEL, caller, snapshot, value};

/// A key by its value, among more and more.
pub(crate) fn keys(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("key");
    for count in [10, 10_000] {
        let snapshot = snapshot(count, 0, 1);
        let all = snapshot.keys.iter();
        let keys = Keys::build(all.map(|(name, key)| (name.clone(), key, ())));
        let presented = value(count / 2);
        assert!(keys.find(presented.as_bytes(), 0, || None).is_ok());
        group.bench_function(BenchmarkId::from_parameter(count), |bencher| {
            bencher.iter(|| {
                keys.find(black_box(presented.as_bytes()), 0, || None)
                    .is_ok()
            });
        });
    }
    group.finish();
}

/// The last of all rules, behind more and more that cannot match.
pub(crate) fn matches(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("rule");
    for count in [1, 100, 10_000] {
        let snapshot = snapshot(1, count, 2);
        let table = Table::build(&snapshot, None);
        let name = caller(0);
        let caller = table.caller(&name, &snapshot.keys[&name]);
        let plan = || table.plan(&caller, black_box(MODEL), &Asked, &all_well);
        assert!(plan().is_ok());
        group.bench_function(BenchmarkId::from_parameter(count), |bencher| {
            bencher.iter(plan);
        });
    }
    group.finish();
}

/// One of more and more targets.
pub(crate) fn choices(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("choice");
    for count in [1, 2, 16] {
        let snapshot = snapshot(1, 0, count);
        let table = Table::build(&snapshot, None);
        let name = caller(0);
        let caller = table.caller(&name, &snapshot.keys[&name]);
        let plan = || table.plan(&caller, black_box(MODEL), &Asked, &all_well);
        assert!(plan().is_ok());
        group.bench_function(BenchmarkId::from_parameter(count), |bencher| {
            bencher.iter(plan);
        });
    }
    group.finish();
}

/// Another configuration of a thousand rules and a thousand keys, with the state of the one before.
pub(crate) fn swaps(criterion: &mut Criterion) {
    let snapshot = snapshot(1000, 1000, 2);
    let before = Table::build(&snapshot, None);
    criterion.bench_function("swap", |bencher| {
        bencher.iter_batched(
            || (),
            |()| Table::build(black_box(&snapshot), Some(&before)),
            BatchSize::LargeInput,
        );
    });
}

/// The shards of a thousand rules and a thousand keys, each verified against its digest.
pub(crate) fn shards(criterion: &mut Criterion) {
    let published = snapshot(1000, 1000, 2).publish(1, None).unwrap();
    criterion.bench_function("shards", |bencher| {
        bencher.iter(|| {
            let parts = published.shards.iter();
            let read = parts.filter(|shard| {
                Part::read(shard.section, &shard.digest, black_box(&shard.text)).is_ok()
            });
            assert_eq!(read.count(), published.shards.len());
        });
    });
}
