//! Mails about getting the newsletter, as work of the schedule: the link that confirms it, or that one gets it already.
//!
//! Each bears the link by which one leaves, also for mail programs (RFC 8058).

use crate::language::{Lang, Sources, Texts};
use crate::mail::{Letter, Mailer};
use crate::note::Note;
use crate::scheduled;
use commands::schedule::{Done, Failure, Run, Task};
use commands::subscribers::Subscriber;
use commands::subscribers::letters::{self, LetterError, SubscriptionLetter};
use domain::ids::EventId;
use futures::FutureExt;
use futures::future::BoxFuture;
use std::sync::LazyLock;
use std::time::Duration;
use uuid::Uuid;

static TEXTS: LazyLock<Texts> = LazyLock::new(|| Texts::new(sources));

fn sources(lang: Lang) -> &'static Sources {
    match lang {
        Lang::En => &[include_str!("../texts/en/subscription_mail.ftl")],
        Lang::Ko => &[include_str!("../texts/ko/subscription_mail.ftl")],
        Lang::ZhHans => &[include_str!("../texts/zh-Hans/subscription_mail.ftl")],
    }
}

/// Writes and sends them.
pub struct SubscriptionMail {
    mailer: Mailer,
    /// Where visitors reach the shop, without a slash at its end.
    base: Option<String>,
}

impl SubscriptionMail {
    /// Sends by this mailer, with links to the shop at `base`: scheme, host and port, such as
    /// `https://shop.example.com`.
    pub fn new(mailer: Mailer, base: Option<String>) -> Self {
        Self { mailer, base }
    }

    async fn send(&self, run: &mut Run) -> Result<Done, Failure> {
        let Some(base) = &self.base else {
            let reason =
                "where visitors reach the shop is not known: set ORDERS_PUBLIC_URL, then `orders schedule run` this";
            return Err(Failure::Permanent(reason.to_owned()));
        };
        let written = match letters::write(run.pool(), run.payload(), run.now()).await {
            Ok(Some(written)) => written,
            Ok(None) => return Ok(Done::plainly()),
            Err(LetterError::Database(error)) => return Err(error.into()),
            Err(error @ LetterError::Unknown(_)) => return Err(Failure::Permanent(error.to_string())),
        };
        let leave = leave_url(base, &written.subscriber);
        let letter = letter(&written, base, &leave, self.mailer.shop_name())
            .map_err(|error| Failure::Permanent(format!("the mail's template: {error}")))?;
        // Each attempt is another mail, with another link.
        let message_id = self.mailer.message_id(letters::TASK, EventId(Uuid::now_v7()), written.subscriber.id);
        scheduled::send_to_stranger(&self.mailer, run, &letter, &message_id, Some(&leave)).await
    }
}

impl Task for SubscriptionMail {
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

/// Where somebody leaves: a page with a button for people, a POST for mail programs.
pub(crate) fn leave_url(base: &str, subscriber: &Subscriber) -> String {
    format!("{base}/newsletter/leave/?who={}", subscriber.leave.expose())
}

fn letter<'a>(
    written: &'a SubscriptionLetter,
    base: &str,
    leave: &str,
    shop_name: &str,
) -> Result<Letter<'a>, askama::Error> {
    let SubscriptionLetter { subscriber, confirm } = written;
    let lang = Lang::of_tag(&subscriber.lang).unwrap_or(Lang::En);
    let (about, url) = match confirm {
        Some(token) => ("confirm", format!("{base}/newsletter/confirm/?token={}", token.expose())),
        None => ("exists", leave.to_owned()),
    };
    let say = |part: &str| TEXTS.with(lang, &format!("subscription-{about}{part}"), &[("shop", shop_name.into())]);
    let mut after = vec![say("-after")];
    if confirm.is_some() {
        after.push(leave.to_owned());
    }
    let note = Note {
        lang,
        subject: say("-subject"),
        salutation: TEXTS.get(lang, "subscription-salutation"),
        lead: say(""),
        action: Some((say("-action"), url)),
        after,
        shop_name: shop_name.to_owned(),
    };
    note.to(subscriber.email.as_str(), String::new())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_language_says_the_same_things() {
        assert_eq!(crate::language::faults(sources), Vec::<String>::new());
        for about in ["confirm", "exists"] {
            for part in ["-subject", "", "-action", "-after"] {
                assert!(TEXTS.has(Lang::En, &format!("subscription-{about}{part}")), "subscription-{about}{part}");
            }
        }
    }
}
