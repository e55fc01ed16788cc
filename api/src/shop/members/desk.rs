//! What the pages of accounts work with, bounds included.

use super::super::Fault;
use crate::http::{Limiter, RateLimit};
use commands::members::passwords::{PasswordError, Passwords};
use commands::{Clock, Schedule};
use domain::text::Email;
use sha2::{Digest, Sha256};
use sqlx::PgPool;
use std::time::Duration;
use tokio::sync::OnceCell;
use uuid::Uuid;

/// How often one address may be tried with a password: a few times in a row, then one a minute. Whoever guesses gets nowhere, and
/// who is kept out by that can still set a new password by mail.
const LOG_INS: RateLimit = RateLimit { per_second: 1.0 / 60.0, burst: 8 };
/// How often mails are asked for to one address: nobody's mailbox is flooded through us.
const MAILS: RateLimit = RateLimit { per_second: 1.0 / 900.0, burst: 4 };

/// Hashing, limits and the schedule.
#[derive(Debug)]
pub(crate) struct Desk {
    pub(super) schedule: Schedule,
    passwords: OnceCell<Passwords>,
    log_ins: Limiter,
    mails: Limiter,
}

impl Desk {
    /// On this database, by this clock.
    pub(crate) fn new(pool: PgPool, clock: Clock) -> Self {
        Self {
            schedule: Schedule::new(pool, clock),
            passwords: OnceCell::new(),
            log_ins: Limiter::new(Some(LOG_INS)),
            mails: Limiter::new(Some(MAILS)),
        }
    }

    pub(crate) async fn passwords(&self) -> Result<&Passwords, Fault> {
        self.passwords.get_or_try_init(|| std::future::ready(Passwords::new())).await.map_err(fault)
    }

    /// What mails are put into.
    pub(crate) fn schedule(&self) -> &Schedule {
        &self.schedule
    }

    /// Counts one try of a password for an address.
    pub(super) fn count_log_in(&self, email: &Email) -> Result<(), Fault> {
        self.log_ins.wait_for(bucket(email)).map_err(too_many)
    }

    /// Counts one mail to an address.
    pub(super) fn count_mail(&self, email: &Email) -> Result<(), Fault> {
        self.mails.wait_for(bucket(email)).map_err(too_many)
    }
}

/// What hashing came to, as visitors are told.
pub(crate) fn fault(error: PasswordError) -> Fault {
    match error {
        PasswordError::Busy => Fault::Unavailable(2),
        PasswordError::Internal(reason) => {
            tracing::error!(reason, "a password could not be looked at");
            Fault::Internal
        }
    }
}

/// The address, also one that nobody has, as a limiter counts it.
pub(crate) fn bucket(email: &Email) -> Uuid {
    let digest: [u8; 32] = Sha256::digest(email.search_key()).into();
    let mut half = [0; 16];
    half.copy_from_slice(&digest[..16]);
    Uuid::from_bytes(half)
}

fn too_many(wait: Duration) -> Fault {
    Fault::TooMany(u32::try_from(wait.as_secs()).unwrap_or(u32::MAX).saturating_add(1))
}
