//! The outside of the network: what columns pass on, and at what price.

use super::Capacity;
use super::network::Network;
use crate::numerics::math;

impl Network<'_> {
    /// Prices the outside and sets what each column passes on so that its price agrees with complementary slackness;
    /// the sum comes as near to the supply as a single price of the outside allows.
    pub(super) fn balance_outside(&mut self) {
        let passed = |network: &Self, outside: i64| -> Vec<u64> {
            (0..network.k).map(|column| network.passed_at(column, outside - network.g[column])).collect()
        };
        let least = self.g[..self.k].iter().min().copied().expect("there is a column");
        let most = self.g[..self.k].iter().max().copied().expect("there is a column");
        let (mut low, mut high) = (least - (1 << 46), most + (1 << 46));
        while high - low > 1 {
            let middle = low + (high - low) / 2;
            if passed(self, middle).iter().sum::<u64>() <= self.supply {
                low = middle;
            } else {
                high = middle;
            }
        }
        self.g[self.k] = low;
        self.out = passed(self, low);
    }

    /// The least flow at which passing on one more unit costs at least `price`.
    fn passed_at(&self, column: usize, price: i64) -> u64 {
        match self.columns[column] {
            Capacity::Range { lower, upper } => {
                if price <= 0 {
                    lower
                } else {
                    upper
                }
            }
            Capacity::Penalty { .. } => {
                let (mut low, mut high) = (0u64, 2 * self.supply.div_ceil(self.grain) + 1);
                while low < high {
                    let middle = low + (high - low) / 2;
                    if self.price_of_block(column, middle) < price {
                        low = middle + 1;
                    } else {
                        high = middle;
                    }
                }
                low * self.grain
            }
        }
    }

    fn price_of_block(&self, column: usize, block: u64) -> i64 {
        match self.columns[column] {
            Capacity::Range { .. } => 0,
            Capacity::Penalty { target, tau } => {
                let middle = (block as f64 + 0.5) * self.grain as f64;
                self.steps(tau * math::ln(middle / target)) as i64
            }
        }
    }

    /// Length of the arc column -> outside and the units it takes at that length.
    pub(super) fn onward(&self, column: usize) -> Option<(i64, u64)> {
        let out = self.out[column];
        match self.columns[column] {
            Capacity::Range { upper, .. } => (out < upper).then(|| (0, upper - out)),
            Capacity::Penalty { .. } => {
                let block = out / self.grain;
                Some((self.price_of_block(column, block), (block + 1) * self.grain - out))
            }
        }
    }

    /// Length of the arc outside -> column and the units it takes at that length.
    pub(super) fn back(&self, column: usize) -> Option<(i64, u64)> {
        let out = self.out[column];
        match self.columns[column] {
            Capacity::Range { lower, .. } => (out > lower).then(|| (0, out - lower)),
            Capacity::Penalty { .. } if out == 0 => None,
            Capacity::Penalty { .. } => {
                let block = (out - 1) / self.grain;
                Some((-self.price_of_block(column, block), out - block * self.grain))
            }
        }
    }
}
