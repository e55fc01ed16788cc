//! Lets a build serve in place of another: one transaction, no DDL, under open reads.
//!
//! Readers never see the view go back: the transaction holds the build that serves where it is, brings the other at
//! least as far, and changes the registry's row. The one that served is left where it is: programs of another version
//! go on with it ([`reading`]).

use crate::build::{self, Build, State};
use crate::checkpoint::{self, Checkpoint};
use crate::error::RunError;
use crate::feed::read_batch;
use crate::projection::Definition;
use crate::reading;
use crate::recorded;
use crate::step::{STEP_AT_MOST, Writer};
use crate::views::Views;
use commands::{audit, db};
use domain::Position;
use serde_json::json;
use sqlx::{Connection, Executor, PgConnection};

/// So near to the build that serves, the rest is applied while that one is held.
const WITHIN_EVENTS: u64 = 1_000;

/// The transaction that lets a build serve: a person's promotion or rollback, or the end of a rebuild.
pub(crate) struct Promotion<'a> {
    views: &'a Views,
    definition: &'static Definition,
    /// What a person says who may go back to an older version.
    asked: Option<Asked<'a>>,
    /// The build that served when this one was begun, if one did: where nobody is asked again, it takes the place of
    /// that one alone.
    beside: Option<Option<&'a str>>,
    /// Who did it, and how that is called, for the record.
    recorded: Option<(&'a str, &'static str)>,
}

/// What a person says who asks for an exchange.
#[derive(Debug, Clone, Copy)]
pub struct Asked<'a> {
    /// The schema of the build that serves, as far as that person knows: where it is another, nothing is changed.
    /// `None` for whichever it is.
    pub expected: Option<&'a str>,
    /// Who asks, for the record.
    pub by: &'a str,
}

impl<'a> Promotion<'a> {
    /// One that replaces the same version or an older one.
    pub(crate) fn new(views: &'a Views, definition: &'static Definition) -> Self {
        Self { views, definition, asked: None, beside: None, recorded: None }
    }

    /// One that a person asked for, taken down as `action`.
    pub(crate) fn asked_for(self, asked: Asked<'a>, action: &'static str) -> Self {
        Self { asked: Some(asked), recorded: Some((asked.by, action)), ..self }
    }

    /// One that nobody is asked about again, of a build that was begun while `beside` served. Where another does by
    /// now, a person has decided on that, and decides on this: [`RunError::LeftReady`].
    pub(crate) fn begun_beside(self, beside: Option<&'a str>) -> Self {
        Self { beside: Some(beside), ..self }
    }

    /// One that ends what a person asked for, taken down as `action`.
    pub(crate) fn recorded(self, by: Option<&'a str>, action: &'static str) -> Self {
        Self { recorded: by.map(|by| (by, action)), ..self }
    }

    /// Lets the build serve. `false` when the one that serves has run too far ahead meanwhile.
    pub(crate) async fn run(&self, build: &Build) -> Result<bool, RunError> {
        let pool = self.views.pool();
        match db::work(pool, STEP_AT_MOST, async |session| self.run_on(session, build).await).await {
            Err(RunError::Database(error)) if !db::surely_undone(&error) => self.settled(build, error).await,
            outcome => outcome,
        }
    }

    /// What came of it where the reply to its commit may have been lost: if the build serves, it was carried out, and
    /// taken down with it.
    async fn settled(&self, build: &Build, error: sqlx::Error) -> Result<bool, RunError> {
        match build::settled(self.views.pool(), self.definition.name, &build.schema).await {
            Ok(Some(State::Active)) => Ok(true),
            _ => Err(error.into()),
        }
    }

    async fn run_on(&self, connection: &mut PgConnection, build: &Build) -> Result<bool, RunError> {
        let mut transaction = connection.begin().await?;
        let promoted = self.run_in(&mut transaction, build).await;
        if let Ok(true) = promoted {
            fail::fail_point!("promotion_commit.before");
            transaction.commit().await?;
            fail::fail_point!("promotion_commit.after");
        } else {
            // The error that led here says more than one of the rollback could.
            let _ = transaction.rollback().await;
        }
        promoted
    }

