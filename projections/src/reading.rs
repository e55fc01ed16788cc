//! Which build of a view the programs of one version read and follow: the one that serves, if it is of their version.
//! Otherwise, for as long as one of them follows it, the one of their version that served last; so an older and a newer
//! program answer side by side.

use crate::build::{self, Build, State};
use crate::error::RunError;
use crate::projection::Definition;
use sqlx::PgConnection;

/// What whoever leads a version of a view holds the lease of. By version, so that an older and a newer program each
/// follow their own.
pub fn lease_name(name: &str, version: u32) -> String {
    format!("projection {name} v{version}")
}

/// That the retired build `b` is followed: it is the one that programs of its version read, and one of them leads, or
/// did until a few seconds ago. Then another takes over, and nobody is refused in between.
pub(crate) const FOLLOWED: &str = "(b.state = 'retired'
    AND EXISTS (SELECT FROM public.leases WHERE name = 'projection ' || b.projection || ' v' || b.version
                                            AND until > clock_timestamp() - interval '10 seconds')
    AND NOT EXISTS (SELECT FROM public.projection_builds AS o WHERE o.projection = b.projection AND o.version = b.version
                       AND (o.state = 'active' OR (o.state = 'retired' AND o.updated_at > b.updated_at))))";

/// The build `b` that programs of this version read: from `FROM` on, one row at most. Where they have none to read, it
/// is the one that serves, of whichever version.
pub(crate) fn choice(definition: &Definition) -> String {
    let Definition { name, version, .. } = definition;
    format!(
        "FROM public.projection_builds AS b
          WHERE b.projection = '{name}' AND (b.state = 'active' OR (b.version = {version} AND {FOLLOWED}))
          ORDER BY b.version = {version} DESC, b.state = 'active' DESC LIMIT 1"
    )
}

/// The build that programs of this version read, or else the one that serves; `None` before the first was promoted.
pub(crate) async fn to_read(connection: &mut PgConnection, definition: &Definition) -> Result<Option<Build>, RunError> {
    build::find(connection, &choice(definition)).await
}

/// The build that programs of this version follow: of their version, and serving, or else the one that served last.
pub(crate) async fn to_follow(
    connection: &mut PgConnection,
    definition: &Definition,
) -> Result<Option<Build>, RunError> {
    let Definition { name, version, .. } = definition;
    let from = format!(
        "FROM public.projection_builds AS b
          WHERE b.projection = '{name}' AND b.version = {version} AND b.state IN ('active', 'retired')
          ORDER BY b.state = 'active' DESC, b.updated_at DESC LIMIT 1"
    );
    build::find(connection, &from).await
}

/// Whether that build is retired, and followed all the same.
pub(crate) async fn is_followed(connection: &mut PgConnection, schema: &str) -> Result<bool, sqlx::Error> {
    let ask =
        format!("SELECT EXISTS (SELECT FROM public.projection_builds AS b WHERE b.schema_name = $1 AND {FOLLOWED})");
    sqlx::query_scalar(&ask).bind(schema).fetch_one(connection).await
}

/// Whether readers of a build learn from its checkpoint that it is not theirs any more, as those of the one that serves
/// do.
pub(crate) fn serves(build: &Build) -> bool {
    build.state == State::Active
}
