//! How often staff log-ins may be tried.

use crate::http::{AddressLimits, Limiter, RateLimit, Source};
use crate::shop::{Fault, address_bucket};
use domain::text::Email;
use uuid::Uuid;

/// A few times in a row for one mail address from one network address, then one a minute: whoever guesses gets nowhere,
/// and locks nobody out who sits elsewhere.
const LOG_INS: RateLimit = RateLimit { per_second: 1.0 / 60.0, burst: 8 };
/// For one mail address from all together: many who guess at once get nowhere either.
const LOG_INS_FROM_ALL: RateLimit = RateLimit { per_second: 1.0 / 15.0, burst: 100 };

/// Counts what is tried.
#[derive(Debug)]
pub(crate) struct StaffDesk {
    log_ins: Limiter<(Source, Uuid)>,
    log_ins_from_all: Limiter,
    log_ins_by_address: Limiter<Source>,
}

impl StaffDesk {
    /// With nothing tried yet.
    pub(crate) fn new(by_address: AddressLimits) -> Self {
        Self {
            log_ins: Limiter::new(Some(LOG_INS)),
            log_ins_from_all: Limiter::new(Some(LOG_INS_FROM_ALL)),
            log_ins_by_address: Limiter::new(Some(by_address.log_ins)),
        }
    }

    /// Counts one try of a password for a mail address, also of one that nobody has. The network address goes first,
    /// and what all share last, as for members.
    pub(super) fn count_log_in(&self, source: Source, email: &Email) -> Result<(), Fault> {
        let email = address_bucket(&email.search_key());
        self.log_ins_by_address.wait_for(source).map_err(Fault::too_many)?;
        self.log_ins.wait_for((source, email)).map_err(Fault::too_many)?;
        self.log_ins_from_all.wait_for(email).map_err(Fault::too_many)
    }
}
