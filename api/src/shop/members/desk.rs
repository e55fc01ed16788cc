//! What the pages of accounts work with, bounds included.

use super::super::Fault;
use crate::http::{AddressLimits, Limiter, RateLimit, Source};
use commands::members::LinkToken;
use commands::members::passwords::{PasswordError, Passwords};
use commands::{Clock, Schedule};
use domain::text::Email;
use sha2::{Digest, Sha256};
use sqlx::PgPool;
use tokio::sync::OnceCell;
use uuid::Uuid;

/// How often one mail address may be tried with a password from one network address: a few times in a row, then one a
/// minute. Whoever guesses gets nowhere, and keeps nobody out who comes from elsewhere.
const LOG_INS: RateLimit = RateLimit { per_second: 1.0 / 60.0, burst: 8 };
/// How often from all network addresses together. Who has many of them can use that up, and keep the member from
/// logging in with the password; a link by mail lets them in.
const LOG_INS_FROM_ALL: RateLimit = RateLimit { per_second: 1.0 / 20.0, burst: 100 };
/// How often mails are asked for to one mail address from one network address.
const MAILS: RateLimit = RateLimit { per_second: 1.0 / 900.0, burst: 4 };
/// How often from all together: nobody's mailbox is flooded through us. Fewer than the links that are good at a time.
const MAILS_FROM_ALL: RateLimit = RateLimit { per_second: 1.0 / 450.0, burst: 16 };
/// How often a password is tried with one link to an account.
const CONFIRMATIONS: RateLimit = RateLimit { per_second: 1.0 / 60.0, burst: 5 };

/// Hashing, limits and the schedule.
#[derive(Debug)]
pub(crate) struct Desk {
    pub(super) schedule: Schedule,
    passwords: OnceCell<Passwords>,
    log_ins: Limiter<(Source, Uuid)>,
    log_ins_from_all: Limiter,
    log_ins_by_address: Limiter<Source>,
    mails: Limiter<(Source, Uuid)>,
    mails_from_all: Limiter,
    mails_by_address: Limiter<Source>,
    confirmations: Limiter,
}

impl Desk {
    /// On this database, by this clock, with these limits of network addresses.
    pub(crate) fn new(pool: PgPool, clock: Clock, by_address: AddressLimits) -> Self {
        Self {
            schedule: Schedule::new(pool, clock),
            passwords: OnceCell::new(),
            log_ins: Limiter::new(Some(LOG_INS)),
            log_ins_from_all: Limiter::new(Some(LOG_INS_FROM_ALL)),
            log_ins_by_address: Limiter::new(Some(by_address.log_ins)),
            mails: Limiter::new(Some(MAILS)),
            mails_from_all: Limiter::new(Some(MAILS_FROM_ALL)),
            mails_by_address: Limiter::new(Some(by_address.mails)),
            confirmations: Limiter::new(Some(CONFIRMATIONS)),
        }
    }

    pub(crate) async fn passwords(&self) -> Result<&Passwords, Fault> {
        self.passwords.get_or_try_init(|| std::future::ready(Passwords::new())).await.map_err(fault)
    }

    /// What mails are put into.
    pub(crate) fn schedule(&self) -> &Schedule {
        &self.schedule
    }

    /// Counts one try of a password for a mail address. The network address goes first, and what all share last: who is
    /// slowed down uses up nothing that is others'.
    pub(super) fn count_log_in(&self, source: Source, email: &Email) -> Result<(), Fault> {
        let email = bucket(&email.search_key());
        self.log_ins_by_address.wait_for(source).map_err(Fault::too_many)?;
        self.log_ins.wait_for((source, email)).map_err(Fault::too_many)?;
        self.log_ins_from_all.wait_for(email).map_err(Fault::too_many)
    }

    /// Counts one mail to an address, in the same order.
    pub(super) fn count_mail(&self, source: Source, email: &Email) -> Result<(), Fault> {
        let email = bucket(&email.search_key());
        self.mails_by_address.wait_for(source).map_err(Fault::too_many)?;
        self.mails.wait_for((source, email)).map_err(Fault::too_many)?;
        self.mails_from_all.wait_for(email).map_err(Fault::too_many)
    }

    /// Counts one try of the password with the link to an account for this address, as a log-in too.
    pub(super) fn count_confirmation(&self, source: Source, email: &Email, token: &LinkToken) -> Result<(), Fault> {
        self.count_log_in(source, email)?;
        self.confirmations.wait_for(bucket(&token.expose())).map_err(Fault::too_many)
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

/// A mail address, also one that nobody has, or a link, as limiters count it.
pub(crate) fn bucket(text: &str) -> Uuid {
    let digest: [u8; 32] = Sha256::digest(text).into();
    let mut half = [0; 16];
    half.copy_from_slice(&digest[..16]);
    Uuid::from_bytes(half)
}
