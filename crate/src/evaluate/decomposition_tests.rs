use proptest::prelude::*;

use super::*;
use crate::numerics::random::unit;

/// Noisy copies of Y; the first two sub-models make the same mistakes if `copied`.
fn planted(n: usize, models: usize, copied: bool, seed: u64) -> Verdicts {
    let mut rng = StreamKey::new(seed, Purpose::Synthetic, 0, 0).stream();
    let mut verdicts = Verdicts::new(models as u32);
    for pair in 0..n {
        if pair % 10 == 0 {
            verdicts.user();
        }
        let y = unit(&mut rng) < 0.4;
        let mut listed: Vec<bool> = (0..models).map(|_| y ^ (unit(&mut rng) < 0.25)).collect();
        if copied {
            listed[1] = listed[0];
        }
        let majority = 2 * listed.iter().filter(|&&bit| bit).count() > models;
        verdicts.push(y, majority, listed.into_iter());
    }
    verdicts
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]
    #[test]
    fn the_three_terms_add_up(
        models in 1usize..7, n in 1usize..800, seed in 0u64..1000, corrected in any::<bool>(), copied in any::<bool>()
    ) {
        let verdicts = planted(n, models, copied && models > 1, seed);
        let d = decompose(&verdicts, corrected, 3, 0.9, 1);
        let sum = d.relevance.mean - d.redundancy.mean - d.combination.mean;
        prop_assert!((sum - d.information.mean).abs() < 1e-9, "{d:?}");
        if d.estimate == Estimate::Full && !corrected {
            // Data processing: a function of the verdicts knows no more than the verdicts.
            prop_assert!(d.combination.mean > -1e-9, "{d:?}");
        }
    }

    #[test]
    fn with_two_sub_models_pairs_are_exact(n in 40usize..500, seed in 0u64..1000, corrected in any::<bool>()) {
        let verdicts = planted(n, 2, false, seed);
        let cells = Cells::of(&verdicts);
        let pairwise = Pairwise::of(&verdicts);
        let full = cells.terms(&vec![1.0; cells.counts.len()], corrected).0;
        let pairs = pairwise.terms(&vec![1.0; pairwise.units()], corrected).0;
        for (full, pairs) in full.iter().zip(pairs) {
            prop_assert!((full - pairs).abs() < 1e-9, "{full} {pairs}");
        }
    }
}

#[test]
fn one_perfect_sub_model_has_all_relevance_and_loses_nothing() {
    let mut verdicts = Verdicts::new(1);
    verdicts.user();
    for pair in 0..100 {
        verdicts.push(pair < 50, pair < 50, [pair < 50].into_iter());
    }
    let d = decompose(&verdicts, false, 0, 0.9, 1);
    assert!((d.relevance.mean - 1.0).abs() < 1e-12 && (d.entropy - 1.0).abs() < 1e-12, "{d:?}");
    assert!(d.redundancy.mean.abs() < 1e-12 && d.combination.mean.abs() < 1e-12, "{d:?}");
}

#[test]
fn a_copied_sub_model_is_redundant() {
    let (apart, copied) = (planted(20_000, 3, false, 5), planted(20_000, 3, true, 5));
    let (apart, copied) = (decompose(&apart, true, 20, 0.9, 1), decompose(&copied, true, 20, 0.9, 1));
    assert!(copied.redundancy.mean > apart.redundancy.mean + 0.1, "{copied:?} {apart:?}");
    assert!((copied.relevance.mean - apart.relevance.mean).abs() < 0.02);
    assert!(apart.relevance.low < apart.relevance.mean && apart.relevance.mean < apart.relevance.high);
}

#[test]
fn miller_madow_takes_off_most_of_the_bias() {
    // Verdicts that know nothing: every term is 0 in truth, and the plug-in estimate of relevance is above it.
    let mut rng = StreamKey::new(9, Purpose::Synthetic, 0, 0).stream();
    let (mut plain, mut corrected) = (0.0, 0.0);
    for _ in 0..100 {
        let mut verdicts = Verdicts::new(3);
        verdicts.user();
        for _ in 0..100 {
            let mut coin = || unit(&mut rng) < 0.5;
            let bits = [coin(), coin(), coin()];
            verdicts.push(coin(), coin(), bits.into_iter());
        }
        plain += decompose(&verdicts, false, 0, 0.9, 1).relevance.mean / 100.0;
        corrected += decompose(&verdicts, true, 0, 0.9, 1).relevance.mean / 100.0;
    }
    assert!(plain > 0.015 && corrected.abs() < 0.005, "{plain} {corrected}");
}

#[test]
fn many_sub_models_are_estimated_from_pairs_and_ranges_of_users_add_up() {
    let (whole, mut first, second) =
        (planted(400, 70, false, 3), planted(200, 70, false, 3), planted(200, 70, false, 4));
    assert_eq!(decompose(&whole, true, 2, 0.9, 1).estimate, Estimate::Pairs);
    first.append(&second).unwrap();
    assert_eq!((first.len(), first.users().len()), (400, 40));
    assert_eq!(first.append(&Verdicts::new(3)).unwrap_err().code(), "evaluate.mixed");
    let empty = decompose(&Verdicts::new(2), true, 5, 0.9, 1);
    assert_eq!((empty.pairs, empty.relevance.mean), (0, 0.0));
}
