//! PostgreSQL itself: the rows that the program stores, one statement an order, no order among them and no service.

use crate::fill::{Generator, StoredOrder};
use crate::load::{self, Outcome, Plan, Worker};
use crate::orders::LINES;
use sqlx::postgres::{PgArguments, PgConnectOptions};
use sqlx::{Arguments, ConnectOptions, PgConnection};
use std::str::FromStr;
use testkit::Db;
use testkit::postgres::PostgresServer;
use uuid::Uuid;

/// The columns and keys of the program's log; positions from a sequence, which asks for no lock and promises no order.
const TABLES: &str = r#"
CREATE SEQUENCE positions CACHE 32;
CREATE TABLE events (
    aggregate_type text COLLATE "C" NOT NULL,
    aggregate_id   text COLLATE "C" NOT NULL,
    sequence       bigint           NOT NULL CHECK (sequence > 0),
    event_type     text COLLATE "C" NOT NULL,
    event_version  text COLLATE "C" NOT NULL,
    payload        json             NOT NULL,
    metadata       json             NOT NULL,
    position       bigint           NOT NULL DEFAULT nextval('positions'),
    event_id       uuid             NOT NULL,
    recorded_at    timestamptz      NOT NULL DEFAULT now(),
    CONSTRAINT events_stream PRIMARY KEY (aggregate_type, aggregate_id, sequence),
    CONSTRAINT events_position UNIQUE (position)
);
"#;

/// Parameters of one row.
const COLUMNS: usize = 7;

/// See the module.
pub struct Raw {
    pub acknowledged: Vec<Uuid>,
    db: Db,
}

impl Raw {
    /// Makes its table.
    pub async fn start(server: &PostgresServer) -> Self {
        let db = server.empty_database().await;
        let pool = db.owner_pool().await;
        sqlx::raw_sql(TABLES).execute(&pool).await.expect("its table can be made");
        pool.close().await;
        Self { acknowledged: Vec::new(), db }
    }

    pub(super) fn db(&self) -> &Db {
        &self.db
    }

    pub(super) async fn place(&self, plan: Plan) -> Outcome<Uuid> {
        let options =
            PgConnectOptions::from_str(&self.db.owner_url()).expect("our own URL").disable_statement_logging();
        let statement = insert();
        load::run(plan, move |nth| {
            let (options, statement) = (options.clone(), statement.clone());
            async move {
                let session = options.connect().await.expect("the server accepts connections");
                Inserting { session, statement, generator: Generator::new(nth as u64 * 1_000_000_000) }
            }
        })
        .await
    }

    pub(super) fn end(self) -> Db {
        self.db
    }
}

/// An order's events in one statement.
fn insert() -> String {
    let row = |row: usize| {
        let first = row * COLUMNS;
        let [kind, id, sequence, name, version, payload, metadata] = std::array::from_fn(|column| first + column + 1);
        let event_id = (LINES + 1) * COLUMNS + row + 1;
        format!("(${kind}, ${id}, ${sequence}, ${name}, ${version}, ${payload}::json, ${metadata}::json, ${event_id})")
    };
    let rows: Vec<String> = (0..=LINES).map(row).collect();
    format!(
        "INSERT INTO events (aggregate_type, aggregate_id, sequence, event_type, event_version, payload, metadata, \
         event_id) VALUES {}",
        rows.join(", ")
    )
}

struct Inserting {
    session: PgConnection,
    statement: String,
    generator: Generator,
}

impl Worker for Inserting {
    type Receipt = Uuid;

    async fn once(&mut self) -> Result<Uuid, String> {
        let order = self.generator.order(LINES, chrono::Utc::now());
        let arguments = arguments(&order).map_err(|error| error.to_string())?;
        let inserted = sqlx::query_with(&self.statement, arguments).execute(&mut self.session).await;
        inserted.map_err(|error| error.to_string())?;
        Ok(order.id)
    }
}

fn arguments(order: &StoredOrder) -> Result<PgArguments, sqlx::error::BoxDynError> {
    let (mut arguments, id) = (PgArguments::default(), order.id.to_string());
    for (sequence, event) in (1_i64..).zip(&order.events) {
        arguments.add("order")?;
        arguments.add(&id)?;
        arguments.add(sequence)?;
        arguments.add(event.event_type)?;
        arguments.add(event.event_version)?;
        arguments.add(&event.payload)?;
        arguments.add(&order.metadata)?;
    }
    for _ in &order.events {
        arguments.add(Uuid::now_v7())?;
    }
    Ok(arguments)
}
