//! Half sweeps by as many hands as there are, with the bits that one has.

use std::sync::{Arc, Mutex, PoisonError};

use super::dual::DualRoom;
use super::{AlsSolver, Factors, Groups};
use crate::numerics::crew::{Alone, Crew, share};
use crate::numerics::sparse::Csr;

/// Rows of a piece that are solved one by one: some tenths of a millisecond.
const DENSE: usize = 32;
/// Rows of a piece of a group: enough for what they have in common to cost little beside them.
const EQUAL: usize = 2048;
/// Multiplications of a half sweep below which calling others takes longer than doing it.
const WORTH: f64 = 2e7;

/// The hands, and what they need between sweeps.
#[derive(Clone)]
pub struct Together {
    crew: Arc<dyn Crew>,
    rooms: Arc<Mutex<Vec<(AlsSolver, DualRoom)>>>,
    solved: Vec<f32>,
    shares: Vec<f64>,
}

impl Default for Together {
    fn default() -> Self {
        Together { crew: Arc::new(Alone), rooms: Arc::default(), solved: Vec::new(), shares: Vec::new() }
    }
}

/// Rows with places for their vectors and shares.
struct Piece<'a> {
    /// None: to be solved one by one.
    equal: Option<usize>,
    rows: &'a [u32],
    solved: &'a mut [f32],
    shares: &'a mut [f64],
}

impl Together {
    /// From now on these.
    pub fn set(&mut self, crew: &Arc<dyn Crew>) {
        self.crew = crew.clone();
    }

    /// [`AlsSolver::half_sweep_in_groups`], bit for bit.
    pub fn half_sweep_in_groups(
        &mut self,
        solver: &mut AlsSolver,
        groups: &mut Groups,
        entries: &Csr,
        fixed: &Factors,
        solved: &mut Factors,
    ) -> Option<f64> {
        if !self.is_worth(entries, fixed.stride) {
            return solver.half_sweep_in_groups(groups, entries, fixed, solved);
        }
        solver.fix(fixed);
        let equal = groups.parts(EQUAL).map(|(entries, rows)| (Some(entries), rows));
        let dense = groups.ungrouped().chunks(DENSE).map(|rows| (None, rows));
        let parts: Vec<_> = equal.chain(dense).collect();
        self.solve(solver, groups, &parts, entries, fixed);
        for (&row, vector) in parts.iter().flat_map(|(_, rows)| *rows).zip(self.solved.chunks(fixed.stride)) {
            solved.row_mut(row as usize).copy_from_slice(vector);
        }
        let in_groups = groups.grouped();
        let mut objective = groups.settle(&self.shares[..in_groups]);
        for &share in &self.shares[in_groups..] {
            objective += Some(share).filter(|share| share.is_finite())?;
        }
        for &row in groups.failed() {
            objective += solver.solve(entries.row(row as usize), fixed, solved.row_mut(row as usize))?;
        }
        Some(objective)
    }

    /// [`AlsSolver::half_sweep`], bit for bit; `groups` are those of the same rows.
    pub fn half_sweep(
        &mut self,
        solver: &mut AlsSolver,
        groups: &Groups,
        entries: &Csr,
        fixed: &Factors,
        solved: &mut Factors,
    ) -> Option<f64> {
        if !self.is_worth(entries, fixed.stride) {
            return solver.half_sweep(entries, fixed, solved);
        }
        solver.fix(fixed);
        let all: Vec<u32> = (0..entries.len() as u32).collect();
        let parts: Vec<_> = all.chunks(DENSE).map(|rows| (None, rows)).collect();
        self.solve(solver, groups, &parts, entries, fixed);
        solved.data.copy_from_slice(&self.solved);
        self.shares.iter().try_fold(0.0, |sum, &share| share.is_finite().then_some(sum + share))
    }

    fn is_worth(&self, entries: &Csr, stride: usize) -> bool {
        // wasm has no threads, and need not carry what only they use.
        !cfg!(target_family = "wasm")
            && self.crew.hands() > 1
            && entries.columns.len() as f64 * (stride * stride) as f64 > WORTH
    }

