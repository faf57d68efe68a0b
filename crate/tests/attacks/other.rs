//! A verifier in another language that shares no code with this one, on real receipts and on tampered ones.

use std::path::{Path, PathBuf};
use std::process::Command;

use ultrare::interactions::Interactions;
use ultrare::numerics::random::{Purpose, StreamKey, below};
use ultrare::partition::Method;
use ultrare::unlearn::receipt::sign::{Key, check_signatures};
use ultrare::unlearn::receipt::{AssignmentRule, Question, Rules, Verification, check_head};
use ultrare::unlearn::{Mode, Receipt, Request};

use crate::world::{built, forget, leaves, others, salt};

/// What this verifier says without training and without asking the settings: what the other one can know.
fn ours(texts: &[String], rows: &Interactions, key: &Key) -> bool {
    let Ok(receipts) = texts.iter().map(|text| Receipt::parse(text)).collect::<Result<Vec<_>, _>>() else {
        return false;
    };
    let echo = |question: &Question<'_>| {
        let receipt = question.receipt;
        Ok(Rules {
            settings: receipt.settings.clone(),
            seed: receipt.seed,
            method: receipt.partition.method.clone(),
            slices: receipt.protocol.slices,
            divided_again: None,
            taints: None,
            assignment: AssignmentRule::Given,
        })
    };
    let signed = check_signatures(&receipts, Some(&key.public())).ok;
    signed && Verification::open(&receipts, &[rows], echo).is_ok_and(|found| found.verdict().ok)
}

