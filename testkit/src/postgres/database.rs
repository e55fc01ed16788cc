//! A database per test.

use std::str::FromStr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{OnceLock, mpsc};
use std::thread;
use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{ConnectOptions, Connection, Executor, PgConnection, PgPool};

use super::{ANALYSTS, GROUP, LOGIN, OWNER, PostgresServer};
use crate::eventually;

const TEMPLATE: &str = "orders_template";

/// Connections that one pool may open; the server's limit is shared by all tests that run at the same time.
const POOL_CONNECTIONS: u32 = 10;

/// How long a test waits for a connection of its pool.
const ACQUIRE_BOUND: Duration = Duration::from_secs(10);

/// How long a session may take to go that was told to.
const CUT_BOUND: Duration = Duration::from_secs(60);

/// Databases of ended tests are dropped so many at a time: each drop makes the server write all that is dirty, for 0.3
/// s, and the first one of a batch does it for the rest.
const DROPPED_AT_ONCE: usize = 16;

/// A database of a test's own. It goes some time after the test, or with its server.
#[derive(Debug)]
pub struct Db {
    server: PostgresServer,
    name: String,
}

impl Db {
    /// A migrated database in the shared server, empty of rows.
    pub async fn new() -> Self {
        Self::in_server(PostgresServer::shared()).await
    }

    /// A database without any table in the shared server, for tests of the migrations themselves.
    pub async fn empty() -> Self {
        Self::empty_in_server(PostgresServer::shared()).await
    }

    pub(super) async fn in_server(server: &PostgresServer) -> Self {
        server.template().await;
        let database = Self::named_next(server);
        let mut admin = admin(server).await;
        create(&mut admin, &database.name, TEMPLATE).await;
        copy_grants(&mut admin, &database.name).await;
        database
    }

    pub(super) async fn empty_in_server(server: &PostgresServer) -> Self {
        server.template().await; // It makes the roles too.
        let database = Self::named_next(server);
        create(&mut admin(server).await, &database.name, "template0").await;
        database
    }

    fn named_next(server: &PostgresServer) -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        let name = format!("test_{}", NEXT.fetch_add(1, Ordering::Relaxed));
        Self { server: server.clone(), name }
    }

    /// The database's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The server it is in.
    pub fn server(&self) -> &PostgresServer {
        &self.server
    }

    /// For whoever migrates: the database's owner.
    pub fn owner_url(&self) -> String {
        self.server.url(OWNER, &self.name)
    }

    /// For the program: a login that has the application role's grants and no more.
    pub fn app_url(&self) -> String {
        self.server.url(LOGIN, &self.name)
    }

    /// The same by way of a proxy that listens on `port` of 127.0.0.1 and leads to the server.
    pub fn app_url_by(&self, port: u16) -> String {
        self.server.url_by(port, LOGIN, &self.name)
    }

    /// For tests of faults: a role that may end other sessions and change what nobody may change.
    pub fn superuser_url(&self) -> String {
        self.server.superuser_url(&self.name)
    }

    /// For tests of logins that they make themselves: all roles have the same password, which is the URL's.
    pub fn url_of(&self, login: &str) -> String {
        self.server.url(login, &self.name)
    }

    /// A pool of connections as the program has them.
    pub async fn pool(&self) -> PgPool {
        connect(&self.app_url()).await
    }

    /// A pool of the owner.
    pub async fn owner_pool(&self) -> PgPool {
        connect(&self.owner_url()).await
    }

    /// A pool of the superuser.
    pub async fn superuser_pool(&self) -> PgPool {
        connect(&self.superuser_url()).await
    }

    /// Cuts every session that the program's login has now, as an administrator may, or a server that is started again;
    /// returns when all of them are gone.
    pub async fn cut_sessions(&self) {
        let mut admin = PgConnection::connect(&self.superuser_url()).await.expect("the database accepts connections");
        // Some go by themselves when others are cut, so what each was told comes to nothing that could be checked.
        let cut = "SELECT pid, pg_terminate_backend(pid) FROM pg_stat_activity
                    WHERE datname = current_database() AND usename = $1";
        let cut: Vec<(i32, bool)> = sqlx::query_as(cut).bind(LOGIN).fetch_all(&mut admin).await.expect("it may cut");
        let cut: Vec<i32> = cut.into_iter().map(|(pid, _told)| pid).collect();
        eventually("all sessions are cut", CUT_BOUND, async || {
            let left = "SELECT count(*) FROM pg_stat_activity WHERE pid = ANY($1)";
            let left: i64 =
                sqlx::query_scalar(left).bind(&cut).fetch_one(&mut admin).await.expect("they can be counted");
            if left == 0 { Ok(()) } else { Err(format!("{left} are left")) }
        })
        .await;
    }
}

