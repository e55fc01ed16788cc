//! Messages about orders: in the order of commits, within their bounds, each once.

use chrono::{DateTime, Utc};
use commands::db;
use commands::messages::{self, Author, MAX_PER_AUTHOR, Message, MessageError, NewMessage, Side};
use domain::ids::OrderId;
use domain::text::MessageText;
use futures::future::join_all;
use futures::{StreamExt, stream};
use sqlx::PgPool;
use std::sync::atomic::{AtomicUsize, Ordering};
use testkit::postgres::Db;
use uuid::Uuid;

fn noon() -> DateTime<Utc> {
    "2026-06-01T12:00:00Z".parse().unwrap()
}

fn staff() -> Author {
    Author::Staff("key-1".to_owned())
}

async fn pool(db: &Db) -> PgPool {
    db::connect(&db.app_url(), 8).await.unwrap()
}

async fn write(
    pool: &PgPool,
    order: OrderId,
    author: &Author,
    key: Option<u8>,
    text: &str,
) -> Result<(Message, bool), MessageError> {
    let text = MessageText::parse(text).unwrap();
    let message = NewMessage { order, author, key: key.map(|key| [key; 32]), text: &text };
    messages::write(pool, &message, noon()).await
}

#[tokio::test]
async fn a_message_is_written_once_for_each_key() {
    let db = Db::new().await;
    let (pool, order) = (pool(&db).await, OrderId(Uuid::from_u128(1)));
    let (first, is_new) = write(&pool, order, &Author::Customer, Some(1), "Where is it?").await.unwrap();
    assert!(is_new);
    let again = write(&pool, order, &Author::Customer, Some(1), "Where is it?").await.unwrap();
    assert_eq!(again, (first.clone(), false));
    let other = write(&pool, order, &Author::Customer, Some(1), "Where is my tea?").await;
    assert!(matches!(other, Err(MessageError::KeyReused)), "{other:?}");
    let (answer, _) = write(&pool, order, &staff(), Some(1), "On its way.").await.unwrap();
    for _ in 0..2 {
        write(&pool, order, &staff(), None, "Without a key each is another.").await.unwrap();
    }
    let all = messages::of_order(&pool, order, 0).await.unwrap();
    assert_eq!(
        all.iter().map(|message| message.side).collect::<Vec<_>>(),
        [Side::Customer, Side::Staff, Side::Staff, Side::Staff]
    );
    assert_eq!(messages::of_order(&pool, order, answer.id).await.unwrap(), all[2..]);
    assert_eq!(messages::newest(&pool).await.unwrap(), all[3].id);
    assert!(!format!("{first:?}").contains("Where"), "what it says is in no log");
}

#[tokio::test]
async fn each_side_writes_so_many_also_when_several_write_at_once() {
    let db = Db::new().await;
    let (pool, order) = (pool(&db).await, OrderId(Uuid::from_u128(1)));
    let text = MessageText::parse("Hello").unwrap();
    let writing = (0..MAX_PER_AUTHOR + 20).map(|_| async {
        let message = NewMessage { order, author: &Author::Customer, key: None, text: &text };
        messages::write(&pool, &message, noon()).await
    });
    let outcomes: Vec<_> = stream::iter(writing).buffer_unordered(8).collect().await;
    let refused = outcomes.iter().filter(|outcome| matches!(outcome, Err(MessageError::TooMany))).count();
    assert_eq!(refused, 20);
    assert_eq!(messages::of_order(&pool, order, 0).await.unwrap().len() as i64, MAX_PER_AUTHOR);
    write(&pool, order, &staff(), None, "We may still answer.").await.unwrap();
    write(&pool, OrderId(Uuid::from_u128(2)), &Author::Customer, None, "So may another order.").await.unwrap();
}

/// A reader that goes on behind the last id that it saw, while many write, sees all in the end.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn whoever_has_read_up_to_an_id_has_read_all_up_to_it() {
    const WRITERS: usize = 6;
    const EACH: usize = 40;
    let db = Db::new().await;
    let pool = pool(&db).await;
    let done = AtomicUsize::new(0);
    let writing = join_all((0..WRITERS).map(|writer| {
        let (pool, done) = (&pool, &done);
        async move {
            for _ in 0..EACH {
                write(pool, OrderId(Uuid::from_u128(writer as u128)), &staff(), None, "Hello").await.unwrap();
            }
            done.fetch_add(1, Ordering::SeqCst);
        }
    }));
    let reading = async {
        let (mut read, mut last) = (0, 0);
        loop {
            let was_over = done.load(Ordering::SeqCst) == WRITERS;
            let batch = messages::behind(&pool, last, 7).await.unwrap();
            assert!(batch.is_sorted_by_key(|message| message.id));
            last = batch.last().map_or(last, |message| message.id);
            read += batch.len();
            if batch.is_empty() && was_over {
                return read;
            }
        }
    };
    let (_, read) = tokio::join!(writing, reading);
    assert_eq!(read, WRITERS * EACH);
}
