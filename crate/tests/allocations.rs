//! No allocation inside an epoch: once a training runs, its loops live in the room that was made for them.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use ultrare::model::{ModelConfig, ModelName, ShardRows, trainer};

/// Counts the calling thread's allocations.
struct Counting;

thread_local! {
    static COUNT: Cell<u64> = const { Cell::new(0) };
}

// SAFETY: every call goes to the system's allocator unchanged; the counter is a plain cell that needs no memory of its own.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        COUNT.with(|count| count.set(count.get() + 1));
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

fn rows() -> ShardRows {
    let (n_users, n_items) = (90, 70);
    let mut rows = ShardRows { n_users, n_items, starts: vec![0], ..ShardRows::default() };
    for user in 0..n_users {
        rows.items.extend((0..n_items).filter(|item| (item * 7 + user * 11) % 5 < 2 || item % 9 == user % 9));
        rows.starts.push(rows.items.len() as u32);
    }
    rows.values = vec![1.0; rows.items.len()];
    rows.validation = vec![false; rows.items.len()];
    rows
}

#[test]
fn an_epoch_allocates_nothing() {
    for name in [
        ModelName::Wmf,
        ModelName::Bpr,
        ModelName::Mf,
        ModelName::Lightgcn,
        ModelName::Gmf,
        ModelName::Neumf,
        ModelName::Dmf,
    ] {
        // Without validation rows no epoch looks at any: what is left is the epoch itself.
        let config = ModelConfig { epochs: Some(20), tolerance: Some(0.0), ..ModelConfig::of(name) };
        let mut trainer = trainer(rows(), &config, 1, 0).unwrap();
        trainer.step().unwrap();
        for _ in 0..3 {
            let before = COUNT.get();
            let report = trainer.step().unwrap();
            assert_eq!(COUNT.get() - before, 0, "{name:?}, epoch {}", report.epoch);
        }
    }
    assert!(COUNT.get() > 100, "the counter counts");
}
