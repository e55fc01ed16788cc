//! Passwords: hashed by Argon2id (RFC 9106), away from the threads that answer requests.
//!
//! Hashing takes memory and time on purpose. So only a few are under way at once, and who would wait long for a turn is
//! told to come again: a flood of log-ins costs a bounded part of the machine.

use argon2::password_hash::{PasswordHash, PasswordHasher, PasswordVerifier, SaltString};
use argon2::{Algorithm, Argon2, Params, Version};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;

/// What OWASP asks for of Argon2id (Password Storage Cheat Sheet): 19 MiB, two passes, one lane.
const MEMORY_KIB: u32 = 19 * 1_024;
const PASSES: u32 = 2;
const LANES: u32 = 1;
const SALT_BYTES: usize = 16;

/// How many are hashed at once: 76 MiB.
const AT_ONCE: usize = 4;
/// How long a turn is waited for.
const TURN_AT_MOST: Duration = Duration::from_secs(3);

/// A password as it was typed. `Debug` hides it.
#[derive(Clone, PartialEq, Eq)]
pub struct Password(String);

/// Why a text is no password.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotAPassword {
    /// It would soon be guessed.
    #[error("a password has at least {} characters", Password::MIN_CHARS)]
    TooShort,
    /// Nobody types that; hashing it would only cost time.
    #[error("a password has at most {} characters", Password::MAX_CHARS)]
    TooLong,
}

impl Password {
    /// The fewest characters of a new one.
    pub const MIN_CHARS: usize = 10;
    /// The most.
    pub const MAX_CHARS: usize = 200;

    /// One that is to be set.
    pub fn parse(text: &str) -> Result<Self, NotAPassword> {
        match text.chars().count() {
            count if count < Self::MIN_CHARS => Err(NotAPassword::TooShort),
            count if count > Self::MAX_CHARS => Err(NotAPassword::TooLong),
            _ => Ok(Self(text.to_owned())),
        }
    }

    /// One that is tried: whatever was typed, as far as any could be so long.
    pub fn tried(text: &str) -> Self {
        Self(text.chars().take(Self::MAX_CHARS + 1).collect())
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(…)")
    }
}

/// What trying a password came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It is another one, or nobody's.
    Wrong,
    /// It is the right one.
    Right,
    /// It is the right one, and was hashed as is no longer done: to be hashed again.
    RightButOutdated,
}

/// Why nothing was hashed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PasswordError {
    /// Too many at once.
    #[error("too many passwords are being looked at")]
    Busy,
    /// A fault of this program.
    #[error("a password could not be hashed: {0}")]
    Internal(String),
}

/// Hashes passwords; cheap to clone, and clones share its bounds.
#[derive(Debug, Clone)]
pub struct Passwords {
    turns: Arc<Semaphore>,
    params: Params,
    /// Tried where there is no member, so that this takes as long as where there is one.
    decoy: Arc<str>,
}

impl Passwords {
    /// With the parameters of today.
    pub fn new() -> Result<Self, PasswordError> {
        let params = Params::new(MEMORY_KIB, PASSES, LANES, None).map_err(internal)?;
        Ok(Self::with(params))
    }

    fn with(params: Params) -> Self {
        let decoy = format!(
            "$argon2id$v=19$m={},t={},p={}${}${}",
            params.m_cost(),
            params.t_cost(),
            params.p_cost(),
            // 16 and 32 bytes of nothing.
            "A".repeat(22),
            "A".repeat(43),
        );
        Self { turns: Arc::new(Semaphore::new(AT_ONCE)), params, decoy: decoy.into() }
    }

    /// Hashes a password, with a salt of its own, into a PHC string.
    pub async fn hash(&self, password: Password) -> Result<String, PasswordError> {
        let params = self.params.clone();
        self.in_turn(move || {
            let salt = SaltString::encode_b64(&rand::random::<[u8; SALT_BYTES]>()).map_err(internal)?;
            let hash = hasher(params).hash_password(password.0.as_bytes(), &salt).map_err(internal)?;
            Ok(hash.to_string())
        })
        .await
    }

