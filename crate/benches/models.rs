//! What an epoch of each model costs, on invented rows of the size of ML-100K, one thread; and the kernels below them.
#![allow(missing_docs)]

use std::hint::black_box;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use ultrare::Matrix;
use ultrare::model::{ModelConfig, ModelName, ShardRows, trainer};
use ultrare::numerics::kernels::{Packed, Panels, cholesky, padded, top_k};
use ultrare::numerics::random::{Purpose, StreamKey, normal, unit};

/// 943 users, 1349 items, about 80,000 rows, a long tail on both sides.
fn rows() -> ShardRows {
    let (n_users, n_items) = (943u32, 1349u32);
    let mut rng = StreamKey::new(1, Purpose::Synthetic, 0, 0).stream();
    let mut rows = ShardRows { n_users, n_items, starts: vec![0], ..ShardRows::default() };
    for user in 0..n_users {
        let activity = 0.9 / (1.0 + f64::from(user) / 60.0);
        for item in 0..n_items {
            let taste = if item % 8 == user % 8 { 3.0 } else { 0.7 };
            if unit(&mut rng) < activity * taste * 2.9 / (1.0 + f64::from(item) / 150.0) {
                rows.items.push(item);
                rows.values.push(1.0);
                rows.validation.push(unit(&mut rng) < 0.1);
            }
        }
        rows.starts.push(rows.items.len() as u32);
    }
    rows
}

fn epochs(criterion: &mut Criterion) {
    let rows = rows();
    let mut group = criterion.benchmark_group("epoch");
    group.sample_size(10).throughput(Throughput::Elements(rows.items.len() as u64));
    for name in ModelName::ALL {
        // The first epoch, which no model that stops on validation rows measures: learning only.
        let factors = Some(32);
        let config = ModelConfig { factors, epochs: Some(1000), ..ModelConfig::of(name) };
        group.bench_function(name.as_str(), |bencher| {
            bencher.iter_batched(
                || trainer(rows.clone(), &config, 1, 0).ok(),
                |mut trainer| trainer.as_mut().map(|trainer| trainer.step().map(|report| report.updates)),
                BatchSize::PerIteration,
            );
        });
    }
    group.finish();
}

fn kernels(criterion: &mut Criterion) {
    let mut rng = StreamKey::new(2, Purpose::Synthetic, 0, 0).stream();
    let mut matrix = |rows: usize, cols: usize| {
        Matrix::from_vec(rows, cols, (0..rows * cols).map(|_| normal(&mut rng) as f32).collect()).unwrap_or_default()
    };
    let (users, items) = (matrix(6040, 32), Packed::rows_of(&matrix(3706, 32)));
    let mut group = criterion.benchmark_group("kernel");
    group.sample_size(10);
    group.bench_function("top 50 of 3706 items for 6040 users, 32 factors", |bencher| {
        bencher.iter(|| {
            let mut sum = 0u64;
            top_k(users.data(), &items, 50, |_| &[], |_, list| sum += u64::from(list[0]));
            sum
        });
    });
    for n in [32usize, 64, 640] {
        let stride = padded(n);
        let mut system = vec![0.0f32; n * stride];
        for row in 0..n {
            for column in 0..n {
                system[row * stride + column] = if row == column { n as f32 } else { 0.5 };
            }
        }
        let mut work = Panels::default();
        group.bench_function(format!("cholesky {n}"), |bencher| {
            bencher.iter_batched(
                || system.clone(),
                |mut system| black_box(cholesky(&mut system, n, stride, &mut work).is_ok()),
                BatchSize::LargeInput,
            );
        });
    }
    group.finish();
}

/// One model on all rows, by one thread and by two: the same digest, so what differs is the time.
#[cfg(feature = "threads")]
fn hands(criterion: &mut Criterion) {
    use ultrare::execute::{Control, Threads};
    use ultrare::{Recommender, Settings};

    let rows = rows();
    let pairs = (0..rows.n_users as usize).flat_map(|user| {
        let own = &rows.items[rows.starts[user] as usize..rows.starts[user + 1] as usize];
        own.iter().map(move |item| (user.to_string(), item.to_string()))
    });
    let Ok(loaded) = ultrare::from_rows(pairs) else { return };
    let mut settings = Settings::default();
    (settings.partition.shards, settings.model.factors) = (1, Some(128));
    let mut group = criterion.benchmark_group("one model of 128 factors");
    group.sample_size(10);
    for threads in [1, 2] {
        group.bench_function(format!("{threads} threads"), |bencher| {
            let on = Threads::new(threads);
            bencher.iter(|| {
                let fitted = Recommender::fit_on(&on, &Control::new(), &loaded, &settings);
                fitted.map(|recommender| recommender.digest()).ok()
            });
        });
    }
    group.finish();
}

#[cfg(not(feature = "threads"))]
fn hands(_: &mut Criterion) {}

criterion_group!(benches, epochs, kernels, hands);
criterion_main!(benches);