impl Drop for Db {
    fn drop(&mut self) {
        if self.server.is_shared() {
            drop_later(std::mem::take(&mut self.name));
        }
    }
}

/// Creates the roles, and the database that all others are cloned from.
pub(super) async fn make_template(server: &PostgresServer) {
    let mut admin = admin(server).await;
    let password = server.password();
    for statement in [
        // An earlier attempt may have been cancelled with its test.
        format!("DROP DATABASE IF EXISTS {TEMPLATE} WITH (FORCE)"),
        format!("DROP ROLE IF EXISTS {LOGIN}, {GROUP}, {ANALYSTS}, {OWNER}"),
        format!("CREATE ROLE {OWNER} LOGIN PASSWORD '{password}'"),
        format!("CREATE ROLE {GROUP} NOLOGIN"),
        format!("CREATE ROLE {ANALYSTS} NOLOGIN"),
        format!("CREATE ROLE {LOGIN} LOGIN PASSWORD '{password}' IN ROLE {GROUP}"),
    ] {
        run(&mut admin, &statement).await;
    }
    create(&mut admin, TEMPLATE, "template0").await;
    commands::db::migrate(&server.url(OWNER, TEMPLATE)).await.expect("the migrations run");
    run(&mut admin, &format!("ALTER DATABASE {TEMPLATE} WITH IS_TEMPLATE true")).await;
}

async fn create(admin: &mut PgConnection, name: &str, template: &str) {
    run(admin, &format!("CREATE DATABASE {name} OWNER {OWNER} TEMPLATE {template} STRATEGY wal_log")).await;
}

/// `CREATE DATABASE` copies what is in the template, but not the grants on the database itself.
async fn copy_grants(admin: &mut PgConnection, name: &str) {
    let grants: Vec<(String, String)> = sqlx::query_as(
        "SELECT acl.privilege_type, CASE acl.grantee WHEN 0 THEN 'PUBLIC' ELSE acl.grantee::regrole::text END
           FROM pg_database, aclexplode(datacl) AS acl WHERE datname = $1",
    )
    .bind(TEMPLATE)
    .fetch_all(&mut *admin)
    .await
    .expect("the catalogue can be read");
    let mut statements = String::new();
    if !grants.is_empty() {
        statements += &format!("REVOKE ALL ON DATABASE {name} FROM PUBLIC;");
    }
    for (privilege, role) in grants {
        statements += &format!("GRANT {privilege} ON DATABASE {name} TO {role};");
    }
    run(admin, &statements).await;
}

async fn run(connection: &mut PgConnection, statement: &str) {
    connection.execute(statement).await.unwrap_or_else(|error| panic!("{error}, at: {statement}"));
}

async fn admin(server: &PostgresServer) -> PgConnection {
    let url = server.superuser_url("postgres");
    PgConnection::connect(&url)
        .await
        .unwrap_or_else(|error| panic!("{error}; the server's log ends:\n{}", server.log_tail()))
}

async fn connect(url: &str) -> PgPool {
    let options = PgConnectOptions::from_str(url).expect("our own URL").disable_statement_logging();
    PgPoolOptions::new()
        .max_connections(POOL_CONNECTIONS)
        .acquire_timeout(ACQUIRE_BOUND)
        .connect_with(options)
        .await
        .expect("the database accepts connections")
}

/// Hands a database of the shared server to a thread that drops it. The test need not wait; and if the process ends
/// first, the whole server goes.
fn drop_later(name: String) {
    static DROPPER: OnceLock<mpsc::Sender<String>> = OnceLock::new();
    let dropper = DROPPER.get_or_init(|| {
        let (sender, doomed) = mpsc::channel();
        thread::Builder::new()
            .name("testkit-dropper".to_owned())
            .spawn(move || {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
                let mut batch = Vec::new();
                loop {
                    batch.extend(doomed.iter().take(DROPPED_AT_ONCE));
                    runtime.block_on(drop_now(&mut batch));
                }
            })
            .expect("a thread can be started");
        sender
    });
    let _ = dropper.send(name);
}

/// Drops what it can; what is still in use on a busy machine is left in `names`, and goes with the next batch.
async fn drop_now(names: &mut Vec<String>) {
    let mut admin = admin(PostgresServer::shared()).await;
    let mut left = Vec::new();
    for name in names.drain(..) {
        if admin.execute(format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)").as_str()).await.is_err() {
            left.push(name);
        }
    }
    *names = left;
    let _ = admin.close().await;
}
