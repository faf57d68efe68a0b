//! A dense layer over flat weights, y = ReLU(x W + b), for eight samples at a time: a value of x or y is eight values, one
//! lane a sample, so every multiplication is one of whole lanes whatever the layer's sizes are.

use crate::numerics::kernels::{LANES, Lanes, tree};

/// Where a layer's weights stand: `inputs` rows of `outputs` values, then `outputs` biases.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Dense {
    pub at: usize,
    pub inputs: usize,
    pub outputs: usize,
}

/// Outputs whose sums stay in registers together.
const TOGETHER: usize = 4;

impl Dense {
    /// Number of weights.
    pub(super) fn len(self) -> usize {
        (self.inputs + 1) * self.outputs
    }

    /// ReLU(x W + b) into `y`.
    pub(super) fn forward(self, weights: &[f32], x: &[Lanes], y: &mut [Lanes]) {
        let (table, bias) = weights[self.at..][..self.len()].split_at(self.inputs * self.outputs);
        let mut first = 0;
        while first < self.outputs {
            let width = TOGETHER.min(self.outputs - first);
            let mut sums = [[0.0f32; LANES]; TOGETHER];
            for (sum, &bias) in sums.iter_mut().zip(&bias[first..first + width]) {
                *sum = [bias; LANES];
            }
            for (x, row) in x.iter().zip(table.chunks_exact(self.outputs)) {
                for (sum, &weight) in sums.iter_mut().zip(&row[first..first + width]) {
                    add(sum, weight, x);
                }
            }
            for (y, sum) in y[first..first + width].iter_mut().zip(&sums) {
                *y = sum.map(|value| if value > 0.0 { value } else { value * 0.0 });
            }
            first += width;
        }
    }

    /// `slope` is the gradient with respect to `y` and is masked where the ReLU was shut; adds the weights' gradient (if
    /// there is somewhere to add it, `len` lanes) and writes the one with respect to `x` into `back`.
    pub(super) fn backward(
        self,
        weights: &[f32],
        (x, y): (&[Lanes], &[Lanes]),
        slope: &mut [Lanes],
        gradient: Option<&mut [Lanes]>,
        back: &mut [Lanes],
    ) {
        slope.iter_mut().zip(y).for_each(|(slope, y)| mask(slope, y));
        let table = &weights[self.at..][..self.inputs * self.outputs];
        for (back, row) in back.iter_mut().zip(table.chunks_exact(self.outputs)) {
            *back = [0.0; LANES];
            for (slope, &weight) in slope.iter().zip(row) {
                add(back, weight, slope);
            }
        }
        if let Some(gradient) = gradient {
            let (table, bias) = gradient.split_at_mut(self.inputs * self.outputs);
            for (x, row) in x.iter().zip(table.chunks_exact_mut(self.outputs)) {
                for (place, slope) in row.iter_mut().zip(&*slope) {
                    for lane in 0..LANES {
                        place[lane] += x[lane] * slope[lane];
                    }
                }
            }
            for (place, slope) in bias.iter_mut().zip(&*slope) {
                add(place, 1.0, slope);
            }
        }
    }
}

/// sum += weight * x.
#[inline(always)]
pub(super) fn add(sum: &mut Lanes, weight: f32, x: &Lanes) {
    for lane in 0..LANES {
        sum[lane] += weight * x[lane];
    }
}

/// Nothing comes back through a ReLU that was shut.
#[inline(always)]
pub(super) fn mask(slope: &mut Lanes, y: &Lanes) {
    for lane in 0..LANES {
        slope[lane] = if y[lane] > 0.0 { slope[lane] } else { 0.0 };
    }
}

/// Adds each entry's eight lanes to `out`, and empties them.
pub(super) fn drain(lanes: &mut [Lanes], out: &mut [f32]) {
    for (lanes, out) in lanes.iter_mut().zip(out) {
        *out += tree(*lanes);
        *lanes = [0.0; LANES];
    }
}
