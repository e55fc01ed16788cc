//! A key as its holder has it: `orders_<prefix>_<secret>`.

use sha2::{Digest, Sha256};
use std::fmt;

/// What each key begins with, so that a key that leaked is recognised for what it is.
const LABEL: &str = "orders";
/// Hexadecimal digits of the prefix: 48 random bits, so that two keys hardly ever want the same.
const PREFIX_CHARS: usize = 12;
/// Bytes of the secret: 256 bits.
const SECRET_BYTES: usize = 32;

/// The part of a key that finds it.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Prefix([u8; PREFIX_CHARS]);

impl Prefix {
    /// The digits.
    pub fn as_str(&self) -> &str {
        // Hexadecimal digits are ASCII.
        std::str::from_utf8(&self.0).unwrap_or_default()
    }

    fn parse(text: &str) -> Option<Self> {
        text.bytes().all(is_digit).then(|| text.as_bytes().try_into().ok().map(Self)).flatten()
    }
}

impl fmt::Debug for Prefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A key as its holder has it. `Display` shows it whole and is for its holder alone; `Debug` hides the secret.
#[derive(Clone)]
pub struct Token {
    prefix: Prefix,
    secret: [u8; SECRET_BYTES],
}

impl Token {
    /// A new key, random throughout.
    pub fn random() -> Self {
        let mut prefix = [0; PREFIX_CHARS];
        let digits = hex(&rand::random::<[u8; PREFIX_CHARS / 2]>());
        prefix.copy_from_slice(digits.as_bytes());
        Self { prefix: Prefix(prefix), secret: rand::random() }
    }

    /// Parses a key. There is one spelling of each: lower-case hexadecimal digits.
    pub fn parse(text: &str) -> Option<Self> {
        let (prefix, secret) = text.strip_prefix(LABEL)?.strip_prefix('_')?.split_once('_')?;
        Some(Self { prefix: Prefix::parse(prefix)?, secret: unhex(secret)? })
    }

    /// What finds it.
    pub fn prefix(&self) -> Prefix {
        self.prefix
    }

    /// What is kept of the secret.
    pub fn hash(&self) -> [u8; 32] {
        Sha256::digest(self.secret).into()
    }
}

impl fmt::Display for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{LABEL}_{}_{}", self.prefix.as_str(), hex(&self.secret))
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{LABEL}_{}_…", self.prefix.as_str())
    }
}

fn is_digit(byte: u8) -> bool {
    matches!(byte, b'0'..=b'9' | b'a'..=b'f')
}

fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digit = |nibble: u8| char::from(DIGITS[usize::from(nibble)]);
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}

fn unhex(text: &str) -> Option<[u8; SECRET_BYTES]> {
    if text.len() != SECRET_BYTES * 2 || !text.bytes().all(is_digit) {
        return None;
    }
    let value = |digit: u8| if digit.is_ascii_digit() { digit - b'0' } else { digit - b'a' + 10 };
    let mut bytes = [0; SECRET_BYTES];
    for (byte, pair) in bytes.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
        *byte = value(pair[0]) << 4 | value(pair[1]);
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_reads_back_as_it_was_written() {
        let token = Token::random();
        let written = token.to_string();
        let read = Token::parse(&written).unwrap();
        assert_eq!(written.len(), "orders_".len() + 12 + 1 + 64);
        assert_eq!((read.prefix(), read.hash()), (token.prefix(), token.hash()));
        assert_eq!(read.to_string(), written);
    }

    #[test]
    fn there_is_one_spelling_of_a_token() {
        let token = Token::random().to_string();
        let (head, secret) = token.rsplit_once('_').unwrap();
        assert!(Token::parse(&format!("{head}_{}", "A".repeat(64))).is_none());
        assert!(Token::parse(&format!("{head}_{secret}0")).is_none());
        assert!(Token::parse(&format!("{head}_{}", &secret[1..])).is_none());
        assert!(Token::parse(&token.replace("orders_", "order_")).is_none());
        assert!(Token::parse("orders__").is_none());
        assert!(Token::parse("").is_none());
    }

    #[test]
    fn debug_hides_the_secret() {
        let token = Token::random();
        let secret = token.to_string().rsplit_once('_').unwrap().1.to_owned();
        assert!(!format!("{token:?}").contains(&secret[..8]));
    }
}
