//! A job as one piece of bytes, for whatever carries it to another process or machine: with the version of the code that made
//! it in front, because another version would come to other bytes.

use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;

use crate::Digest;
use crate::error::Result;

use super::job::{decode, encode};
use super::{JobOut, PipelineError, Stage};

/// Marks a parcel; the digit is the version of the frame, which never changes with the code.
const MAGIC: &[u8; 4] = b"URP1";
/// The code that makes and runs jobs.
const CODE: &str = env!("CARGO_PKG_VERSION");
const WHAT: &str = "a job";

/// A job that travels.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Parcel {
    /// Key of its outcome.
    pub key: Digest,
    /// The stage it belongs to.
    pub stage: Stage,
    /// What the pipeline is called.
    pub pipeline: String,
    /// The shard, for a training.
    pub shard: Option<u32>,
    /// Relative cost within the stage.
    pub weight: f64,
    /// Digests of the large inputs that it names: they travel beside it, once each.
    pub inputs: Vec<Digest>,
    /// The work; see [`super::Runner::run`].
    pub body: ByteBuf,
}

impl From<&JobOut> for Parcel {
    fn from(job: &JobOut) -> Self {
        Parcel {
            key: job.key,
            stage: job.stage,
            pipeline: job.pipeline.clone(),
            shard: job.shard,
            weight: job.weight,
            inputs: job.inputs.clone(),
            body: ByteBuf::from(job.body.clone()),
        }
    }
}

impl Parcel {
    /// Marks, the code's version, the job with its own marks and digest.
    pub fn to_bytes(&self) -> Vec<u8> {
        let length = [CODE.len() as u8];
        [&MAGIC[..], &length, CODE.as_bytes(), &encode(self)].concat()
    }

    /// Reads it back.
    ///
    /// Errors: bytes of something else; a job of another version; one that was cut short or changed.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self> {
        let foreign = PipelineError::Foreign { what: WHAT };
        let rest = bytes.strip_prefix(MAGIC).ok_or(foreign)?;
        let cut = || PipelineError::Damaged { what: WHAT, reason: "it breaks off after the first bytes".to_owned() };
        let (&length, rest) = rest.split_first().ok_or_else(cut)?;
        let (version, job) = rest.split_at_checked(length.into()).ok_or_else(cut)?;
        let version = String::from_utf8_lossy(version);
        if version != CODE {
            return Err(PipelineError::OtherVersion { found: version.into_owned(), own: CODE }.into());
        }
        decode(job, WHAT)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parcel() -> Parcel {
        let (key, inputs) = (Digest::of(b"key"), vec![Digest::of(b"input")]);
        let body = ByteBuf::from(vec![1, 2, 3]);
        Parcel { key, stage: Stage::Train, pipeline: "original".into(), shard: Some(3), weight: 7.0, inputs, body }
    }

    #[test]
    fn it_is_read_back_and_nothing_else_is_taken_for_it() {
        let bytes = parcel().to_bytes();
        assert_eq!(Parcel::from_bytes(&bytes).unwrap(), parcel());
        for cut in 0..bytes.len() {
            assert!(Parcel::from_bytes(&bytes[..cut]).is_err(), "{cut}");
        }
        for at in 0..bytes.len() {
            let mut bad = bytes.clone();
            bad[at] ^= 0x40;
            assert!(Parcel::from_bytes(&bad).is_err(), "{at}");
        }
    }

    #[test]
    fn another_version_is_named() {
        let mut bytes = parcel().to_bytes();
        bytes[5] = b'9';
        let error = Parcel::from_bytes(&bytes).unwrap_err();
        assert_eq!(error.code(), "pipeline.other_version");
        assert!(error.to_string().contains(CODE) && error.to_string().contains('9'), "{error}");
    }
}
