//! An issue of the newsletter, mailed to the subscribers of the moment at which it was released: to each once, a
//! bounded batch at a time, at a bounded pace, as work of the schedule.
//!
//! What became of it is kept for each: noted before a mail goes out and after. A run that was cut off is gone on with
//! where it was; the one mail that it was at stays of unknown outcome, and is not sent again.

use crate::language::{Lang, Sources, Texts};
use crate::mail::{Letter, Mailer, Outcome};
use crate::scheduled;
use crate::subscription_mail::leave_url;
use askama::Template;
use chrono::{DateTime, Utc};
use commands::Log;
use commands::schedule::{self, Done, Failure, NewJob, Retry, Run, Schedule, Task};
use commands::subscribers::{self, Subscriber, issues};
use domain::ids::EventId;
use domain::newsletter::{IssueContent, IssueWords, NewsletterEvent};
use domain::{AggregateType, Event, Language};
use futures::FutureExt;
use futures::future::BoxFuture;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sqlx::PgConnection;
use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant};
use uuid::Uuid;

/// The name of the task.
pub(crate) const TASK: &str = "newsletter_issue";
/// How many mails one run sends, and how long it goes on at most.
const BATCH_MAILS: u32 = 50;
const RUN_FOR: Duration = Duration::from_secs(60);
/// How many mails a second go out in the long run: mail servers close their doors to whoever sends more than they know
/// them to.
const MAILS_PER_S: f64 = 10.0;
/// How often a mail is tried that the server does not take now, and the pause before it is tried again.
const ATTEMPTS: u32 = 12;
const AGAIN_AFTER: Duration = Duration::from_secs(900);
/// A server that can't be reached puts the whole issue off, and counts as nobody's attempt: four days long.
const INSIST: Retry = Retry { first: Duration::from_secs(5), longest: Duration::from_secs(900), attempts: 400 };

static TEXTS: LazyLock<Texts> = LazyLock::new(|| Texts::new(sources));

fn sources(lang: Lang) -> &'static Sources {
    match lang {
        Lang::En => &[include_str!("../texts/en/newsletter_mail.ftl")],
        Lang::Ko => &[include_str!("../texts/ko/newsletter_mail.ftl")],
        Lang::ZhHans => &[include_str!("../texts/zh-Hans/newsletter_mail.ftl")],
    }
}

/// What an issue says in one language.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Words {
    /// Its subject.
    pub subject: String,
    /// Its text: paragraphs, with an empty line between them.
    pub text: String,
}

/// An issue that was released.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Issue {
    /// What it says in the shop's own language.
    pub words: Words,
    /// What it says in others, by their tags.
    pub translations: BTreeMap<String, Words>,
}

/// Where issues are found.
pub trait Issues: Send + Sync + 'static {
    /// A released issue; `None` where there is none.
    fn get(&self, id: Uuid) -> BoxFuture<'_, Result<Option<Issue>, Failure>>;
}

/// How far it is.
#[derive(Debug, Serialize, Deserialize)]
struct Progress {
    released_at: DateTime<Utc>,
    /// Whether this is the first time through the list; afterwards those are tried again that wait.
    is_first: bool,
    /// Behind which subscriber it goes on.
    after: Uuid,
}

impl Progress {
    fn to_value(&self) -> Value {
        json!({ "released_at": self.released_at, "is_first": self.is_first, "after": self.after })
    }
}

/// Has an issue mailed that was released at that time: once, however often it is asked for.
pub async fn put(schedule: &Schedule, issue: Uuid, released_at: DateTime<Utc>) -> Result<bool, sqlx::Error> {
    let payload = Progress { released_at, is_first: true, after: Uuid::nil() }.to_value();
    schedule.put(&NewJob { task: TASK, key: &issue.to_string(), payload, run_at: schedule.now() }).await
}

/// The same in a transaction of the caller's, due at once.
pub async fn put_on(session: &mut PgConnection, issue: Uuid, released_at: DateTime<Utc>) -> Result<bool, sqlx::Error> {
    let payload = Progress { released_at, is_first: true, after: Uuid::nil() }.to_value();
    let job = NewJob { task: TASK, key: &issue.to_string(), payload, run_at: released_at };
    schedule::put_on(session, &job, released_at).await
}

