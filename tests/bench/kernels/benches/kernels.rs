//! Every case under criterion, natively: `cargo bench -p ultrare-kernels [-- FILTER]`.
#![allow(missing_docs)]

use criterion::{BatchSize, Criterion, criterion_group, criterion_main};

fn all(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("kernels");
    group.sample_size(10);
    for case in ultrare_kernels::cases() {
        group.bench_function(case.name, |bencher| {
            bencher.iter_batched(|| case.prepare(), |run| run(), BatchSize::PerIteration);
        });
    }
    group.finish();
}

criterion_group!(benches, all);
criterion_main!(benches);
