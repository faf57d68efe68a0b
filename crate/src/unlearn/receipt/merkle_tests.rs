use proptest::prelude::*;

use super::*;

fn leaf(number: u32) -> Leaf {
    // Spread over the key space, so that prefixes and neighbours mean something.
    Leaf { key: Digest::of(&number.to_le_bytes()), content: Digest::of(&[number as u8; 3]) }
}

/// The definition of the head of the file, read literally: split at the largest power of two below the count.
fn top_by_definition(leaves: &[Leaf]) -> Digest {
    match leaves {
        [one] => one.hash(),
        many => {
            let split = many.len().next_power_of_two() / 2;
            node(&top_by_definition(&many[..split]), &top_by_definition(&many[split..]))
        }
    }
}

#[test]
fn the_root_is_that_of_the_definition_for_every_small_count() {
    for count in 1..40u32 {
        let mut leaves: Vec<Leaf> = (0..count).map(leaf).collect();
        let tree = Tree::new(leaves.clone());
        leaves.sort_unstable();
        assert_eq!(tree.root(), root(count, Some(&top_by_definition(&leaves))), "{count} leaves");
    }
}

#[test]
fn an_empty_tree_shows_that_everything_is_absent() {
    let tree = Tree::new(Vec::new());
    let proof = tree.prove(&[Range::one(leaf(1).key)]);
    assert_eq!(proof.open(&tree.root()).unwrap().within(&Range::one(leaf(1).key)), Ok(&[][..]));
    let other = Root { rows: 0, digest: Digest::of(b"another") };
    assert_eq!(proof.open(&other).unwrap_err(), ProofError::Root);
}

#[test]
fn a_node_does_not_pass_for_a_leaf_nor_a_tree_for_a_smaller_one() {
    let tree = Tree::new((0..4).map(leaf).collect());
    let inner = &tree.levels[1];
    // The second-preimage attack on trees without domains: present the inner nodes as a leaf's two halves.
    let forged = Tree::new(vec![Leaf { key: inner[0], content: inner[1] }]);
    assert_ne!(forged.root().digest, tree.root().digest);
    let single = Tree::new(vec![leaf(0)]);
    let claims_two = Root { rows: 2, ..single.root() };
    assert!(single.prove(&[Range::one(leaf(0).key)]).open(&claims_two).is_err());
}

#[test]
fn a_proof_without_leaves_shows_nothing_about_a_full_tree() {
    let tree = Tree::new((0..4).map(leaf).collect());
    let opened = Proof::default();
    let opened = opened.open(&tree.root()).unwrap();
    assert_eq!(opened.within(&Range::one(leaf(9).key)), Err(ProofError::Gap));
}

#[test]
fn hiding_the_leaf_between_two_neighbours_is_a_gap() {
    let tree = Tree::new((0..9).map(leaf).collect());
    let hidden = tree.leaves[4].key;
    let around = [Range::one(tree.leaves[3].key), Range::one(tree.leaves[5].key)];
    let mut proof = tree.prove(&around);
    assert_eq!(proof.open(&tree.root()).unwrap().within(&Range::one(hidden)).map(<[_]>::len), Ok(1));
    proof.leaves.retain(|leaf| leaf.key != hidden);
    assert!(proof.open(&tree.root()).is_err());
    // Honest hashes, but only of places that are not neighbours.
    let apart = [Range { low: Digest([0; 32]), high: Digest([0; 32]) }, Range::one(tree.leaves[8].key)];
    let proof = tree.prove(&apart);
    assert_eq!(proof.open(&tree.root()).unwrap().within(&Range::one(hidden)), Err(ProofError::Gap));
}

fn case() -> impl Strategy<Value = (Vec<u32>, Vec<u32>)> {
    let numbers = proptest::collection::btree_set(0..200u32, 0..60).prop_map(|set| set.into_iter().collect());
    (numbers, proptest::collection::vec(0..200u32, 1..6))
}

proptest! {
    #[test]
    fn present_keys_are_shown_present_and_absent_ones_absent((inside, asked) in case()) {
        let tree = Tree::new(inside.iter().copied().map(leaf).collect());
        let ranges: Vec<Range> = asked.iter().map(|&number| Range::one(leaf(number).key)).collect();
        let proof = tree.prove(&ranges);
        let opened = proof.open(&tree.root()).unwrap();
        for (&number, range) in asked.iter().zip(&ranges) {
            let found = opened.within(range).unwrap();
            prop_assert_eq!(found.len(), usize::from(inside.contains(&number)));
            prop_assert!(found.iter().all(|found| found.content == leaf(number).content));
        }
    }

    #[test]
    fn a_range_holds_what_a_filter_finds((inside, asked) in case()) {
        let tree = Tree::new(inside.iter().copied().map(leaf).collect());
        let mut prefix = [0; 16];
        prefix[0] = leaf(asked[0]).key.0[0];
        let range = Range { low: Range::prefix(prefix).low, high: Digest([prefix[0]; 32]).max(leaf(asked[0]).key) };
        let proof = tree.prove(&[range]);
        let opened = proof.open(&tree.root()).unwrap();
        let keys: Vec<Digest> = opened.within(&range).unwrap().iter().map(|leaf| leaf.key).collect();
        let mut expected: Vec<Digest> = inside.iter().map(|&number| leaf(number).key).collect();
        expected.retain(|key| (range.low..=range.high).contains(key));
        expected.sort_unstable();
        prop_assert_eq!(keys, expected);
    }

    #[test]
    fn any_changed_byte_of_proof_or_root_is_found(
        (inside, asked) in case(), place in any::<prop::sample::Index>(), bit in 0..8u32,
    ) {
        let tree = Tree::new(inside.iter().copied().map(leaf).collect());
        let ranges: Vec<Range> = asked.iter().map(|&number| Range::one(leaf(number).key)).collect();
        let proof = tree.prove(&ranges);
        // Everything a receipt holds of it, as bytes, with one bit flipped.
        let mut bytes = postcard::to_stdvec(&(&proof, tree.root().rows)).unwrap();
        bytes.extend(tree.root().digest.0);
        let at = place.index(bytes.len());
        bytes[at] ^= 1 << bit;
        let (front, digest) = bytes.split_at(bytes.len() - 32);
        if let Ok(((changed, rows), rest)) = postcard::take_from_bytes::<(Proof, u32)>(front) {
            // A longer spelling of the same value is the same value.
            if !rest.is_empty() || (changed == proof && rows == tree.root().rows && digest == tree.root().digest.0) {
                return Ok(());
            }
            let root = Root { rows, digest: Digest(digest.try_into().unwrap()) };
            let shown = changed.open(&root).and_then(|opened| {
                ranges.iter().try_for_each(|range| opened.within(range).map(|_| ()))
            });
            prop_assert!(shown.is_err(), "{changed:?}");
        }
    }
}
