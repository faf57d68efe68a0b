//! Alternating least squares with exact solves: the engine of `wmf`, of the embedding and of every ridge fold-in.

mod dual;
mod factors;
mod solver;
mod together;

pub use dual::Groups;
pub use factors::{AlsParams, Factors};
pub use solver::AlsSolver;
pub use together::Together;

#[cfg(test)]
mod tests {
    use super::Factors;
    use crate::numerics::random::{Purpose, StreamKey, normal};

    /// Vectors of normal values.
    pub(super) fn random(rows: usize, factors: usize) -> Factors {
        let mut rng = StreamKey::new(3, Purpose::ItemInit, 0, 0).stream();
        let mut out = Factors::zeros(rows, factors);
        for index in 0..rows {
            out.row_mut(index)[..factors].fill_with(|| normal(&mut rng) as f32 * 0.3);
        }
        out
    }
}