/// The issues that the log has released.
pub struct ReleasedIssues(pub Log);

impl Issues for ReleasedIssues {
    fn get(&self, id: Uuid) -> BoxFuture<'_, Result<Option<Issue>, Failure>> {
        async move {
            let id = id.as_hyphenated().to_string();
            let events = self.0.read_stream(AggregateType::Newsletter, &id, 1).await;
            for stored in events.map_err(|error| Failure::Temporary(error.to_string()))? {
                let recorded = stored.recorded().map_err(|error| Failure::Permanent(error.to_string()))?;
                if let Event::Newsletter(NewsletterEvent::IssueReleased(released)) = &recorded.event {
                    return Ok(Some(Issue::of(&released.content)));
                }
            }
            Ok(None)
        }
        .boxed()
    }
}

impl Issue {
    fn of(content: &IssueContent) -> Self {
        let words = |words: &IssueWords| Words {
            subject: words.subject.as_str().to_owned(),
            text: words.text.as_str().to_owned(),
        };
        let translated = |(language, said): (&Language, &IssueWords)| (language.as_str().to_owned(), words(said));
        Self { words: words(&content.words), translations: content.translations.iter().map(translated).collect() }
    }
}

/// A mail, to whomever.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// Its subject.
    pub subject: String,
    /// What it says to programs that show text.
    pub text: String,
    /// And to those that show pages.
    pub html: String,
}

/// An issue as a mail of it looks to somebody who gets it in `lang`. Nobody leaves by the link in it.
pub fn preview(content: &IssueContent, lang: Lang, shop_name: &str) -> Result<Written, askama::Error> {
    write(&Issue::of(content), lang.tag(), "#", shop_name)
}

/// Mails issues.
pub struct NewsletterMail {
    issues: Arc<dyn Issues>,
    mailer: Mailer,
    /// Where visitors reach the shop, without a slash at its end.
    base: String,
}

impl NewsletterMail {
    /// Mails these issues by this mailer, with links to the shop at `base`: scheme, host and port.
    pub fn new(issues: Arc<dyn Issues>, mailer: Mailer, base: String) -> Self {
        Self { issues, mailer, base }
    }

    async fn mail(&self, run: &Run) -> Result<Done, Failure> {
        let malformed = |error: String| Failure::Permanent(format!("the job is not understood: {error}"));
        let id: Uuid = run.key().parse().map_err(|error: uuid::Error| malformed(error.to_string()))?;
        let progress = Progress::deserialize(run.payload()).map_err(|error| malformed(error.to_string()))?;
        let Some(issue) = self.issues.get(id).await? else {
            return Err(Failure::Permanent("there is no such issue".to_owned()));
        };
        // This run alone is at the issue: what is still being sent was cut off.
        issues::give_up_sending(run.pool(), id, run.now()).await?;
        let batch = if progress.is_first {
            subscribers::page(run.pool(), progress.released_at, progress.after, BATCH_MAILS).await?
        } else {
            issues::waiting(run.pool(), id, progress.after, BATCH_MAILS).await?
        };
        let (started, mut count) = (Instant::now(), 0_u32);
        for subscriber in &batch {
            if started.elapsed() > RUN_FOR {
                break;
            }
            self.send(run, id, &issue, subscriber).await?;
            count += 1;
        }
        let last = batch.get(..count as usize).and_then(<[Subscriber]>::last);
        let is_more = count == BATCH_MAILS || (count as usize) < batch.len();
        let pause = Duration::from_secs_f64(f64::from(count) / MAILS_PER_S).saturating_sub(started.elapsed());
        self.goes_on(run, id, progress, last.filter(|_| is_more), pause).await
    }

    /// Behind `last` after `pause`, where there may be more; else with those that wait, or not at all.
    async fn goes_on(
        &self,
        run: &Run,
        id: Uuid,
        progress: Progress,
        last: Option<&Subscriber>,
        pause: Duration,
    ) -> Result<Done, Failure> {
        if let Some(last) = last {
            return Ok(Done::in_part(Progress { after: last.id, ..progress }.to_value(), run.now() + pause));
        }
        if issues::waiting(run.pool(), id, Uuid::nil(), 1).await?.is_empty() {
            return Ok(Done::plainly());
        }
        let again = Progress { is_first: false, after: Uuid::nil(), ..progress };
        Ok(Done::in_part(again.to_value(), run.now() + AGAIN_AFTER))
    }

