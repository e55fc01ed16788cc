//! Mails about accounts, as work of the schedule: the link that confirms one, that there is one already, the link to a
//! new password.
//!
//! A link's token exists in the mail alone: it is made here, and the database keeps its hash. Each attempt makes
//! another one.

use crate::language::{Lang, Sources, Texts};
use crate::mail::{Letter, Mailer};
use crate::note::Note;
use crate::scheduled;
use commands::members::letters::{self, AccountLetter, LetterError, Says};
use commands::schedule::{Done, Failure, Run, Task};
use domain::ids::EventId;
use futures::FutureExt;
use futures::future::BoxFuture;
use std::sync::LazyLock;
use std::time::Duration;
use uuid::Uuid;

static TEXTS: LazyLock<Texts> = LazyLock::new(|| Texts::new(sources));

fn sources(lang: Lang) -> &'static Sources {
    match lang {
        Lang::En => &[include_str!("../texts/en/account_mail.ftl")],
        Lang::Ko => &[include_str!("../texts/ko/account_mail.ftl")],
        Lang::ZhHans => &[include_str!("../texts/zh-Hans/account_mail.ftl")],
    }
}

/// Writes and sends them.
pub struct AccountMail {
    mailer: Mailer,
    /// Where visitors reach the shop, without a slash at its end.
    base: Option<String>,
}

impl AccountMail {
    /// Sends by this mailer, with links to the shop at `base`: scheme, host and port, such as
    /// `https://shop.example.com`.
    pub fn new(mailer: Mailer, base: Option<String>) -> Self {
        Self { mailer, base }
    }

    async fn send(&self, run: &mut Run) -> Result<Done, Failure> {
        let Some(base) = &self.base else {
            return Err(Failure::Permanent(
                "where visitors reach the shop is not known: set ORDERS_PUBLIC_URL, then `orders schedule run` this"
                    .to_owned(),
            ));
        };
        let account = match letters::write(run.pool(), run.payload(), run.now()).await {
            Ok(Some(account)) => account,
            Ok(None) => return Ok(Done::plainly()),
            Err(LetterError::Database(error)) => return Err(error.into()),
            Err(error @ LetterError::Unknown(_)) => return Err(Failure::Permanent(error.to_string())),
        };
        let letter = letter(&account, base, self.mailer.shop_name())
            .map_err(|error| Failure::Permanent(format!("the mail's template: {error}")))?;
        // Each attempt is another mail, with another link.
        let message_id = self.mailer.message_id(letters::TASK, EventId(Uuid::now_v7()), Uuid::nil());
        scheduled::send_to_stranger(&self.mailer, run, &letter, &message_id, None).await
    }
}

impl Task for AccountMail {
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

fn letter<'a>(account: &'a AccountLetter, base: &str, shop_name: &str) -> Result<Letter<'a>, askama::Error> {
    let lang = Lang::of_tag(&account.lang).unwrap_or(Lang::En);
    let (about, url) = match &account.says {
        Says::Confirm(token) => ("confirm", format!("{base}/account/confirm/?token={}", token.expose())),
        Says::HasAccount => ("exists", format!("{base}/account/login/")),
        Says::Reset(token) => ("reset", format!("{base}/account/reset/?token={}", token.expose())),
    };
    let say = |part: &str| TEXTS.with(lang, &format!("account-{about}{part}"), &[("shop", shop_name.into())]);
    let note = Note {
        lang,
        subject: say("-subject"),
        salutation: TEXTS.with(lang, "account-salutation", &[("name", account.first_name.as_str().into())]),
        lead: say(""),
        action: Some((say("-action"), url)),
        after: vec![say("-after")],
        shop_name: shop_name.to_owned(),
    };
    note.to(account.email.as_str(), format!("{} {}", account.first_name.as_str(), account.last_name.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_language_says_the_same_things() {
        assert_eq!(crate::language::faults(sources), Vec::<String>::new());
        for (about, part) in ["confirm", "exists", "reset"]
            .iter()
            .flat_map(|about| ["-subject", "", "-action", "-after"].map(|part| (about, part)))
        {
            assert!(TEXTS.has(Lang::En, &format!("account-{about}{part}")), "account-{about}{part}");
        }
    }
}
