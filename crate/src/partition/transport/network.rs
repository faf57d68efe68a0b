//! Successive shortest augmenting paths on the graph of columns.
//!
//! Nodes are the K columns and the outside, which takes what the columns have taken. The arc j -> j' stands for moving a row from j
//! to j' and is as long as the cheapest such move; the arcs j -> outside and back carry the column's own price. Rows
//! that could move are kept in one heap per pair of columns, and only those whose move costs at most a threshold: few
//! rows ever move, and the threshold is raised when a shortest path might need more.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};

use super::Column;
use super::tree::Parts;
use crate::math;

const FAR: i64 = i64::MAX / 4;
/// Marks a row that is divided between columns.
const DIVIDED: u16 = u16::MAX;
/// Adding and subtracting 1.5 * 2^52 rounds to the nearest integer in plain arithmetic, alike everywhere.
const ROUND: f64 = 6_755_399_441_055_744.0;
/// Blocks of units, per even share, at which a penalty's price changes when supplies are not units.
const BLOCKS: u64 = 1024;

pub(super) struct Network<'a> {
    costs: &'a [f64],
    columns: &'a [Column],
    supplies: Option<&'a [u32]>,
    supply: u64,
    rows: usize,
    k: usize,
    scale: f64,
    /// Units per step of a penalty's price.
    grain: u64,
    /// Price of each column, and at the end of the outside.
    g: Vec<i64>,
    /// The prices under which the heaps' keys were computed.
    base: Vec<i64>,
    column_of: Vec<u16>,
    parts: Parts,
    /// Units in each column.
    load: Vec<u64>,
    /// Units each column passes on to the outside.
    out: Vec<u64>,
    heaps: Vec<BinaryHeap<Reverse<(i64, u32)>>>,
    /// Key of each heap's top, `FAR` if empty.
    top: Vec<i64>,
    /// Largest key kept in a heap, `FAR` if all are.
    threshold: i64,
    /// The share of keys to keep at the next filling.
    keep: f64,
}

/// How a node was reached.
#[derive(Clone, Copy)]
struct Step {
    from: usize,
    /// The arc's length is only known to be at least this.
    assumed: bool,
}

impl<'a> Network<'a> {
    pub(super) fn new(
        costs: &'a [f64],
        columns: &'a [Column],
        supplies: Option<&'a [u32]>,
        supply: u64,
        rows: usize,
        scale: f64,
        mut g: Vec<i64>,
    ) -> Self {
        let k = columns.len();
        let grain = if supplies.is_some() { (supply / (k as u64 * BLOCKS)).max(1) } else { 1 };
        g.push(0);
        let mut network = Network {
            costs,
            columns,
            supplies,
            supply,
            rows,
            k,
            scale,
            grain,
            base: g.clone(),
            g,
            column_of: vec![0; rows],
            parts: BTreeMap::new(),
            load: vec![0; k],
            out: vec![0; k],
            heaps: Vec::new(),
            top: Vec::new(),
            threshold: 0,
            keep: 0.0,
        };
        network.place();
        network.balance_outside();
        network
    }

    /// Potentials relative to the outside, in steps.
    pub(super) fn potentials(&self) -> Vec<i64> {
        self.g[..self.k].iter().map(|g| g - self.g[self.k]).collect()
    }

    /// Potentials in units of cost, the column of each undivided row, and the divided rows.
    pub(super) fn into_parts(self) -> (Vec<f64>, Vec<u16>, Parts) {
        let potentials = self.potentials().iter().map(|&g| g as f64 / self.scale).collect();
        (potentials, self.column_of, self.parts)
    }

    #[inline]
    fn steps(&self, cost: f64) -> f64 {
        (cost * self.scale + ROUND) - ROUND
    }

    fn supply_of(&self, row: usize) -> u64 {
        self.supplies.map_or(1, |supplies| u64::from(supplies[row]))
    }

