//! `orders migrate`.

use super::tell::say;
use crate::roles::database::migrate;
use crate::roles::{Asker, Database, Failure};
use crate::settings::{DatabaseArgs, MigrationArgs, SettingsError};

/// The settings of `orders migrate`.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct MigrateArgs {
    #[command(flatten)]
    migration: MigrationArgs,
    #[command(flatten)]
    database: DatabaseArgs,
}

/// Migrates as the owner; with nothing configured, the private database, which also every start does.
pub(super) async fn run(args: &MigrateArgs) -> Result<(), Failure> {
    if let Some(owner) = args.migration.url()? {
        migrate(&owner).await?;
    } else if args.database.url()?.is_some() {
        let why = "the program's own login may not change tables; give the URL of their owner";
        return Err(SettingsError::Needed { role: "migrate", name: "MIGRATION_DATABASE_URL", why }.into());
    } else {
        let asker = Asker { command: "orders migrate", joins: true, passing: true, begins: true };
        Database::open(&args.database, None, asker).await?.close().await;
    }
    say("The database is up to date.\n")
}
