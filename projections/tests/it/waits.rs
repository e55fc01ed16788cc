//! A reader waits for a position, in the process that writes the view and in others.

use crate::history::{History, at, many_orders};
use crate::process::{BOUND, Process};
use domain::Position;
use projections::{ReadError, WaitError};
use std::time::Duration;
use testkit::Db;

const NAME: &str = "order_list";
const SHORT: Duration = Duration::from_millis(50);

#[tokio::test]
async fn it_returns_as_soon_as_the_view_is_there() {
    let db = Db::new().await;
    let (mut history, process, other) = (History::of(&db).await, Process::open(&db).await, Process::open(&db).await);
    let time = at("2026-03-01T10:00:00Z");
    let running = process.run(NAME);
    process.caught_up(NAME).await;
    for order in many_orders(5) {
        let position = Position(history.append(order.placed(time)).await);
        let waits = [&process, &other, &other].map(|reader| reader.views.wait_for(NAME, position, BOUND));
        let [here, there, there_too] = waits;
        let (here, there, there_too) = tokio::join!(here, there, there_too);
        for reached in [here, there, there_too] {
            assert_eq!(reached.unwrap(), position);
        }
    }
    running.stop().await.unwrap();
}

#[tokio::test]
async fn what_is_not_there_in_time_is_told_apart_from_what_never_was() {
    let db = Db::new().await;
    let (mut history, process) = (History::of(&db).await, Process::open(&db).await);
    process.catch_up(NAME).await;
    let time = at("2026-03-01T10:00:00Z");
    let last = history.append(many_orders(1)[0].placed(time)).await;
    let behind = process.views.wait_for(NAME, Position(last), SHORT).await;
    assert!(matches!(behind, Err(WaitError::Behind { at: Position(0), wanted: Position(2) })), "{behind:?}");
    let beyond = process.views.wait_for(NAME, Position(last + 1), BOUND).await;
    assert!(matches!(beyond, Err(WaitError::BeyondHead { head: Position(2), wanted: Position(3) })), "{beyond:?}");
}

#[tokio::test]
async fn a_view_that_was_never_built_says_so() {
    let db = Db::new().await;
    let process = Process::open(&db).await;
    let position = process.views.position(NAME).await;
    assert!(matches!(position, Err(ReadError::NotBuilt { name: NAME })), "{position:?}");
    assert!(matches!(process.views.position("nothing").await, Err(ReadError::Unknown(_))));
}