    /// Every row to the column where cost - g is least, the lowest of equals.
    fn place(&mut self) {
        let g: Vec<f64> = self.g.iter().map(|&g| g as f64).collect();
        for row in 0..self.rows {
            let costs = &self.costs[row * self.k..(row + 1) * self.k];
            let (mut best, mut least) = (0, f64::INFINITY);
            for (column, (&cost, g)) in costs.iter().zip(&g).enumerate() {
                let value = self.steps(cost) - g;
                if value < least {
                    (best, least) = (column, value);
                }
            }
            self.column_of[row] = best as u16;
            self.load[best] += self.supply_of(row);
        }
    }

    /// Prices the outside and sets what each column passes on so that its price agrees with complementary slackness;
    /// the sum comes as near to the supply as a single price of the outside allows.
    fn balance_outside(&mut self) {
        let passed = |network: &Self, outside: i64| -> Vec<u64> {
            (0..network.k).map(|column| network.passed_at(column, outside - network.g[column])).collect()
        };
        let least = self.g[..self.k].iter().min().copied().unwrap_or(0);
        let most = self.g[..self.k].iter().max().copied().unwrap_or(0);
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
            Column::Range { lower, upper } => {
                if price <= 0 {
                    lower
                } else {
                    upper
                }
            }
            Column::Penalty { .. } => {
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
            Column::Range { .. } => 0,
            Column::Penalty { target, tau } => {
                let middle = (block as f64 + 0.5) * self.grain as f64;
                self.steps(tau * math::ln(middle / target)) as i64
            }
        }
    }

    /// Length of the arc column -> outside and the units it takes at that length.
    fn onward(&self, column: usize) -> Option<(i64, u64)> {
        let out = self.out[column];
        match self.columns[column] {
            Column::Range { upper, .. } => (out < upper).then(|| (0, upper - out)),
            Column::Penalty { .. } => {
                let block = out / self.grain;
                Some((self.price_of_block(column, block), (block + 1) * self.grain - out))
            }
        }
    }

    /// Length of the arc outside -> column and the units it takes at that length.
    fn back(&self, column: usize) -> Option<(i64, u64)> {
        let out = self.out[column];
        match self.columns[column] {
            Column::Range { lower, .. } => (out > lower).then(|| (0, out - lower)),
            Column::Penalty { .. } if out == 0 => None,
            Column::Penalty { .. } => {
                let block = (out - 1) / self.grain;
                Some((-self.price_of_block(column, block), out - block * self.grain))
            }
        }
    }

    /// Units that must leave a node (above 0) or reach it (below 0).
    fn excess(&self, node: usize) -> i64 {
        if node < self.k {
            self.load[node] as i64 - self.out[node] as i64
        } else {
            self.out.iter().sum::<u64>() as i64 - self.supply as i64
        }
    }

    fn flow(&self, row: u32, column: usize) -> u64 {
        match self.column_of[row as usize] {
            DIVIDED => self.parts[&row].iter().find(|part| usize::from(part.0) == column).map_or(0, |part| part.1),
            own if usize::from(own) == column => self.supply_of(row as usize),
            _ => 0,
        }
    }

    /// Moves the overflow until there is none.
    pub(super) fn run(&mut self) {
        let overflow: i64 = (0..=self.k).map(|node| self.excess(node).max(0)).sum();
        if overflow == 0 {
            return;
        }
        let mean = self.supply as f64 / self.rows.max(1) as f64;
        let pairs = (self.rows * self.k.saturating_sub(1)).max(1) as f64;
        self.keep = (8.0 * overflow as f64 / mean + 16.0 * (self.k * self.k) as f64) / pairs;
        self.fill();
        let mut excess: Vec<i64> = (0..=self.k).map(|node| self.excess(node)).collect();
        let mut distance = vec![FAR; self.k + 1];
        let mut step = vec![Step { from: usize::MAX, assumed: false }; self.k + 1];
        while excess.iter().any(|&e| e > 0) {
            let Some(sink) = self.shortest(&excess, &mut distance, &mut step) else { return };
            let mut node = sink;
            let mut assumed = false;
            while step[node].from != usize::MAX {
                assumed |= step[node].assumed;
                node = step[node].from;
            }
            if assumed {
                self.keep *= 4.0;
                self.fill();
                continue;
            }
            let reach = distance[sink];
            for (g, &distance) in self.g.iter_mut().zip(&distance) {
                *g += distance.min(reach);
            }
            let moved = self.augment(node, sink, &excess, &step);
            excess[node] -= moved;
            excess[sink] += moved;
        }
    }

