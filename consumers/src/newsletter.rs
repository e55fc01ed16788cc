//! Has each issue of the newsletter mailed once it is released. The mails themselves are work of the schedule, which
//! takes its time with them: see [`newsletter_mail`](crate::newsletter_mail).

use crate::claim::Claim;
use crate::consumer::{Consumer, Done, Failure, Retry, Start, Wants, attempts, from_ms, to_s};
use crate::newsletter_mail;
use domain::Recorded;
use domain::newsletter::IssueReleased;
use uuid::Uuid;

/// See the module.
pub struct Newsletter;

impl Consumer for Newsletter {
    type Event = IssueReleased;

    const NAME: &'static str = "newsletter";
    const START: Start = Start::Now;
    const WANTS: Wants = Wants::types(&[IssueReleased::TYPE]);
    const RETRY: Retry = Retry::growing(from_ms(500), to_s(900), attempts(60));

    async fn handle(&self, event: &Recorded<IssueReleased>, claim: &mut Claim<'_>) -> Result<Done, Failure> {
        let id: Uuid =
            event.aggregate_id.parse().map_err(|_| Failure::Permanent("the issue's id is no UUID".to_owned()))?;
        // It commits with the outcome: the job is there if the event counts as handled, and only then.
        let transaction = claim.transaction().await?;
        newsletter_mail::put_on(transaction, id, event.recorded_at).await?;
        Ok(Done::plainly())
    }
}
