//! API keys: who asks, and what they may.
//!
//! A key is `orders_<prefix>_<secret>`. The prefix finds it and may be shown; the secret is 256 random bits, of which
//! the database holds the SHA-256 alone. A slow password hash would add nothing: it makes guessing a person's choice
//! dear, and 256 random bits can't be guessed at any price. Requests carry the key as `Authorization: Bearer …` (RFC
//! 6750).

mod allowed;
pub mod keys;
pub mod permission;
mod scope;
mod token;
mod verifier;

pub use allowed::Allowed;
pub(crate) use allowed::{bearer, has_bearer, still_allows};
pub use permission::Permission;
pub use scope::{Scope, Scopes, UnknownScope};
pub use token::Token;
pub use verifier::{Keys, VerifiedKey};
