//! Which rows could move, and at what cost: one heap per pair of columns.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::network::{DIVIDED, FAR, Network};
use super::scan;

impl Network<'_> {
    pub(super) fn transfer(&mut self, row: u32, from: usize, to: usize, amount: u64) {
        let there = self.flow(row, to);
        let here = self.flow(row, from);
        self.load[from] -= amount;
        self.load[to] += amount;
        if self.column_of[row as usize] != DIVIDED && here == amount {
            self.column_of[row as usize] = to as u16;
        } else {
            let own = self.column_of[row as usize];
            let supply = self.supply_of(row as usize);
            let parts = self.parts.entry(row).or_insert_with(|| vec![(own, supply)]);
            for part in parts.iter_mut() {
                if usize::from(part.0) == from {
                    part.1 -= amount;
                } else if usize::from(part.0) == to {
                    part.1 += amount;
                }
            }
            if there == 0 {
                parts.push((to as u16, amount));
            }
            parts.retain(|part| part.1 > 0);
            parts.sort_unstable();
            if let [(only, _)] = parts[..] {
                self.parts.remove(&row);
                self.column_of[row as usize] = only;
            } else {
                self.column_of[row as usize] = DIVIDED;
            }
        }
        if there == 0 {
            for column in 0..self.k {
                if column != to {
                    let key = self.key(row, to, column);
                    if key <= self.threshold {
                        self.heaps[to * self.k + column].push(Reverse((key, row)));
                    }
                }
            }
        }
    }

    /// What moving a row costs, under the prices at the last filling.
    fn key(&self, row: u32, from: usize, to: usize) -> i64 {
        let costs = &self.costs[row as usize * self.k..];
        (self.steps(costs[to]) as i64 - self.base[to]) - (self.steps(costs[from]) as i64 - self.base[from])
    }

    /// Drops entries of rows that have left, and notes the heaps' tops.
    pub(super) fn refresh(&mut self, from: usize) {
        for column in 0..self.k {
            let at = from * self.k + column;
            let mut top = FAR;
            while let Some(&Reverse((key, row))) = self.heaps[at].peek() {
                if self.flow(row, from) > 0 {
                    top = key;
                    break;
                }
                self.heaps[at].pop();
            }
            self.top[at] = top;
        }
    }

    /// Fills the heaps anew under the present prices, with about the share `keep` of all moves.
    pub(super) fn fill(&mut self) {
        let k = self.k;
        self.base.clone_from(&self.g);
        self.threshold = self.choose_threshold();
        let g: Vec<f64> = self.g[..k].iter().map(|&g| g as f64).collect();
        let threshold = self.threshold as f64;
        let mut lists: Vec<Vec<Reverse<(i64, u32)>>> = vec![Vec::new(); k * k];
        let mut offer = |row: usize, from: usize| {
            let costs = &self.costs[row * k..(row + 1) * k];
            let own = self.steps(costs[from]) - g[from];
            // Most rows have no move worth keeping but the one to where they are.
            let here = u64::from(threshold >= 0.0);
            if scan::within(costs, &g, self.scale, own + threshold) <= here {
                return;
            }
            for (column, (&cost, g)) in costs.iter().zip(&g).enumerate() {
                let key = self.steps(cost) - g - own;
                if key <= threshold && column != from {
                    lists[from * k + column].push(Reverse((key as i64, row as u32)));
                }
            }
        };
        for row in 0..self.rows {
            match self.column_of[row] {
                DIVIDED => self.parts[&(row as u32)].iter().for_each(|part| offer(row, usize::from(part.0))),
                own => offer(row, usize::from(own)),
            }
        }
        self.heaps = lists.into_iter().map(BinaryHeap::from).collect();
        self.top = self.heaps.iter().map(|heap| heap.peek().map_or(FAR, |entry| entry.0.0)).collect();
    }

    fn choose_threshold(&self) -> i64 {
        if self.keep >= 0.5 || self.rows < 256 {
            return FAR;
        }
        let stride = self.rows.div_ceil(512);
        let mut keys = Vec::new();
        for row in (0..self.rows).step_by(stride) {
            let own = self.column_of[row];
            if own != DIVIDED {
                let own = usize::from(own);
                keys.extend((0..self.k).filter(|&column| column != own).map(|to| self.key(row as u32, own, to)));
            }
        }
        keys.sort_unstable();
        let at = (self.keep * keys.len() as f64) as usize;
        keys.get(at).copied().unwrap_or(FAR)
    }
}