    /// Tries a password. Without a hash, as of an address that nobody has, it does the same work, and finds it wrong.
    pub async fn verify(&self, password: Password, hash: Option<String>) -> Result<Verdict, PasswordError> {
        let (params, is_known) = (self.params.clone(), hash.is_some());
        let hash = hash.unwrap_or_else(|| self.decoy.to_string());
        self.in_turn(move || {
            let parsed = PasswordHash::new(&hash).map_err(internal)?;
            let used = Params::try_from(&parsed).map_err(internal)?;
            // It takes the parameters from the hash.
            let is_right = hasher(params.clone()).verify_password(password.0.as_bytes(), &parsed).is_ok();
            let is_current =
                (used.m_cost(), used.t_cost(), used.p_cost()) == (params.m_cost(), params.t_cost(), params.p_cost());
            Ok(match (is_known && is_right, is_current) {
                (false, _) => Verdict::Wrong,
                (true, true) => Verdict::Right,
                (true, false) => Verdict::RightButOutdated,
            })
        })
        .await
    }

    /// Waits for a turn, then works on a thread that may be blocked. The turn lasts as long as the work, also where
    /// nobody waits for it any more.
    async fn in_turn<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, PasswordError> + Send + 'static,
    ) -> Result<T, PasswordError> {
        let turn = tokio::time::timeout(TURN_AT_MOST, Arc::clone(&self.turns).acquire_owned()).await;
        let Ok(Ok(turn)) = turn else { return Err(PasswordError::Busy) };
        let working = tokio::task::spawn_blocking(move || {
            let outcome = work();
            drop(turn);
            outcome
        });
        working.await.map_err(internal)?
    }
}

fn hasher(params: Params) -> Argon2<'static> {
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
}

fn internal(error: impl fmt::Display) -> PasswordError {
    PasswordError::Internal(error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn typed(text: &str) -> Password {
        Password::tried(text)
    }

    #[tokio::test]
    async fn a_password_is_known_by_its_hash() {
        let passwords = Passwords::new().unwrap();
        let hash = passwords.hash(Password::parse("oolong & steam").unwrap()).await.unwrap();
        assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
        let verify = async |text, hash| passwords.verify(typed(text), hash).await.unwrap();
        assert_eq!(verify("oolong & steam", Some(hash.clone())).await, Verdict::Right);
        assert_eq!(verify("oolong & stream", Some(hash.clone())).await, Verdict::Wrong);
        assert_eq!(verify("oolong & steam", None).await, Verdict::Wrong);
        let again = passwords.hash(typed("oolong & steam")).await.unwrap();
        assert_ne!(hash, again, "each has a salt of its own");
    }

    #[tokio::test]
    async fn a_hash_of_other_parameters_is_told() {
        let weaker = Passwords::with(Params::new(8 * 1_024, 1, 1, None).unwrap());
        let hash = weaker.hash(typed("oolong & steam")).await.unwrap();
        let passwords = Passwords::new().unwrap();
        let verdict = passwords.verify(typed("oolong & steam"), Some(hash)).await.unwrap();
        assert_eq!(verdict, Verdict::RightButOutdated);
    }

    #[tokio::test]
    async fn what_is_no_hash_is_a_fault_and_no_match() {
        let passwords = Passwords::new().unwrap();
        let outcome = passwords.verify(typed("oolong & steam"), Some("plain".to_owned())).await;
        assert!(matches!(outcome, Err(PasswordError::Internal(_))), "{outcome:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn who_would_wait_too_long_is_told_so() {
        let passwords = Passwords::new().unwrap();
        let _all = Arc::clone(&passwords.turns).acquire_many_owned(4).await.unwrap();
        assert_eq!(passwords.hash(typed("oolong & steam")).await, Err(PasswordError::Busy));
    }

    #[test]
    fn a_password_is_neither_short_nor_endless_and_not_shown() {
        assert_eq!(Password::parse("123456789"), Err(NotAPassword::TooShort));
        assert_eq!(Password::parse(&"x".repeat(201)), Err(NotAPassword::TooLong));
        let password = Password::parse("차와 주전자를 좋아해요").unwrap();
        assert_eq!(format!("{password:?}"), "Password(…)");
    }
}
