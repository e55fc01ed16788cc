//! How often staff log-ins may be tried.

use crate::http::{Limiter, RateLimit};
use crate::shop::{Fault, address_bucket};
use domain::text::Email;

/// A few times in a row, then one a minute: whoever guesses gets nowhere.
const LOG_INS: RateLimit = RateLimit { per_second: 1.0 / 60.0, burst: 8 };

/// Counts what is tried.
#[derive(Debug)]
pub(crate) struct StaffDesk {
    log_ins: Limiter,
}

impl StaffDesk {
    /// With nothing tried yet.
    pub(crate) fn new() -> Self {
        Self { log_ins: Limiter::new(Some(LOG_INS)) }
    }

    /// Counts one try of a password for an address, also of one that nobody has.
    pub(super) fn count_log_in(&self, email: &Email) -> Result<(), Fault> {
        let wait = self.log_ins.wait_for(address_bucket(email));
        wait.map_err(|wait| Fault::TooMany(u32::try_from(wait.as_secs()).unwrap_or(u32::MAX).saturating_add(1)))
    }
}
