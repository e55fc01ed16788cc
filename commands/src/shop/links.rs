//! Addresses of orders that only who was given them knows: the order's id with a signature of ours.
//!
//! A guest has no account to prove who they are by. The signature is HMAC-SHA-256 (RFC 2104) under a key that the
//! migration made, so that every instance, and whoever writes mails, signs alike.

use crate::db;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::ids::OrderId;
use hmac::{Hmac, Mac};
use sha2::Sha256;
use sqlx::PgPool;
use std::fmt;

/// The row of the table of keys.
const NAME: &str = "order_links";

/// What links are signed with. `Debug` hides it.
#[derive(Clone)]
pub struct LinkKey(Hmac<Sha256>);

impl LinkKey {
    /// Reads the key.
    pub async fn load(pool: &PgPool) -> Result<Self, sqlx::Error> {
        let key: Vec<u8> = db::read(pool, async |session| {
            sqlx::query_scalar("SELECT key FROM signing_keys WHERE name = $1").bind(NAME).fetch_one(session).await
        })
        .await?;
        Self::new(&key).ok_or_else(|| sqlx::Error::Decode("a signing key of no length".into()))
    }

    /// The key of these bytes. HMAC takes keys of any length.
    pub fn new(key: &[u8]) -> Option<Self> {
        Hmac::new_from_slice(key).ok().map(Self)
    }

    /// The signature of an order's address: 43 characters of the URL-safe base64 alphabet.
    pub fn sign(&self, order: OrderId) -> String {
        URL_SAFE_NO_PAD.encode(self.of(order).finalize().into_bytes())
    }

    /// Whether a signature is this order's, told in constant time.
    pub fn verify(&self, order: OrderId, signature: &str) -> bool {
        let Ok(signature) = URL_SAFE_NO_PAD.decode(signature) else { return false };
        self.of(order).verify_slice(&signature).is_ok()
    }

    fn of(&self, order: OrderId) -> Hmac<Sha256> {
        self.0.clone().chain_update(b"order\0").chain_update(order.0.as_bytes())
    }
}

impl fmt::Debug for LinkKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LinkKey(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    #[test]
    fn a_signature_is_one_orders_under_one_key() {
        let (key, other) = (LinkKey::new(&[1; 32]).unwrap(), LinkKey::new(&[2; 32]).unwrap());
        let (tea, cup) = (OrderId(Uuid::from_u128(1)), OrderId(Uuid::from_u128(2)));
        let signature = key.sign(tea);
        assert_eq!(signature.len(), 43);
        assert!(key.verify(tea, &signature));
        assert!(!key.verify(cup, &signature));
        assert!(!other.verify(tea, &signature));
        for wrong in ["", "%", &signature[..42], &signature[..20], &format!("{signature}A")] {
            assert!(!key.verify(tea, wrong), "{wrong}");
        }
    }
}
