//! Randomness that is the same on every machine.
//!
//! Two kinds, never mixed. A *keyed hash* decides the fate of one user or row from its external id alone, so that
//! nobody else's rows enter the decision. A *stream* serves a training loop and is keyed by what it is for, so that no
//! stage can shift the numbers another stage sees.
//!
//! Sources: SipHash-2-4 (Aumasson and Bernstein 2012), ChaCha8 (Bernstein 2008), xoshiro256++ (Blackman and Vigna 2019).

use std::hash::Hasher as _;

use chacha20::ChaCha8Rng;
use rand::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;
use siphasher::sip::SipHasher24;

use crate::numerics::digest::Hasher;
use crate::numerics::math;

/// What a hash or a stream is for. The numbers are part of every digest: append, never renumber.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
#[allow(missing_docs)]
pub enum Purpose {
    Test = 1,
    Validation = 2,
    Partition = 3,
    Anchor = 4,
    Slice = 5,
    Centroids = 6,
    ItemInit = 7,
    UserInit = 8,
    Negatives = 9,
    Order = 10,
    Bootstrap = 11,
    Synthetic = 12,
    Selection = 13,
    WeightInit = 14,
    Combiner = 15,
    Embedding = 16,
    Audit = 17,
    Salt = 18,
    Silhouette = 19,
    UserSample = 20,
    Measured = 21,
    Probe = 22,
}

/// SipHash-2-4 of `parts` (each preceded by its length) under the key (seed, purpose).
pub fn keyed_hash(seed: u64, purpose: Purpose, parts: &[&[u8]]) -> u64 {
    let mut hasher = SipHasher24::new_with_keys(seed, purpose as u64);
    for part in parts {
        hasher.write(&(part.len() as u64).to_le_bytes());
        hasher.write(part);
    }
    hasher.finish()
}

/// The same as a number in [0, 1), for thresholds: 53 bits.
pub fn keyed_fraction(seed: u64, purpose: Purpose, parts: &[&[u8]]) -> f64 {
    (keyed_hash(seed, purpose, parts) >> 11) as f64 / (1u64 << 53) as f64
}

/// Names one stream: who asks, for which shard, in which epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StreamKey {
    /// The experiment's seed.
    pub seed: u64,
    /// What the numbers are for.
    pub purpose: Purpose,
    /// The shard's number, or 0 where there is none.
    pub shard: u32,
    /// The epoch, restart or sweep, or 0 where there is none.
    pub epoch: u32,
}

impl StreamKey {
    /// A key.
    pub fn new(seed: u64, purpose: Purpose, shard: u32, epoch: u32) -> Self {
        StreamKey { seed, purpose, shard, epoch }
    }

    fn bytes(self) -> [u8; 32] {
        let mut hasher = Hasher::new("ultrare stream 1");
        hasher.u64(self.seed).u32(self.purpose as u32).u32(self.shard).u32(self.epoch);
        hasher.finish().0
    }

    /// ChaCha8: for initial values and anything that is not a hot loop.
    pub fn stream(self) -> ChaCha8Rng {
        ChaCha8Rng::from_seed(self.bytes())
    }

    /// xoshiro256++: for sampling inside an epoch.
    pub fn fast(self) -> Xoshiro256PlusPlus {
        Xoshiro256PlusPlus::from_seed(self.bytes())
    }
}

/// Uniform in [0, 1) with 53 bits.
pub fn unit(rng: &mut impl Rng) -> f64 {
    (rng.next_u64() >> 11) as f64 / (1u64 << 53) as f64
}

/// Uniform in 0..n without bias (Lemire 2019, with rejection). `n` must not be 0.
pub fn below(rng: &mut impl Rng, n: u32) -> u32 {
    let mut product = u64::from(rng.next_u32()) * u64::from(n);
    if (product as u32) < n {
        let floor = n.wrapping_neg() % n;
        while (product as u32) < floor {
            product = u64::from(rng.next_u32()) * u64::from(n);
        }
    }
    (product >> 32) as u32
}

/// Fisher-Yates, from the end.
pub(crate) fn shuffle<T>(rng: &mut impl Rng, values: &mut [T]) {
    for last in (1..values.len()).rev() {
        values.swap(last, below(rng, last as u32 + 1) as usize);
    }
}

/// One standard normal value (Box and Muller 1958, the cosine branch; computed in f64).
pub fn normal(rng: &mut impl Rng) -> f64 {
    let radius = (-2.0 * math::ln(1.0 - unit(rng))).sqrt();
    radius * math::cos(std::f64::consts::TAU * unit(rng))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_of_different_purposes_differ_and_repeat() {
        let key = StreamKey::new(1, Purpose::ItemInit, 3, 0);
        let draw =
            |key: StreamKey| (0..4).map(|_| 0).scan(key.stream(), |r, _: i32| Some(r.next_u64())).collect::<Vec<_>>();
        assert_eq!(draw(key), draw(key));
        assert_ne!(draw(key), draw(StreamKey { purpose: Purpose::UserInit, ..key }));
        assert_ne!(draw(key), draw(StreamKey { shard: 4, ..key }));
    }

    /// Every digest rests on these bits, whichever library makes them.
    #[test]
    fn the_stream_is_chacha8_whatever_is_drawn_from_it() {
        let mut rng = ChaCha8Rng::from_seed([7; 32]);
        let drawn = (rng.next_u32(), rng.next_u64(), rng.next_u64());
        assert_eq!(drawn, (0x59cb_d0e4, 0xda81_43e6_391e_bc3f, 0x0c09_82d7_d4f5_378b));
    }

    #[test]
    fn lengths_keep_parts_apart() {
        let hash = |parts: &[&[u8]]| keyed_hash(7, Purpose::Test, parts);
        assert_ne!(hash(&[b"ab", b"c"]), hash(&[b"a", b"bc"]));
    }

    #[test]
    fn normal_has_mean_zero_and_variance_one() {
        let mut rng = StreamKey::new(5, Purpose::Synthetic, 0, 0).stream();
        let draws: Vec<f64> = (0..20_000).map(|_| normal(&mut rng)).collect();
        let mean = draws.iter().sum::<f64>() / draws.len() as f64;
        let variance = draws.iter().map(|x| (x - mean) * (x - mean)).sum::<f64>() / draws.len() as f64;
        assert!(mean.abs() < 0.03, "{mean}");
        assert!((variance - 1.0).abs() < 0.05, "{variance}");
    }

    #[test]
    fn below_reaches_every_value_about_equally() {
        let mut rng = StreamKey::new(5, Purpose::Order, 0, 0).fast();
        let mut counts = [0u32; 7];
        for _ in 0..70_000 {
            counts[below(&mut rng, 7) as usize] += 1;
        }
        assert!(counts.iter().all(|&c| (9_500..10_500).contains(&c)), "{counts:?}");
    }
}