    /// Sends to one, unless it was before, and keeps what came of it.
    async fn send(&self, run: &Run, id: Uuid, issue: &Issue, to: &Subscriber) -> Result<(), Failure> {
        let leave = leave_url(&self.base, to);
        let message_id = self.mailer.message_id(TASK, EventId(id), to.id);
        let composed = letter(issue, to, &leave, self.mailer.shop_name()).map_err(|error| error.to_string());
        let composed = composed.and_then(|letter| {
            self.mailer.compose_for_list(&letter, &message_id, Some(&leave)).map_err(|error| error.to_string())
        });
        // Waiting for a free connection is no part of the sending.
        let slot = self.mailer.slot().await;
        let Some(attempt) = issues::begin(run.pool(), id, to.id, run.now()).await? else { return Ok(()) };
        let outcome = match composed {
            Ok(message) => match slot.send(&message).await {
                Outcome::Sent(_) => issues::Outcome::Sent,
                Outcome::Unreachable(reason) => {
                    issues::put_back(run.pool(), id, to.id, run.now()).await?;
                    return Err(Failure::Temporary(reason));
                }
                Outcome::Temporary(reason) if attempt < ATTEMPTS => issues::Outcome::Waiting(reason),
                Outcome::Temporary(reason) | Outcome::Permanent(reason) | Outcome::NoRecipient(reason) => {
                    issues::Outcome::Failed(reason)
                }
                Outcome::Unknown(reason) => issues::Outcome::Unknown(reason),
            },
            Err(reason) => issues::Outcome::Failed(reason),
        };
        Ok(issues::finish(run.pool(), id, to.id, &outcome, run.now()).await?)
    }
}

impl Task for NewsletterMail {
    fn name(&self) -> &'static str {
        TASK
    }

    fn at_most(&self) -> Duration {
        RUN_FOR + scheduled::at_most(&self.mailer)
    }

    fn retry(&self) -> Retry {
        INSIST
    }

    fn run<'r>(&'r self, run: &'r mut Run) -> BoxFuture<'r, Result<Done, Failure>> {
        self.mail(run).boxed()
    }
}

/// What the templates show.
struct Content<'a> {
    lang: Lang,
    subject: &'a str,
    paragraphs: Vec<&'a str>,
    why: String,
    leave_label: String,
    leave: &'a str,
    shop_name: &'a str,
}

#[derive(Template)]
#[template(path = "newsletter.txt")]
struct Text<'a> {
    mail: &'a Content<'a>,
}

#[derive(Template)]
#[template(path = "newsletter.html")]
struct Html<'a> {
    mail: &'a Content<'a>,
}

fn letter<'a>(issue: &Issue, to: &'a Subscriber, leave: &str, shop_name: &str) -> Result<Letter<'a>, askama::Error> {
    let Written { subject, text, html } = write(issue, &to.lang, leave, shop_name)?;
    Ok(Letter { address: to.email.as_str(), name: String::new(), subject, text, html })
}

fn write(issue: &Issue, to: &str, leave: &str, shop_name: &str) -> Result<Written, askama::Error> {
    let translated = issue.translations.get(to);
    // What is said in the shop's own language stands in it.
    let lang = if translated.is_some() { Lang::of_tag(to).unwrap_or(Lang::En) } else { Lang::En };
    let words = translated.unwrap_or(&issue.words);
    let mail = Content {
        lang,
        subject: &words.subject,
        paragraphs: words.text.split("\n\n").map(str::trim).filter(|paragraph| !paragraph.is_empty()).collect(),
        why: TEXTS.with(lang, "newsletter-why", &[("shop", shop_name.into())]),
        leave_label: TEXTS.get(lang, "newsletter-leave"),
        leave,
        shop_name,
    };
    let (text, html) = (Text { mail: &mail }.render()?, Html { mail: &mail }.render()?);
    Ok(Written { subject: words.subject.clone(), text, html })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_language_says_the_same_things() {
        assert_eq!(crate::language::faults(sources), Vec::<String>::new());
    }
}
