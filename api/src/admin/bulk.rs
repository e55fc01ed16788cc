//! What is done to each of those that were chosen in a list, and telling what came of each.
//!
//! All rows are read before anything is done. What has begun goes on to its end, and the next page tells of it, also
//! where whoever asked is gone by then: half of it would be done else, and nobody would know which half.

use super::acting::{Acting, Outcome, caught_up};
use super::texts::{text, text_with};
use super::{Notice, StaffForm, Tone};
use crate::app::App;
use crate::auth::Permission;
use crate::shop::Fault;
use std::fmt::Display;
use std::panic::resume_unwind;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;
use tracing::Instrument;

/// As many as stand on a page of a list may be chosen at once.
const MAX_ROWS: usize = 50;
/// How long rows are begun. While the database is away each takes seconds to fail, and nobody waits for all of them.
const BEGUN_WITHIN: Duration = Duration::from_secs(60);

/// What a row is called, and what came of it; or why it could not be looked at.
pub(super) type RowOutcome = Result<(String, Outcome), Fault>;

/// The rows that were chosen, or what is told where there are none, or too many. A form with a row in it that `read`
/// does not understand is none of ours.
pub(super) fn chosen<T>(posted: &StaffForm, read: impl Fn(&str) -> Option<T>) -> Result<Result<Vec<T>, Notice>, Fault> {
    let rows: Vec<T> = posted.all("row").map(read).collect::<Option<_>>().ok_or(Fault::Invalid)?;
    Ok(match rows.len() {
        0 => Err(Notice::warn(text("staff-bulk-none"))),
        count if count > MAX_ROWS => Err(Notice::bad(text_with("staff-bulk-too-many", &[("most", MAX_ROWS.into())]))),
        _ => Ok(rows),
    })
}

/// Does `act` to each row in turn, and has the next page tell what came of each, once `view` shows it.
pub(super) async fn on_each<P, T, W>(
    app: &Arc<App>,
    acting: &Arc<Acting<P>>,
    view: Option<&'static str>,
    rows: Vec<T>,
    act: impl Fn(Arc<App>, Arc<Acting<P>>, T) -> W + Send + Sync + 'static,
) -> Result<(), Fault>
where
    P: Permission,
    T: Display + Send + 'static,
    W: Future<Output = RowOutcome> + Send + 'static,
{
    let (app, acting) = (Arc::clone(app), Arc::clone(acting));
    let work = async move {
        let results = each(rows, |row| act(Arc::clone(&app), Arc::clone(&acting), row)).await;
        let last = results.iter().filter_map(|(_, outcome)| outcome.position).max();
        if let (Some(view), Some(last)) = (view, last) {
            caught_up(&app, view, last).await;
        }
        acting.tell(&app, told(results)).await
    };
    // A client that hangs up cancels its handler; this must not be cut in the middle.
    match tokio::spawn(work.in_current_span()).await {
        Ok(outcome) => outcome,
        Err(error) => match error.try_into_panic() {
            Ok(panic) => resume_unwind(panic),
            Err(_) => Err(Fault::Internal),
        },
    }
}

async fn each<T, W>(rows: Vec<T>, act: impl Fn(T) -> W) -> Vec<(String, Outcome)>
where
    T: Display,
    W: Future<Output = RowOutcome>,
{
    let until = Instant::now() + BEGUN_WITHIN;
    let mut results = Vec::with_capacity(rows.len());
    for row in rows {
        let label = row.to_string();
        results.push(if Instant::now() < until {
            act(row).await.unwrap_or_else(|_| (label, Outcome::bad(text("staff-bulk-not-reached"))))
        } else {
            (label, Outcome::bad(text("staff-bulk-not-tried")))
        });
    }
    results
}

fn told(results: Vec<(String, Outcome)>) -> Notice {
    let (count, done) = (results.len(), results.iter().filter(|(_, outcome)| outcome.tone == Tone::Good).count());
    let notice = if done == count {
        Notice::good(text_with("staff-bulk-all-done", &[("count", count.into())]))
    } else {
        Notice::warn(text_with("staff-bulk-some-done", &[("done", done.into()), ("count", count.into())]))
    };
    results.into_iter().fold(notice, |notice, (label, outcome)| notice.row(label, outcome.tone, outcome.text))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shop::Posted;

    fn form(rows: usize) -> StaffForm {
        let body: String = (0..rows).map(|row| format!("row={row}&")).collect();
        StaffForm(Posted::parse(body.as_bytes()).unwrap())
    }

    #[test]
    fn rows_are_chosen_all_or_none() {
        let number = |text: &str| text.parse::<usize>().ok();
        assert_eq!(chosen(&form(MAX_ROWS), number).unwrap().unwrap(), (0..MAX_ROWS).collect::<Vec<_>>());
        assert_eq!(chosen(&form(0), number).unwrap().unwrap_err().tone, Tone::Warn);
        let refused = chosen(&form(MAX_ROWS + 1), number).unwrap().unwrap_err();
        assert!(refused.tone == Tone::Bad && refused.text.contains("More than 50 were chosen"), "{}", refused.text);
        let posted = StaffForm(Posted::parse(b"row=1&row=2&row=tea").unwrap());
        assert_eq!(chosen(&posted, number).unwrap_err(), Fault::Invalid);
    }

    #[tokio::test]
    async fn what_can_not_be_reached_is_told_beside_what_was_done() {
        let act = async |row: usize| match row {
            2 => Err(Fault::Unavailable(1)),
            row => Ok((format!("#{row}"), Outcome::good("Done.".to_owned()))),
        };
        let notice = told(each((0..4).collect(), act).await);
        let rows: Vec<_> = notice.rows.iter().map(|row| (row.label.as_str(), row.tone)).collect();
        assert_eq!(rows, [("#0", Tone::Good), ("#1", Tone::Good), ("2", Tone::Bad), ("#3", Tone::Good)]);
        assert!(notice.rows[2].text.contains("could not be reached"), "{}", notice.rows[2].text);
        assert!(notice.tone == Tone::Warn && notice.text.contains("Done for 3 of 4"), "{}", notice.text);
    }

    #[tokio::test(start_paused = true)]
    async fn rows_that_would_come_too_late_are_told_so() {
        let act = async |row: usize| {
            tokio::time::sleep(BEGUN_WITHIN / 2).await;
            Ok((row.to_string(), Outcome::good("Done.".to_owned())))
        };
        let results = each((0..4).collect(), act).await;
        let tones: Vec<_> = results.iter().map(|(_, outcome)| outcome.tone).collect();
        assert_eq!(tones, [Tone::Good, Tone::Good, Tone::Bad, Tone::Bad]);
        assert!(results[3].1.text.contains("not tried"), "{}", results[3].1.text);
    }
}
