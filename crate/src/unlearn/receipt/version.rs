//! What a receipt says of itself: its kind, its version, and the code that wrote it.

/// The first member of every receipt.
pub(crate) const FORMAT: &str = "ultrare receipt";
/// The version written and read here.
pub const VERSION: u32 = 2;

/// Name and version of this code, as receipts state it.
pub fn code_version() -> String {
    concat!("ultrare ", env!("CARGO_PKG_VERSION")).to_owned()
}