    async fn run_in(&self, transaction: &mut PgConnection, build: &Build) -> Result<bool, RunError> {
        let name = self.definition.name;
        build::lock_registry(transaction, name).await?;
        let served = build::active(transaction, name).await?;
        self.check_expected(served.as_ref())?;
        if let Some(served) = &served {
            if served.schema == build.schema {
                if self.asked.is_none() {
                    // Whoever else made it was first.
                    self.take_down(transaction, build, None).await?;
                }
                return Ok(true);
            }
            if served.version > build.version && self.asked.is_none() {
                return Err(RunError::NewerVersion { name, served: served.version, own: build.version });
            }
        }
        self.check_decided(transaction, build, served.as_ref()).await?;
        // Held from here on: whoever follows it beside the one that serves loses.
        let Some(mut checkpoint) = build::seal(transaction, build).await? else { return Ok(false) };
        let followed = reading::to_follow(transaction, self.definition).await?;
        let followed = followed.filter(|followed| followed.state == State::Retired && followed.schema != build.schema);
        for before in served.iter().chain(&followed) {
            match self.reach(transaction, build, checkpoint, before).await? {
                Some(level) => checkpoint = level,
                None => return Ok(false),
            }
        }
        if let Some(served) = &served {
            build::set_state(transaction, &served.schema, State::Retired).await?;
        }
        let serving = Checkpoint { serves: true, ..checkpoint.next(checkpoint.position) };
        if !checkpoint::advance(transaction, build, checkpoint, serving).await? {
            return Err(RunError::Overtaken { name });
        }
        build::set_state(transaction, &build.schema, State::Active).await?;
        sqlx::query(
            "INSERT INTO public.projections (name, active_schema) VALUES ($1, $2)
             ON CONFLICT (name) DO UPDATE SET active_schema = excluded.active_schema",
        )
        .bind(name)
        .bind(&build.schema)
        .execute(&mut *transaction)
        .await?;
        self.take_down(transaction, build, served.as_ref()).await?;
        Ok(true)
    }

    async fn take_down(
        &self,
        transaction: &mut PgConnection,
        build: &Build,
        served: Option<&Build>,
    ) -> Result<(), sqlx::Error> {
        let Some((by, action)) = self.recorded else { return Ok(()) };
        let arguments = json!({ "build": build.schema, "instead_of": served.map(|served| &served.schema) });
        audit::append(transaction, &recorded::action(by, action, self.definition.name, arguments)).await
    }

    /// Refuses where another build serves than whoever asks thinks.
    pub(crate) fn check_expected(&self, served: Option<&Build>) -> Result<(), RunError> {
        let active = served.map_or("none", |served| served.schema.as_str());
        match self.asked.and_then(|asked| asked.expected) {
            Some(expected) if expected != active => {
                Err(RunError::OtherActive { expected: expected.to_owned(), active: active.to_owned() })
            }
            _ => Ok(()),
        }
    }

    /// Refuses what nobody is asked about again, where a person has decided otherwise since it was begun.
    async fn check_decided(
        &self,
        transaction: &mut PgConnection,
        build: &Build,
        served: Option<&Build>,
    ) -> Result<(), RunError> {
        if self.asked.is_some() {
            return Ok(());
        }
        let left = |reason: String| {
            Err(RunError::LeftReady { name: self.definition.name, build: build.schema.clone(), reason })
        };
        if !build::promotes(transaction, &build.schema).await? {
            return left("somebody asked for that meanwhile".to_owned());
        }
        let served = served.map(|served| served.schema.as_str());
        match self.beside {
            Some(beside) if beside != served => {
                let [before, now] = [beside, served].map(|build| build.unwrap_or("none"));
                left(format!("the build that serves is {now} by now, and was {before} when it was begun"))
            }
            _ => Ok(()),
        }
    }

    /// Ends the service of a build that was read before, and brings the other as far; `None` when that does not go
    /// within the transaction.
    async fn reach(
        &self,
        transaction: &mut PgConnection,
        build: &Build,
        checkpoint: Checkpoint,
        before: &Build,
    ) -> Result<Option<Checkpoint>, RunError> {
        let Some(sealed) = build::seal(transaction, before).await? else { return Ok(None) };
        // A view of another log, or one ahead of a restored log, holds positions that say nothing here.
        if before.log != build.log || sealed.position > self.views.log().head().await? {
            return Ok(Some(checkpoint));
        }
        self.catch_up(transaction, build, checkpoint, sealed.position).await
    }

    /// Applies what the build that serves has and this one has not; `None` when that is too much to hold it for.
    async fn catch_up(
        &self,
        transaction: &mut PgConnection,
        build: &Build,
        mut checkpoint: Checkpoint,
        level: Position,
    ) -> Result<Option<Checkpoint>, RunError> {
        if level.0.saturating_sub(checkpoint.position.0) > WITHIN_EVENTS {
            return Ok(None);
        }
        let writer = Writer::new(self.views, self.definition, build);
        transaction.execute(writer.search_path().as_str()).await?;
        while checkpoint.position < level {
            let batch = read_batch(self.views.log(), self.definition.wants, checkpoint.position).await?;
            if batch.is_empty() {
                return match batch.fault {
                    Some(fault) => Err(RunError::Unreadable { name: self.definition.name, fault }),
                    None => Ok(None),
                };
            }
            checkpoint = writer.write(transaction, checkpoint, &batch).await?;
        }
        transaction.execute("SET LOCAL search_path TO public").await?;
        Ok(Some(checkpoint))
    }
}
