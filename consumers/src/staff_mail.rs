//! The mail that brings who works behind the counter a link to set their password, as work of the schedule. Like the
//! staff pages it is in English alone.
//!
//! The link's token exists in the mail alone: it is made here, and the database keeps its hash. Each attempt makes
//! another one.

use crate::language::{Lang, Sources, Texts};
use crate::mail::{Letter, Mailer};
use crate::note::Note;
use crate::scheduled;
use commands::schedule::{Done, Failure, Run, Task};
use commands::staff::letters::{self, StaffLetter};
use domain::ids::EventId;
use futures::FutureExt;
use futures::future::BoxFuture;
use std::sync::LazyLock;
use std::time::Duration;
use uuid::Uuid;

const SOURCES: &Sources = &[include_str!("../texts/en/staff_mail.ftl")];
static TEXTS: LazyLock<Texts> = LazyLock::new(|| Texts::new(|_| SOURCES));

/// Writes and sends it.
pub struct StaffMail {
    mailer: Mailer,
    /// Where staff reach the shop, without a slash at its end.
    base: Option<String>,
}

impl StaffMail {
    /// Sends by this mailer, with links to the shop at `base`: scheme, host and port, such as
    /// `https://shop.example.com`.
    pub fn new(mailer: Mailer, base: Option<String>) -> Self {
        Self { mailer, base }
    }

    async fn send(&self, run: &mut Run) -> Result<Done, Failure> {
        let Some(base) = &self.base else {
            return Err(Failure::Permanent(
                "where staff reach the shop is not known: set ORDERS_PUBLIC_URL, then `orders schedule run` this"
                    .to_owned(),
            ));
        };
        let written = letters::write(run.pool(), run.payload(), run.now()).await?;
        let Some(written) = written else { return Ok(Done::plainly()) };
        let letter = letter(&written, base, self.mailer.shop_name())
            .map_err(|error| Failure::Permanent(format!("the mail's template: {error}")))?;
        // Each attempt is another mail, with another link.
        let message_id = self.mailer.message_id(letters::TASK, EventId(Uuid::now_v7()), Uuid::nil());
        scheduled::send(&self.mailer, run, &letter, &message_id, None).await
    }
}

impl Task for StaffMail {
    fn name(&self) -> &'static str {
        letters::TASK
    }

    fn at_most(&self) -> Duration {
        scheduled::at_most(&self.mailer)
    }

    fn run<'r>(&'r self, run: &'r mut Run) -> BoxFuture<'r, Result<Done, Failure>> {
        self.send(run).boxed()
    }
}

fn letter<'a>(written: &'a StaffLetter, base: &str, shop_name: &str) -> Result<Letter<'a>, askama::Error> {
    let StaffLetter { account, token } = written;
    let say =
        |id: &str| TEXTS.with(Lang::En, id, &[("shop", shop_name.into()), ("name", account.name.as_str().into())]);
    let note = Note {
        lang: Lang::En,
        subject: say("staff-mail-subject"),
        salutation: say("staff-mail-salutation"),
        lead: say("staff-mail"),
        action: Some((say("staff-mail-action"), format!("{base}/admin/password/?token={}", token.expose()))),
        after: vec![say("staff-mail-after")],
        shop_name: shop_name.to_owned(),
    };
    note.to(account.email.as_str(), account.name.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_texts_can_be_read() {
        assert_eq!(crate::language::faults(|_| SOURCES), Vec::<String>::new());
    }
}
