//! `orders keys`: making, listing and revoking API keys.

use super::With;
use super::table::table;
use super::tell::{json, tell, time};
use crate::auth::keys::{self, ApiKey};
use crate::auth::{Scope, UnknownScope};
use crate::roles::Failure;
use crate::settings::{DatabaseArgs, LogArgs};
use clap::{Args, Subcommand};
use serde::Serialize;
use sqlx::PgPool;
use uuid::Uuid;

#[derive(Debug, Subcommand)]
pub(super) enum Keys {
    /// Makes a key and shows it, this once
    #[command(after_help = "\
Scopes:
  orders:write  place orders and add items
  orders:read   read orders and totals
  staff         payments, the catalogue, and all that is done with orders
  analyst       read the history and totals
  operator      run the system

A key that is bound to a member reaches that member's orders and cart alone, and has orders:write or orders:read or both.

Examples:
  orders keys create --name web-shop --scope orders:write --scope orders:read
  orders keys create --name ada-s-books --scope orders:read --member ada@example.com")]
    Create(With<CreateArgs>),
    /// Lists all keys, without their secrets
    List(With<ListArgs>),
    /// Revokes a key; running processes refuse it within five seconds
    Revoke(With<RevokeArgs>),
}

#[derive(Debug, Clone, Args)]
pub(super) struct CreateArgs {
    /// What the key is called
    #[arg(long, value_name = "NAME")]
    name: String,
    /// What it is for; may be repeated
    #[arg(long = "scope", value_name = "SCOPE", required = true, value_parser = scope)]
    scopes: Vec<Scope>,
    /// Binds it to a member: it reaches their orders and their cart alone
    #[arg(long, value_name = "EMAIL|ID")]
    member: Option<String>,
    #[command(flatten)]
    database: DatabaseArgs,
}

#[derive(Debug, Clone, Args)]
pub(super) struct ListArgs {
    /// Write JSON, one key per line
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    database: DatabaseArgs,
}

#[derive(Debug, Clone, Args)]
pub(super) struct RevokeArgs {
    /// The key's id, or its prefix
    #[arg(value_name = "KEY")]
    key: String,
    /// Tell what is done as JSON: the key
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    database: DatabaseArgs,
}

fn scope(text: &str) -> Result<Scope, UnknownScope> {
    text.parse()
}

impl Keys {
    pub(super) fn log_args(&self) -> &LogArgs {
        match self {
            Self::Create(with) => &with.log,
            Self::List(with) => &with.log,
            Self::Revoke(with) => &with.log,
        }
    }

    fn database_args(&self) -> &DatabaseArgs {
        match self {
            Self::Create(with) => &with.args.database,
            Self::List(with) => &with.args.database,
            Self::Revoke(with) => &with.args.database,
        }
    }

    pub(super) async fn run(&self) -> Result<(), Failure> {
        tell(self.database_args(), "orders keys", async |pool| self.run_on(pool).await).await
    }

    async fn run_on(&self, pool: &PgPool) -> Result<String, Failure> {
        match self {
            Self::Create(with) => {
                let CreateArgs { name, scopes, member, database: _ } = &with.args;
                let scopes = scopes.iter().copied();
                let (key, token) = match member {
                    Some(member) => keys::create_for_member(pool, name, scopes, member).await?,
                    None => keys::create(pool, name, scopes).await?,
                };
                let whose = key.member.map_or(String::new(), |id| format!(" with orders and cart of the member {id}"));
                // The token alone on standard output, so that it can be piped to where it is kept.
                eprintln!("The key `{}` may: {}{whose}. It is shown this once:", key.name, key.scopes);
                Ok(format!("{token}\n"))
            }
            Self::List(with) => {
                let keys = keys::list(pool).await?;
                if with.args.json { keys.iter().map(|key| json(&Shown::of(key))).collect() } else { Ok(list(&keys)) }
            }
            Self::Revoke(with) => {
                let key = keys::revoke(pool, &with.args.key).await?;
                if with.args.json {
                    return json(&Shown::of(&key));
                }
                Ok(format!("The key `{}` ({}) is revoked.\n", key.name, key.prefix))
            }
        }
    }
}

/// A key for programs, without its secret.
#[derive(Serialize)]
struct Shown<'a> {
    id: Uuid,
    prefix: &'a str,
    name: &'a str,
    scopes: Vec<String>,
    member: Option<String>,
    created_at: String,
    revoked_at: Option<String>,
}

impl<'a> Shown<'a> {
    fn of(key: &'a ApiKey) -> Self {
        Self {
            id: key.id,
            prefix: &key.prefix,
            name: &key.name,
            scopes: key.scopes.iter().map(|scope| scope.to_string()).collect(),
            member: key.member.map(|member| member.to_string()),
            created_at: time(key.created_at),
            revoked_at: key.revoked_at.map(time),
        }
    }
}

fn list(keys: &[ApiKey]) -> String {
    let rows: Vec<[String; 6]> = keys
        .iter()
        .map(|key| {
            let state = key.revoked_at.map_or("valid".to_owned(), |at| format!("revoked {}", at.format("%F %T")));
            let made = key.created_at.format("%F %T").to_string();
            let member = key.member.map_or_else(|| "-".to_owned(), |id| id.to_string());
            [key.prefix.clone(), key.name.clone(), key.scopes.to_string(), member, made, state]
        })
        .collect();
    table(["PREFIX", "NAME", "SCOPES", "MEMBER", "MADE (UTC)", "STATE"], &rows)
}
