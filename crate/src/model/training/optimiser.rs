//! Steps down a gradient, over flat vectors of weights.

/// Adam (Kingma and Ba 2015, algorithm 1): beta .9 and .999, epsilon 1e-8.
#[derive(Clone, Debug)]
pub struct Adam {
    rate: f32,
    mean: Vec<f32>,
    square: Vec<f32>,
    /// beta^t, by multiplication.
    powers: [f32; 2],
}

const BETA: (f32, f32) = (0.9, 0.999);

impl Adam {
    /// Step size.
    pub fn rate(&self) -> f32 {
        self.rate
    }

    /// What it remembers of every weight, and of the steps it took.
    pub(in crate::model) fn state(&mut self) -> (Vec<&mut [f32]>, &mut [f32]) {
        (vec![&mut self.mean, &mut self.square], &mut self.powers)
    }

    /// For `n` weights.
    pub fn new(n: usize, rate: f32) -> Self {
        Adam { rate, mean: vec![0.0; n], square: vec![0.0; n], powers: [1.0; 2] }
    }

    /// One step.
    pub fn step(&mut self, weights: &mut [f32], gradient: &[f32]) {
        self.powers = [self.powers[0] * BETA.0, self.powers[1] * BETA.1];
        let (first, second) = (1.0 / (1.0 - self.powers[0]), 1.0 / (1.0 - self.powers[1]));
        let moments = self.mean.iter_mut().zip(&mut self.square);
        for ((weight, &slope), (mean, square)) in weights.iter_mut().zip(gradient).zip(moments) {
            *mean = BETA.0 * *mean + (1.0 - BETA.0) * slope;
            *square = BETA.1 * *square + (1.0 - BETA.1) * slope * slope;
            *weight -= self.rate * (*mean * first) / ((*square * second).sqrt() + 1e-8);
        }
    }
}

/// Adagrad (Duchi, Hazan and Singer 2011), diagonal: every weight's rate falls with the squares it has seen.
#[derive(Clone, Debug)]
pub struct Adagrad {
    rate: f32,
    square: Vec<f32>,
}

impl Adagrad {
    /// For `n` weights.
    pub fn new(n: usize, rate: f32) -> Self {
        Adagrad { rate, square: vec![0.0; n] }
    }

    /// One step.
    pub fn step(&mut self, weights: &mut [f32], gradient: &[f32]) {
        for ((weight, &slope), square) in weights.iter_mut().zip(gradient).zip(&mut self.square) {
            *square += slope * slope;
            *weight -= self.rate * slope / (square.sqrt() + 1e-8);
        }
    }
}

/// Gradient descent with momentum .9 (Polyak 1964): velocity = .9 velocity + gradient.
#[derive(Clone, Debug)]
pub struct Momentum {
    rate: f32,
    velocity: Vec<f32>,
}

impl Momentum {
    /// Step size.
    pub fn rate(&self) -> f32 {
        self.rate
    }

    /// What it remembers of every weight.
    pub(in crate::model) fn state(&mut self) -> &mut [f32] {
        &mut self.velocity
    }

    /// For `n` weights.
    pub fn new(n: usize, rate: f32) -> Self {
        Momentum { rate, velocity: vec![0.0; n] }
    }

    /// One step.
    pub fn step(&mut self, weights: &mut [f32], gradient: &[f32]) {
        for ((weight, &slope), velocity) in weights.iter_mut().zip(gradient).zip(&mut self.velocity) {
            *velocity = 0.9 * *velocity + slope;
            *weight -= self.rate * *velocity;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(a: f32, b: f32) {
        assert!((a - b).abs() < 1e-6, "{a} {b}");
    }

    #[test]
    fn adam_by_hand() {
        let mut adam = Adam::new(2, 0.1);
        let mut weights = [1.0, -1.0];
        // First step: both corrected moments are the gradient and its square, so the step is the rate, by sign.
        adam.step(&mut weights, &[0.5, -2.0]);
        near(weights[0], 0.9);
        near(weights[1], -0.9);
        // Second, gradient 0: mean .045 / .19, square .00024975 / .001999.
        adam.step(&mut weights, &[0.0, 0.0]);
        near(weights[0], 0.9 - 0.1 * (0.045 / 0.19) / (0.000_249_75f32 / 0.001_999).sqrt());
    }

    #[test]
    fn adagrad_by_hand() {
        let mut adagrad = Adagrad::new(1, 0.5);
        let mut weights = [1.0];
        adagrad.step(&mut weights, &[3.0]);
        near(weights[0], 0.5);
        adagrad.step(&mut weights, &[4.0]);
        near(weights[0], 0.5 - 0.5 * 4.0 / 5.0);
    }

    #[test]
    fn momentum_by_hand() {
        let mut momentum = Momentum::new(1, 0.1);
        let mut weights = [1.0];
        momentum.step(&mut weights, &[2.0]);
        near(weights[0], 0.8);
        momentum.step(&mut weights, &[1.0]);
        near(weights[0], 0.8 - 0.1 * 2.8);
    }
}
