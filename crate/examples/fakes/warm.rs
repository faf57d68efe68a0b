//! Going on from old weights instead of beginning anew: alternating least squares from the item vectors of a sub-model that
//! saw what is forgotten. The objective is that of `wmf`, written down once more in double precision.

use nalgebra::{DMatrix, DVector};
use ultrare::Matrix;
use ultrare::model::{ModelConfig, ShardRows, SubModel};

/// Sweeps over what remains. The old sub-model had converged.
const SWEEPS: usize = 2;

/// A sub-model that was not trained from initialisation.
#[derive(Clone, Debug)]
pub struct Warm {
    users: Matrix,
    items: Matrix,
    alpha: f64,
    lambda: f64,
}

/// The vector that fits these rows of `known` best: (alpha V'V + sum v v' + lambda (n + alpha m) I) w = sum v.
fn fit(known: &Matrix, rows: &[u32], alpha: f64, lambda: f64) -> Vec<f32> {
    let width = known.cols();
    let vector = |row: usize| DVector::from_iterator(width, known.row(row).iter().map(|&x| f64::from(x)));
    let whole = DMatrix::from_fn(known.rows(), width, |row, column| f64::from(known.row(row)[column]));
    let mut left = whole.transpose() * &whole * alpha;
    let mut right = DVector::zeros(width);
    for &row in rows {
        let own = vector(row as usize);
        left += &own * own.transpose();
        right += own;
    }
    let ridge = lambda * (rows.len() as f64 + alpha * known.rows() as f64);
    left += DMatrix::identity(width, width) * ridge;
    let solved = left.cholesky().expect("a ridge makes it positive definite").solve(&right);
    solved.iter().map(|&x| x as f32).collect()
}

fn fit_all(known: &Matrix, rows_of: &[Vec<u32>], alpha: f64, lambda: f64) -> Matrix {
    let mut found = Matrix::zeros(rows_of.len(), known.cols());
    for (at, rows) in rows_of.iter().enumerate() {
        found.row_mut(at).copy_from_slice(&fit(known, rows, alpha, lambda));
    }
    found
}

impl Warm {
    /// From the old vectors of the items that are left, over the rows that are left.
    pub fn start(old: &Matrix, rows: &ShardRows, config: &ModelConfig) -> Warm {
        let knob = |value: Option<f32>| f64::from(value.expect("the laboratory gives its knobs"));
        let (alpha, lambda) = (knob(config.alpha), knob(config.lambda));
        let mut by_item = vec![Vec::new(); rows.n_items as usize];
        let mut by_user = Vec::new();
        for (user, span) in rows.starts.windows(2).enumerate() {
            let own = rows.items[span[0] as usize..span[1] as usize].to_vec();
            own.iter().for_each(|&item| by_item[item as usize].push(user as u32));
            by_user.push(own);
        }
        let mut items = old.clone();
        let mut users = fit_all(&items, &by_user, alpha, lambda);
        for _ in 0..SWEEPS {
            items = fit_all(&users, &by_item, alpha, lambda);
            users = fit_all(&items, &by_user, alpha, lambda);
        }
        Warm { users, items, alpha, lambda }
    }
}

impl SubModel for Warm {
    fn name(&self) -> &'static str {
        "wmf"
    }

    fn n_users(&self) -> usize {
        self.users.rows()
    }

    fn n_items(&self) -> usize {
        self.items.rows()
    }

    fn user(&self, local_user: u32) -> Vec<f32> {
        self.users.row(local_user as usize).to_vec()
    }

    fn fold_in(&self, items: &[u32], _values: &[f32]) -> Vec<f32> {
        fit(&self.items, items, self.alpha, self.lambda)
    }

    fn score(&self, user: &[f32], out: &mut [f32]) {
        for (item, score) in out.iter_mut().enumerate() {
            *score = self.items.row(item).iter().zip(user).map(|(v, w)| v * w).sum();
        }
    }

    fn item_vectors(&self) -> Option<&Matrix> {
        Some(&self.items)
    }

    fn to_bytes(&self) -> Vec<u8> {
        self.users.data().iter().chain(self.items.data()).flat_map(|x| x.to_le_bytes()).collect()
    }
}