fn folder() -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("other-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

fn lines(rows: &Interactions) -> String {
    let line = |row: &ultrare::interactions::Row| {
        let ids = (rows.users().get(row.user), rows.items().get(row.item), row.value, row.time);
        serde_json::to_string(&(ids.0, ids.1, ids.2, ids.3, row.fate as u8, row.consent as u8)).unwrap() + "\n"
    };
    rows.rows().iter().map(line).collect()
}

/// The other verifier's word, and its output.
fn theirs(texts: &[String], rows: &Interactions, key: &Key) -> (bool, String) {
    let folder = folder();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/verifier/verify.py");
    let mut command = Command::new("python3");
    command.arg(script);
    for (at, text) in texts.iter().enumerate() {
        let path = folder.join(format!("{at}.json"));
        std::fs::write(&path, text).unwrap();
        command.arg(path);
    }
    let path = folder.join("rows");
    std::fs::write(&path, lines(rows)).unwrap();
    let output = command.arg("--rows").arg(path).args(["--signed-by", &key.public().to_string()]).output();
    let output = output.expect("this test needs python3 (and for signatures its package `cryptography`)");
    let said = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert!(output.status.code() == Some(0) || said.contains("refused"), "{said}");
    (output.status.success(), said)
}

/// A chain of three receipts: a user; a user and single rows; an item and a user.
fn chain(method: ultrare::partition::Method, seed: u64, key: &Key) -> (Vec<String>, Vec<Interactions>) {
    let mut experiment = built(method, 22, 0, seed);
    let mut days = vec![experiment.rows().unwrap().clone()];
    for day in 0..3 {
        let rows = experiment.rows().unwrap().clone();
        let user = |at: u32| rows.users().get(at % rows.users().len() as u32).to_owned();
        let mut request = Request::of_users([user(seed as u32 + 5)]);
        if day == 1 {
            let row = &rows.rows_of(2)[0];
            request.interactions.push((user(2), rows.items().get(row.item).to_owned()));
        }
        if day == 2 {
            request.items.push(rows.items().get(1).to_owned());
        }
        let refit = day == 1 && seed.is_multiple_of(2);
        forget(&mut experiment, request, if refit { Mode::Refit } else { Mode::Frozen });
        days.push(experiment.rows().unwrap().clone());
    }
    (experiment.receipts().iter().map(|receipt| key.sign(receipt.clone()).to_json()).collect(), days)
}

/// Receipts and tamperings on which both were asked; every disagreement fails.
fn compare(methods: &[ultrare::partition::Method], tamperings: u32) -> (u32, u32, u32) {
    let key = Key::new([5; 32]);
    let (mut asked, mut tampered, mut refused) = (0, 0, 0);
    for (at, &method) in methods.iter().enumerate() {
        let (texts, days) = chain(method, at as u64, &key);
        let agree = |texts: &[String], rows: &Interactions, what: &str| {
            let (our, (their, said)) = (ours(texts, rows, &key), theirs(texts, rows, &key));
            assert_eq!(our, their, "{method:?}, {what}: we say {our}, the other verifier:\n{said}");
            our
        };
        assert!(agree(&texts, &days[0], "the chain"));
        for day in 0..3 {
            assert!(agree(&texts[day..=day], &days[day], "from the rows before"));
            assert!(agree(&texts[day..=day], &days[day + 1], "from the rows after"));
            asked += 1;
        }
        let mut rng = StreamKey::new(at as u64, Purpose::Audit, 77, 1).fast();
        for number in 0..tamperings {
            let day = below(&mut rng, 3) as usize;
            let salt = salt(&days[0], day as u32 + 1);
            let document: serde_json::Value = serde_json::from_str(&texts[day]).unwrap();
            let paths = leaves(&document);
            let path = &paths[below(&mut rng, paths.len() as u32) as usize];
            let others = others(document.pointer(path).unwrap());
            let other = &others[below(&mut rng, others.len() as u32) as usize];
            let mut forged = document.clone();
            *forged.pointer_mut(path).unwrap() = other.clone();
            let what = format!("{path} = {other}, kind {}", number % 4);
            let mut chain = texts[day..=day].to_vec();
            chain[0] = match (serde_json::from_value::<Receipt>(forged.clone()), number % 4) {
                // As it is; the digest put right; the salt's binding too, and signed again.
                (Ok(forged), 1) => key.sign(forged.reseal()).to_json(),
                (Ok(forged), 2 | 3) => {
                    key.sign(Receipt { bound: forged.own_bound(&salt), ..forged }.reseal()).to_json()
                }
                _ => forged.to_string(),
            };
            tampered += 1;
            refused += u32::from(!agree(&chain, &days[if number % 8 < 4 { day } else { day + 1 }], &what));
        }
        // Omitted, reordered, replayed, cut off, signed by somebody else, about other rows.
        let [one, two, three] = [0, 1, 2].map(|at| texts[at].clone());
        for (chain, what) in [
            (vec![one.clone(), three.clone()], "omitted"),
            (vec![two.clone(), one.clone(), three.clone()], "reordered"),
            (vec![one.clone(), one.clone()], "replayed"),
        ] {
            assert!(!agree(&chain, &days[0], what));
            tampered += 1;
            refused += 1;
        }
        assert!(agree(&[one.clone(), two.clone()], &days[0], "cut off, which a chain cannot show"));
        let receipts: Vec<Receipt> = texts.iter().map(|text| Receipt::parse(text).unwrap()).collect();
        assert!(!check_head(&receipts[..2], &receipts[2].digest).ok, "but a head does");
        let foreign = Key::new([6; 32]).sign(receipts[0].clone()).to_json();
        assert!(!agree(&[foreign], &days[0], "a foreign key"));
        assert!(!agree(&[one], &days[2], "other rows"));
        (tampered, refused) = (tampered + 2, refused + 2);
    }
    (asked, tampered, refused)
}

#[test]
fn another_verifier_agrees_on_a_chain_of_receipts() {
    if Command::new("python3").arg("--version").output().is_err() {
        println!("python3 is not installed: not compared");
        return;
    }
    compare(&Method::COMPUTED[..1], 8);
}

#[test]
#[ignore = "long: starts Python a thousand times"]
fn another_verifier_agrees_on_fifty_receipts_and_two_hundred_tamperings() {
    let methods: Vec<_> =
        Method::COMPUTED.iter().chain(&Method::COMPUTED).chain(&Method::COMPUTED[..2]).copied().collect();
    let (asked, tampered, refused) = compare(&methods, 24);
    println!("{asked} receipts and {tampered} tamperings ({refused} refused): the two verifiers agree on all");
    assert!(asked >= 50 && tampered >= 200 && refused > tampered / 2);
}