    /// Solves the rows of all parts into the places in their order.
    fn solve(
        &mut self,
        solver: &AlsSolver,
        groups: &Groups,
        parts: &[(Option<usize>, &[u32])],
        entries: &Csr,
        fixed: &Factors,
    ) {
        let rows: usize = parts.iter().map(|(_, rows)| rows.len()).sum();
        self.solved.resize(rows * fixed.stride, 0.0);
        self.shares.resize(rows, 0.0);
        let (mut solved, mut shares) = (&mut self.solved[..], &mut self.shares[..]);
        let mut pieces = Vec::with_capacity(parts.len());
        for &(equal, rows) in parts {
            let (own_solved, own_shares);
            (own_solved, solved) = solved.split_at_mut(rows.len() * fixed.stride);
            (own_shares, shares) = shares.split_at_mut(rows.len());
            pieces.push(Piece { equal, rows, solved: own_solved, shares: own_shares });
        }
        // Pieces of one-by-one rows are ascending in length: begun from the longest, what is left for the end is short.
        pieces.reverse();
        let rooms = &self.rooms;
        let locked = || rooms.lock().unwrap_or_else(PoisonError::into_inner);
        share(
            &*self.crew,
            pieces,
            || {
                let (mut of_solver, room) = locked().pop().unwrap_or_else(|| (solver.clone(), groups.room()));
                of_solver.fix_like(solver);
                Lent { rooms, room: Some((of_solver, room)) }
            },
            |lent, piece| {
                let (solver, room) = lent.room.as_mut().expect("it is given back at the end only");
                piece.solve(solver, room, entries, fixed);
            },
        );
    }
}

/// Given back when the hand is done.
struct Lent<'a> {
    rooms: &'a Mutex<Vec<(AlsSolver, DualRoom)>>,
    room: Option<(AlsSolver, DualRoom)>,
}

impl Drop for Lent<'_> {
    fn drop(&mut self) {
        self.rooms.lock().unwrap_or_else(PoisonError::into_inner).extend(self.room.take());
    }
}

impl Piece<'_> {
    fn solve(self, solver: &mut AlsSolver, room: &mut DualRoom, entries: &Csr, fixed: &Factors) {
        let Piece { equal, rows, solved, shares } = self;
        let stride = fixed.stride;
        match equal {
            Some(n) => {
                let ridge = solver.ridge(n);
                room.solve(n, rows, solver.gram(), ridge, entries, fixed, |at, share, vector| {
                    shares[at] = share;
                    solved[at * stride..][..stride].copy_from_slice(vector);
                });
            }
            None => {
                for ((&row, out), share) in rows.iter().zip(solved.chunks_mut(stride)).zip(shares) {
                    *share = solver.solve(entries.row(row as usize), fixed, out).unwrap_or(f64::NAN);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::numerics::als::AlsParams;
    use crate::numerics::als::tests::random;
    use crate::numerics::crew::tests::Several;
    use crate::numerics::sparse::tests::sparse;

    /// 12,000 rows of up to 12 entries and 200 of up to 150: in groups, too long for any, and none at all.
    fn entries() -> Csr {
        let mut entries = sparse(12_000, 400);
        for row in 0..200u32 {
            entries.columns.extend((0..400).filter(|column| (column * 7 + row * 13) % 400 < row));
            entries.starts.push(entries.columns.len() as u32);
        }
        entries
    }

    #[test]
    fn any_number_of_hands_solves_the_same_bits() {
        let (entries, fixed) = (entries(), random(400, 24));
        for lambda in [0.05, 0.0] {
            let params = AlsParams { factors: 24, alpha: lambda * 6.0, lambda, nu: 1.0 };
            let solved = |hands: usize| {
                let mut together = Together::default();
                together.set(&(Arc::new(Several(hands)) as Arc<dyn Crew>));
                assert_eq!(together.is_worth(&entries, 24), hands > 1);
                let (mut solver, mut groups) = (AlsSolver::new(params), Groups::new(&entries, 400, 24));
                let mut out = Factors::zeros(entries.len(), 24);
                let mut all = Vec::new();
                for _ in 0..2 {
                    let sum = together.half_sweep_in_groups(&mut solver, &mut groups, &entries, &fixed, &mut out);
                    all.push((sum.map(f64::to_bits), sum.map(|_| out.clone())));
                }
                let sum = together.half_sweep(&mut solver, &groups, &entries, &fixed, &mut out);
                all.push((sum.map(f64::to_bits), sum.map(|_| out)));
                assert!(groups.grouped() > 6_000 && !groups.ungrouped().is_empty());
                all
            };
            let alone = solved(1);
            // Without any penalty nothing can be solved, which every number of hands says.
            assert_eq!(alone[0].0.is_some(), lambda > 0.0);
            for hands in 2..=4 {
                assert!(solved(hands) == alone, "{hands} hands, lambda {lambda}");
            }
        }
    }
}