    /// Dijkstra from all nodes with an excess to the nearest with a lack.
    fn shortest(&self, excess: &[i64], distance: &mut [i64], step: &mut [Step]) -> Option<usize> {
        let k = self.k;
        let mut settled = vec![false; k + 1];
        for node in 0..=k {
            distance[node] = if excess[node] > 0 { 0 } else { FAR };
            step[node] = Step { from: usize::MAX, assumed: false };
        }
        loop {
            let mut node = usize::MAX;
            let mut least = FAR;
            for candidate in 0..=k {
                if !settled[candidate] && distance[candidate] < least {
                    (node, least) = (candidate, distance[candidate]);
                }
            }
            if node == usize::MAX {
                return None;
            }
            if excess[node] < 0 {
                return Some(node);
            }
            settled[node] = true;
            if node == k {
                for column in 0..k {
                    if let Some((length, _)) = self.back(column) {
                        let reached = least + length + self.g[k] - self.g[column];
                        if reached < distance[column] {
                            distance[column] = reached;
                            step[column] = Step { from: k, assumed: false };
                        }
                    }
                }
                continue;
            }
            if let Some((length, _)) = self.onward(node) {
                let reached = least + length + self.g[node] - self.g[k];
                if reached < distance[k] {
                    distance[k] = reached;
                    step[k] = Step { from: node, assumed: false };
                }
            }
            if self.load[node] == 0 {
                continue;
            }
            let own = self.g[node] - self.base[node];
            let tops = &self.top[node * k..(node + 1) * k];
            for column in 0..k {
                if settled[column] || column == node {
                    continue;
                }
                let shift = own - (self.g[column] - self.base[column]);
                let assumed = tops[column] == FAR;
                let length = if !assumed {
                    tops[column] + shift
                } else if self.threshold < FAR {
                    // No move is known here; whatever is missing has a key above the threshold.
                    (self.threshold + 1 + shift).max(0)
                } else {
                    continue;
                };
                if least + length < distance[column] {
                    distance[column] = least + length;
                    step[column] = Step { from: node, assumed };
                }
            }
        }
    }

    /// Pushes as much as fits along the path that ends in `sink`. Returns how much.
    fn augment(&mut self, source: usize, sink: usize, excess: &[i64], step: &[Step]) -> i64 {
        let k = self.k;
        let mut amount = excess[source].min(-excess[sink]) as u64;
        let mut moves = Vec::new();
        let mut to = sink;
        while step[to].from != usize::MAX {
            let from = step[to].from;
            let (row, room) = if from == k {
                (0, self.back(to).map_or(0, |arc| arc.1))
            } else if to == k {
                (0, self.onward(from).map_or(0, |arc| arc.1))
            } else {
                let row = self.heaps[from * k + to].peek().map_or(0, |entry| entry.0.1);
                (row, self.flow(row, from))
            };
            amount = amount.min(room);
            moves.push((row, from, to));
            to = from;
        }
        for &(row, from, to) in moves.iter().rev() {
            if from == k {
                self.out[to] -= amount;
            } else if to == k {
                self.out[from] += amount;
            } else {
                self.transfer(row, from, to, amount);
            }
        }
        for &(_, from, to) in &moves {
            if from < k && to < k {
                self.refresh(from);
                self.refresh(to);
            }
        }
        amount as i64
    }

    fn transfer(&mut self, row: u32, from: usize, to: usize, amount: u64) {
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
    fn refresh(&mut self, from: usize) {
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
    fn fill(&mut self) {
        let k = self.k;
        self.base.clone_from(&self.g);
        self.threshold = self.choose_threshold();
        let g: Vec<f64> = self.g.iter().map(|&g| g as f64).collect();
        let threshold = self.threshold as f64;
        let mut lists: Vec<Vec<Reverse<(i64, u32)>>> = vec![Vec::new(); k * k];
        let mut offer = |row: usize, from: usize| {
            let costs = &self.costs[row * k..(row + 1) * k];
            let own = self.steps(costs[from]) - g[from];
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
