//! How far views are, as PostgreSQL knows it: whichever process writes them.

use commands::db;
use domain::Position;
use sqlx::PgPool;

/// How a view stands that is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObservedView {
    /// The projection.
    pub name: String,
    /// The version that is read.
    pub version: u32,
    /// How far it is.
    pub position: Position,
    /// Why it stopped, for people.
    pub error: Option<String>,
}

/// How every view stands that was ever built.
pub async fn observe(pool: &PgPool) -> Result<Vec<ObservedView>, sqlx::Error> {
    let rows: Vec<(String, i32, Option<i64>, Option<String>)> = db::read(pool, async |session| {
        let ask = sqlx::query_as(
            "SELECT p.name, b.version,
                    (SELECT c.position FROM public.projection_checkpoints AS c
                      WHERE c.schema_name = b.schema_name ORDER BY c.revision DESC LIMIT 1),
                    b.error
               FROM public.projections AS p
               JOIN public.projection_builds AS b ON b.schema_name = p.active_schema ORDER BY p.name",
        );
        ask.fetch_all(session).await
    })
    .await?;
    let views = rows.into_iter().map(|(name, version, position, error)| ObservedView {
        name,
        version: version.unsigned_abs(),
        position: Position::from_i64(position.unwrap_or(0)),
        error,
    });
    Ok(views.collect())
}
