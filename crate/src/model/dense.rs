//! A dense layer over flat weights: y = x W + b, optionally through a ReLU.

use super::kernels::{axpy, dot};

/// Where a layer's weights stand: `inputs` rows of `outputs` values, then `outputs` biases.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Dense {
    pub at: usize,
    pub inputs: usize,
    pub outputs: usize,
}

impl Dense {
    /// Number of weights.
    pub(super) fn len(self) -> usize {
        (self.inputs + 1) * self.outputs
    }

    fn row(self, weights: &[f32], input: usize) -> &[f32] {
        &weights[self.at + input * self.outputs..][..self.outputs]
    }

    /// ReLU(x W + b) into `y`.
    pub(super) fn forward(self, weights: &[f32], x: &[f32], y: &mut [f32]) {
        y.copy_from_slice(self.row(weights, self.inputs));
        for (input, &value) in x.iter().enumerate() {
            axpy(value, self.row(weights, input), y);
        }
        y.iter_mut().for_each(|value| *value = value.max(0.0));
    }

    /// `slope` is the gradient with respect to `y` and is masked where the ReLU was shut; adds the weights' gradient (if
    /// there is somewhere to add it) and writes the one with respect to `x` into `back`.
    pub(super) fn backward(
        self,
        weights: &[f32],
        (x, y): (&[f32], &[f32]),
        slope: &mut [f32],
        gradient: Option<&mut [f32]>,
        back: &mut [f32],
    ) {
        for (slope, &y) in slope.iter_mut().zip(y) {
            if y <= 0.0 {
                *slope = 0.0;
            }
        }
        for (input, place) in back.iter_mut().enumerate() {
            *place = dot(self.row(weights, input), slope);
        }
        if let Some(gradient) = gradient {
            for (input, &value) in x.iter().enumerate() {
                axpy(value, slope, &mut gradient[self.at + input * self.outputs..][..self.outputs]);
            }
            axpy(1.0, slope, &mut gradient[self.at + self.inputs * self.outputs..][..self.outputs]);
        }
    }
}
