//! Signatures: who stands behind a receipt.
//!
//! Ed25519 (RFC 8032) over a line that holds the receipt's digest. Keys are given by whoever operates the service; who
//! verifies must know the public one from elsewhere, since a receipt can be signed by anybody.

use ed25519_dalek::{Signature as Bytes, Signer as _, SigningKey, VerifyingKey};
use thiserror::Error;

use super::record::{Receipt, Signature};
use super::verdict::Verdict;
use crate::numerics::digest::Digest;

/// A key that signs. Never shown.
#[derive(Clone)]
pub struct Key(SigningKey);

/// What is wrong with a key.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("{what} must be 64 hexadecimal digits (0-9, a-f), as `ultrare keys` writes them, not {found}")]
pub struct KeyError {
    what: &'static str,
    found: String,
}

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Key(..)")
    }
}

impl Key {
    /// From 32 random bytes.
    pub fn new(seed: [u8; 32]) -> Key {
        Key(SigningKey::from_bytes(&seed))
    }

    /// From its text form: 64 hexadecimal digits, spaces around them ignored.
    pub fn parse(text: &str) -> Result<Key, KeyError> {
        let found = || format!("{} characters of something else", text.trim().chars().count());
        let seed = Digest::parse(text.trim()).ok_or_else(|| KeyError { what: "a secret key", found: found() })?;
        Ok(Key::new(seed.0))
    }

    /// The text form. Whoever has it can sign.
    pub fn secret(&self) -> String {
        Digest(self.0.to_bytes()).to_string()
    }

    /// What others need to check signatures.
    pub fn public(&self) -> Digest {
        Digest(self.0.verifying_key().to_bytes())
    }

    /// The receipt with a signature over its digest.
    pub fn sign(&self, receipt: Receipt) -> Receipt {
        let bytes = self.0.sign(message(&receipt.digest).as_bytes()).to_bytes();
        let signature = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        Receipt { signature: Some(Signature { key: self.public(), signature }), ..receipt }
    }
}

/// Reads a public key.
pub fn public_key(text: &str) -> Result<Digest, KeyError> {
    let found = format!("\"{}\"", text.trim());
    Digest::parse(text.trim()).ok_or(KeyError { what: "a public key", found })
}

/// What is signed: one line of text.
pub fn message(digest: &Digest) -> String {
    format!("ultrare receipt 2 {digest}\n")
}

/// That signatures are right where there are some, and that they are `by` this public key where one is asked for.
pub fn check_signatures(receipts: &[Receipt], by: Option<&Digest>) -> Verdict {
    let mut verdict = Verdict::default();
    for receipt in receipts {
        let place = format!("receipt {}", receipt.number);
        let found = receipt.signature.as_ref();
        if let Some(by) = by {
            let signer = found.map_or("nobody".to_owned(), |signature| signature.key.to_string());
            verdict.check("signed by", &place, by, signer);
        }
        match found {
            Some(signature) => {
                verdict.check("signature", &place, "right", if right(receipt, signature) { "right" } else { "wrong" })
            }
            None if by.is_none() => verdict.leave(format!("signature of receipt {}", receipt.number), "there is none"),
            None => {}
        }
        if found.is_some() && by.is_none() {
            verdict.leave(format!("signer of receipt {}", receipt.number), "no public key was given to compare with");
        }
    }
    verdict
}

fn right(receipt: &Receipt, signature: &Signature) -> bool {
    let text = &signature.signature;
    let halves = text.is_ascii().then(|| text.split_at_checked(64)).flatten();
    let halves = halves.and_then(|(r, s)| Some((Digest::parse(r)?, Digest::parse(s)?)));
    let (Some((r, s)), Ok(key)) = (halves, VerifyingKey::from_bytes(&signature.key.0)) else { return false };
    key.verify_strict(message(&receipt.digest).as_bytes(), &Bytes::from_components(r.0, s.0)).is_ok()
}

#[cfg(test)]
mod tests {
    use super::super::testing::one;
    use super::*;

    #[test]
    fn a_signature_is_by_one_key_over_one_receipt() {
        let (key, other) = (Key::new([7; 32]), Key::new([8; 32]));
        let receipt = key.sign(one("obc").0);
        assert_eq!(Receipt::parse(&receipt.to_json()), Ok(receipt.clone()));
        let ok = |receipt: &Receipt, by: Option<&Digest>| check_signatures(std::slice::from_ref(receipt), by).ok;
        assert!(ok(&receipt, None) && ok(&receipt, Some(&key.public())));
        // Somebody else's: which, and whose.
        let verdict = check_signatures(&[other.sign(receipt.clone())], Some(&key.public()));
        let failed: Vec<_> = verdict.failures().collect();
        assert_eq!((failed.len(), failed[0].name.as_str(), failed[0].place.as_str()), (1, "signed by", "receipt 1"));
        assert_eq!(failed[0].found, other.public().to_string());
        // Under a name that is not the signer's, on another receipt, with a bit changed, taken off.
        let mut claimed = other.sign(receipt.clone());
        claimed.signature.as_mut().unwrap().key = key.public();
        let moved = Receipt { signature: receipt.signature.clone(), ..one("hash").0 };
        assert!(!ok(&claimed, None) && !ok(&moved, None));
        assert!(!ok(&one("obc").0, Some(&key.public())) && ok(&one("obc").0, None));
        let good = receipt.signature.clone().unwrap().signature;
        for at in 0..128 {
            let mut text = good.clone().into_bytes();
            text[at] = if text[at] == b'0' { b'1' } else { b'0' };
            let signature = Signature { key: key.public(), signature: String::from_utf8(text).unwrap() };
            assert!(!ok(&Receipt { signature: Some(signature), ..receipt.clone() }, None), "{at}");
        }
        for text in ["", "ab", &good.to_uppercase(), &"g".repeat(128), "\u{e9}"] {
            let signature = Signature { key: key.public(), signature: text.to_owned() };
            assert!(!ok(&Receipt { signature: Some(signature), ..receipt.clone() }, None), "{text}");
        }
    }

    #[test]
    fn keys_have_a_text_form_and_others_are_refused() {
        let key = Key::new([3; 32]);
        let read = Key::parse(&format!(" {}\n", key.secret())).unwrap();
        assert_eq!(read.public(), key.public());
        assert_eq!(public_key(&key.public().to_string()), Ok(key.public()));
        // A secret is not repeated in a refusal.
        let refused = Key::parse("my secret").unwrap_err().to_string();
        assert!(refused.contains("64 hexadecimal digits") && !refused.contains("my secret"), "{refused}");
        // RFC 8032, section 7.1, test 1.
        let key = Key::parse("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60").unwrap();
        assert_eq!(key.public().to_string(), "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a");
    }
}
