//! What the pages of accounts work with, bounds included.

use super::super::Fault;
use crate::http::{AddressLimits, Limiter, RateLimit, Source};
use commands::members::passwords::{PasswordError, Passwords};
use commands::{Clock, Schedule};
use domain::text::Email;
use sha2::{Digest, Sha256};
use sqlx::PgPool;
use tokio::sync::OnceCell;
use uuid::Uuid;

/// How often one mail address may be tried with a password: a few times in a row, then one a minute. Whoever guesses gets nowhere, and
/// who is kept out by that can still set a new password by mail.
const LOG_INS: RateLimit = RateLimit { per_second: 1.0 / 60.0, burst: 8 };
/// How often mails are asked for to one mail address: nobody's mailbox is flooded through us.
const MAILS: RateLimit = RateLimit { per_second: 1.0 / 900.0, burst: 4 };

/// Hashing, limits and the schedule.
#[derive(Debug)]
pub(crate) struct Desk {
    pub(super) schedule: Schedule,
    passwords: OnceCell<Passwords>,
    log_ins: Limiter,
    log_ins_by_address: Limiter<Source>,
    mails: Limiter,
    mails_by_address: Limiter<Source>,
}

impl Desk {
    /// On this database, by this clock, with these limits of network addresses.
    pub(crate) fn new(pool: PgPool, clock: Clock, by_address: AddressLimits) -> Self {
        Self {
            schedule: Schedule::new(pool, clock),
            passwords: OnceCell::new(),
            log_ins: Limiter::new(Some(LOG_INS)),
            log_ins_by_address: Limiter::new(Some(by_address.log_ins)),
            mails: Limiter::new(Some(MAILS)),
            mails_by_address: Limiter::new(Some(by_address.mails)),
        }
    }

    pub(super) async fn passwords(&self) -> Result<&Passwords, Fault> {
        self.passwords.get_or_try_init(|| std::future::ready(Passwords::new())).await.map_err(fault)
    }

    /// Counts one try of a password for a mail address. The network address goes first: who is slowed down by that can't use up
    /// the tries of one member after the other.
    pub(super) fn count_log_in(&self, source: Source, email: &Email) -> Result<(), Fault> {
        self.log_ins_by_address.wait_for(source).map_err(Fault::too_many)?;
        self.log_ins.wait_for(bucket(email)).map_err(Fault::too_many)
    }

    /// Counts one mail to an address, in the same order.
    pub(super) fn count_mail(&self, source: Source, email: &Email) -> Result<(), Fault> {
        self.mails_by_address.wait_for(source).map_err(Fault::too_many)?;
        self.mails.wait_for(bucket(email)).map_err(Fault::too_many)
    }
}

/// What hashing came to, as visitors are told.
pub(super) fn fault(error: PasswordError) -> Fault {
    match error {
        PasswordError::Busy => Fault::Unavailable(2),
        PasswordError::Internal(reason) => {
            tracing::error!(reason, "a password could not be looked at");
            Fault::Internal
        }
    }
}

/// The address, also one that nobody has, as a limiter counts it.
fn bucket(email: &Email) -> Uuid {
    let digest: [u8; 32] = Sha256::digest(email.search_key()).into();
    let mut half = [0; 16];
    half.copy_from_slice(&digest[..16]);
    Uuid::from_bytes(half)
}
