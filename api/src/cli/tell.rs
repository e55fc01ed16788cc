//! Commands that ask the database for a moment, and tell what they found or did.

use crate::roles::{Asker, Database, Failure};
use crate::settings::DatabaseArgs;
use sqlx::PgPool;

/// Finds the database, or starts it for this command, and prints what `work` tells.
pub(super) async fn tell(
    args: &DatabaseArgs,
    command: &'static str,
    work: impl AsyncFnOnce(&PgPool) -> Result<String, Failure>,
) -> Result<(), Failure> {
    let database = Database::open(args, None, Asker { command, joins: true, passing: true }).await?;
    let outcome = match database.pool().await {
        Ok(pool) => {
            let outcome = work(&pool).await;
            pool.close().await;
            outcome
        }
        Err(failure) => Err(failure),
    };
    database.close().await;
    print!("{}", outcome?);
    Ok(())
}
