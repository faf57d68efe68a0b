//! Receipts as somebody meets them who means harm, over real pipelines: who was it (`identify`), can it lie (`lie`), and does a
//! verifier that shares no code agree (`other`). The short ones run always; the long ones are ignored and run by
//! `npm run test:long`, which prints what they found.

#![allow(clippy::print_stdout)]

mod identify;
mod lie;
mod other;
mod world;
