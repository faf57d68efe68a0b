//! Answers of a trained pipeline: the best items of a person who is in the rows, of a visitor who shows some items, and the
//! reasons. It reads the ensemble back once and holds no state between questions, so that any number of threads may ask.
//!
//! What nobody's rows lead to is answered by popularity, and the answer says so ([`Basis`]).

mod answer;
mod error;
mod server;

pub use answer::{Basis, Explanation, List, Query, Reason, Recommended};
pub use error::ServeError;
pub use server::Server;
