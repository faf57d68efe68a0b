//! Successive shortest augmenting paths on the graph of columns.
//!
//! Nodes are the K columns and the outside, which takes what the columns have taken. The arc j -> j' stands for moving a row from j
//! to j' and is as long as the cheapest such move; the arcs j -> outside and back carry the column's own price. Rows
//! that could move are kept in one heap per pair of columns, and only those whose move costs at most a threshold: few
//! rows ever move, and the threshold is raised when a shortest path might need more.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};

use super::Capacity;
use super::scan;
use super::tree::Parts;

pub(super) const FAR: i64 = i64::MAX / 4;
/// Marks a row that is divided between columns.
pub(super) const DIVIDED: u16 = u16::MAX;
/// Blocks of units, per even share, at which a penalty's price changes when supplies are not units.
const BLOCKS: u64 = 1024;

pub(super) struct Network<'a> {
    pub(super) costs: &'a [f64],
    pub(super) columns: &'a [Capacity],
    pub(super) supplies: Option<&'a [u32]>,
    pub(super) supply: u64,
    pub(super) rows: usize,
    pub(super) k: usize,
    pub(super) scale: f64,
    /// Units per step of a penalty's price.
    pub(super) grain: u64,
    /// Price of each column, and at the end of the outside.
    pub(super) g: Vec<i64>,
    /// The prices under which the heaps' keys were computed.
    pub(super) base: Vec<i64>,
    pub(super) column_of: Vec<u16>,
    pub(super) parts: Parts,
    /// Units in each column.
    pub(super) load: Vec<u64>,
    /// Units each column passes on to the outside.
    pub(super) out: Vec<u64>,
    pub(super) heaps: Vec<BinaryHeap<Reverse<(i64, u32)>>>,
    /// Key of each heap's top, `FAR` if empty.
    pub(super) top: Vec<i64>,
    /// Largest key kept in a heap, `FAR` if all are.
    pub(super) threshold: i64,
    /// The share of keys to keep at the next filling.
    pub(super) keep: f64,
}

/// How a node was reached.
#[derive(Clone, Copy)]
struct PathStep {
    from: usize,
    /// The arc's length is only known to be at least this.
    assumed: bool,
}

impl<'a> Network<'a> {
    pub(super) fn new(
        costs: &'a [f64],
        columns: &'a [Capacity],
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
    pub(super) fn steps(&self, cost: f64) -> f64 {
        scan::steps(cost, self.scale)
    }

    pub(super) fn supply_of(&self, row: usize) -> u64 {
        self.supplies.map_or(1, |supplies| u64::from(supplies[row]))
    }

    /// Every row to the column where cost - g is least, the lowest of equals.
    fn place(&mut self) {
        let g: Vec<f64> = self.g[..self.k].iter().map(|&g| g as f64).collect();
        for row in 0..self.rows {
            let best = scan::cheapest(&self.costs[row * self.k..(row + 1) * self.k], &g, self.scale);
            self.column_of[row] = best as u16;
            self.load[best] += self.supply_of(row);
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

    pub(super) fn flow(&self, row: u32, column: usize) -> u64 {
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
        let mut step = vec![PathStep { from: usize::MAX, assumed: false }; self.k + 1];
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
    fn shortest(&self, excess: &[i64], distance: &mut [i64], step: &mut [PathStep]) -> Option<usize> {
        let k = self.k;
        let mut settled = vec![false; k + 1];
        for node in 0..=k {
            distance[node] = if excess[node] > 0 { 0 } else { FAR };
            step[node] = PathStep { from: usize::MAX, assumed: false };
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
                            step[column] = PathStep { from: k, assumed: false };
                        }
                    }
                }
                continue;
            }
            if let Some((length, _)) = self.onward(node) {
                let reached = least + length + self.g[node] - self.g[k];
                if reached < distance[k] {
                    distance[k] = reached;
                    step[k] = PathStep { from: node, assumed: false };
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
                    step[column] = PathStep { from: node, assumed };
                }
            }
        }
    }

    /// Pushes as much as fits along the path that ends in `sink`. Returns how much.
    fn augment(&mut self, source: usize, sink: usize, excess: &[i64], step: &[PathStep]) -> i64 {
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
}
