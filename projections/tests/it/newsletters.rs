//! Given what happened to issues of the newsletter, then the rows of the list.

use crate::history::{History, at, newsletter};
use crate::process::Process;
use domain::newsletter::{IssueContent, IssueDrafted, IssueReleased, IssueWords};
use domain::text::{IssueSubject, IssueText};
use projections::newsletters;
use std::collections::BTreeMap;
use testkit::Db;
use uuid::Uuid;

const NAME: &str = "newsletters";

fn content(subject: &str) -> IssueContent {
    let words = IssueWords { subject: IssueSubject::parse(subject).unwrap(), text: IssueText::parse("Tea.").unwrap() };
    IssueContent { words, translations: BTreeMap::new() }
}

#[tokio::test]
async fn an_issue_is_what_its_events_left_and_fed_twice_it_is_the_same() {
    let db = Db::new().await;
    let (mut history, process) = (History::of(&db).await, Process::open(&db).await);
    let (first, later, last) = (at("2026-03-01T10:00:00Z"), at("2026-03-02T10:00:00Z"), at("2026-03-03T10:00:00Z"));
    let (spring, summer) = (Uuid::from_u128(1), Uuid::from_u128(2));
    history.append(newsletter(spring, IssueDrafted { content: content("Spring") }, first)).await;
    history.append(newsletter(summer, IssueDrafted { content: content("Summer") }, first)).await;
    process.catch_up(NAME).await;
    history.append(newsletter(spring, IssueDrafted { content: content("The spring") }, later)).await;
    history.append(newsletter(spring, IssueReleased { content: content("The spring") }, last)).await;
    process.catch_up(NAME).await;

    let page = newsletters::list(&process.views, None, None, 1).await.unwrap().value;
    assert_eq!((page.rows[0].subject.as_str(), page.rows[0].released_at, page.next), ("Summer", None, Some(summer)));
    let page = newsletters::list(&process.views, None, page.next, 1).await.unwrap().value;
    let row = &page.rows[0];
    assert_eq!((row.subject.as_str(), row.version, page.next), ("The spring", 3, None));
    assert_eq!((row.written_at, row.updated_at, row.released_at), (first, last, Some(last)));
    for (released, expected) in [(true, spring), (false, summer)] {
        let page = newsletters::list(&process.views, Some(released), None, 9).await.unwrap().value;
        assert_eq!(page.rows.iter().map(|row| row.id).collect::<Vec<_>>(), [expected]);
    }

    let table = format!("{}.newsletters", process.active_schema(NAME).await);
    let once = process.rows(&table).await;
    process.rewind(NAME).await;
    process.catch_up(NAME).await;
    assert_eq!(process.rows(&table).await, once);
}
