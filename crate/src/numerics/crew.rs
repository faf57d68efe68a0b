//! Hands that work on one computation at once. The library has no threads of its own: whoever runs jobs may lend it some.
//!
//! What is handed out are pieces that do not depend on each other, each with a place of its own for its result, and whatever is
//! summed is summed afterwards in the order of the pieces: so the outcome has the same bits with any number of hands.

use std::sync::{Mutex, PoisonError};

/// Whoever lends hands.
pub trait Crew: Send + Sync {
    /// How many there are just now, the caller's own among them.
    fn hands(&self) -> usize {
        1
    }

    /// Calls `hand` here, and at the same time on any number of other threads; returns when all have ended.
    fn work(&self, hand: &(dyn Fn() + Sync)) {
        hand();
    }
}

/// One's own hands only.
#[derive(Clone, Copy, Debug, Default)]
pub struct Alone;

impl Crew for Alone {}

/// Does all `pieces`, each by whichever hand is free; the first are begun first. `room` makes what a hand needs for itself.
pub fn share<P: Send, R>(
    crew: &dyn Crew,
    pieces: Vec<P>,
    room: impl Fn() -> R + Sync,
    each: impl Fn(&mut R, P) + Sync,
) {
    let heap = Mutex::new(pieces.into_iter());
    // A hand that panicked has left the heap whole; the panic itself comes through where the hands are awaited.
    let next = || heap.lock().unwrap_or_else(PoisonError::into_inner).next();
    crew.work(&|| {
        let mut own = None;
        while let Some(piece) = next() {
            each(own.get_or_insert_with(&room), piece);
        }
    });
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// So many threads.
    pub(crate) struct Several(pub usize);

    impl Crew for Several {
        fn hands(&self) -> usize {
            self.0
        }

        fn work(&self, hand: &(dyn Fn() + Sync)) {
            std::thread::scope(|scope| {
                for _ in 1..self.0 {
                    scope.spawn(hand);
                }
                hand();
            });
        }
    }

    #[test]
    fn every_piece_is_done_once_by_any_number_of_hands() {
        for hands in 1..5 {
            let mut done = vec![0u32; 100];
            let pieces: Vec<(usize, &mut u32)> = done.iter_mut().enumerate().collect();
            share(
                &Several(hands),
                pieces,
                || 0,
                |of_hand: &mut u32, (at, place)| {
                    *of_hand += 1;
                    *place += at as u32 + 1;
                },
            );
            assert!(done.iter().enumerate().all(|(at, &done)| done == at as u32 + 1), "{hands} hands");
        }
        share(&Alone, vec![(); 0], || panic!("nothing to do needs no room"), |(), ()| {});
    }
}
