//! What a link in a mail holds: a secret that is good once, and kept as its hash alone.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};
use std::fmt;

/// Bytes of a secret.
const BYTES: usize = 32;

/// A secret of 256 random bits. `Debug` hides it.
#[derive(Clone, PartialEq, Eq)]
pub struct LinkToken([u8; BYTES]);

impl LinkToken {
    /// A new one.
    pub fn random() -> Self {
        Self(rand::random())
    }

    /// Parses one. There is one spelling of each.
    pub fn parse(text: &str) -> Option<Self> {
        URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok().map(Self)
    }

    /// As it stands in the link: 43 characters of the URL-safe base64 alphabet.
    pub fn expose(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.0)
    }

    /// What is kept of it. It can't be guessed at any price, so a slow hash would add nothing.
    pub(crate) fn hash(&self) -> Vec<u8> {
        Sha256::digest(self.0).to_vec()
    }
}

impl fmt::Debug for LinkToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LinkToken(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_reads_back_has_one_spelling_and_is_not_shown() {
        let token = LinkToken::random();
        let text = token.expose();
        assert_eq!((text.len(), LinkToken::parse(&text)), (43, Some(token.clone())));
        for wrong in ["", "abc", &format!("{text}="), &text[1..], &format!("{}_", "A".repeat(42))] {
            assert_eq!(LinkToken::parse(wrong), None, "{wrong}");
        }
        assert_eq!(format!("{token:?}"), "LinkToken(…)");
    }
}
