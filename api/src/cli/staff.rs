//! `orders staff`: who may come behind the counter, for whoever runs the server.

use super::With;
use super::table::table;
use super::tell::{json, tell, time};
use crate::admin::password_link;
use crate::roles::{Failure, public_base};
use crate::settings::{DatabaseArgs, LogArgs, ShopArgs};
use chrono::{DateTime, Utc};
use clap::{Args, Subcommand};
use commands::staff::accounts::{self, Invitation, StaffError};
use commands::staff::{self, Account, Role, UnknownRole, links};
use domain::text::{Email, PersonName, TextError};
use serde::Serialize;
use sqlx::PgPool;
use uuid::Uuid;

#[derive(Debug, Subcommand)]
pub(super) enum Staff {
    /// Makes an account and shows the link that sets its password, this once
    #[command(after_help = "\
Roles:
  owner    everything, the accounts of staff included
  manager  orders, money, products, newsletters, members, the schedule
  clerk    orders, and what customers write about them

Example:
  orders staff invite ada@example.com --role owner --name 'Ada Lovelace'")]
    Invite(With<InviteArgs>),
    /// Lists all accounts
    List(With<ListArgs>),
    /// Shows a new link that sets a password; the one before is void
    Reset(With<ResetArgs>),
    /// Lets somebody in no longer, and ends their sessions
    Disable(With<OneArgs>),
    /// Lets somebody in again
    Enable(With<OneArgs>),
}

#[derive(Debug, Clone, Args)]
pub(super) struct InviteArgs {
    /// By what they log in
    #[arg(value_name = "EMAIL", value_parser = email)]
    email: Email,
    /// What they may do: owner, manager or clerk
    #[arg(long, value_name = "ROLE", value_parser = role)]
    role: Role,
    /// What they are called [default: the part of the address before the @]
    #[arg(long, value_name = "NAME", value_parser = name)]
    name: Option<PersonName>,
    #[command(flatten)]
    database: DatabaseArgs,
    #[command(flatten)]
    shop: ShopArgs,
}

#[derive(Debug, Clone, Args)]
pub(super) struct ListArgs {
    /// Write JSON, one account per line
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    database: DatabaseArgs,
}

#[derive(Debug, Clone, Args)]
pub(super) struct ResetArgs {
    /// Whose
    #[arg(value_name = "EMAIL", value_parser = email)]
    email: Email,
    #[command(flatten)]
    database: DatabaseArgs,
    #[command(flatten)]
    shop: ShopArgs,
}

#[derive(Debug, Clone, Args)]
pub(super) struct OneArgs {
    /// Whose
    #[arg(value_name = "EMAIL", value_parser = email)]
    email: Email,
    #[command(flatten)]
    database: DatabaseArgs,
}

fn email(text: &str) -> Result<Email, TextError> {
    Email::parse(text)
}

fn name(text: &str) -> Result<PersonName, TextError> {
    PersonName::parse(text)
}

fn role(text: &str) -> Result<Role, UnknownRole> {
    text.parse()
}

impl Staff {
    pub(super) fn log_args(&self) -> &LogArgs {
        match self {
            Self::Invite(with) => &with.log,
            Self::List(with) => &with.log,
            Self::Reset(with) => &with.log,
            Self::Disable(with) | Self::Enable(with) => &with.log,
        }
    }

    fn database_args(&self) -> &DatabaseArgs {
        match self {
            Self::Invite(with) => &with.args.database,
            Self::List(with) => &with.args.database,
            Self::Reset(with) => &with.args.database,
            Self::Disable(with) | Self::Enable(with) => &with.args.database,
        }
    }

    pub(super) async fn run(&self) -> Result<(), Failure> {
        tell(self.database_args(), "orders staff", async |pool| self.run_on(pool, Utc::now()).await).await
    }

    async fn run_on(&self, pool: &PgPool, now: DateTime<Utc>) -> Result<String, Failure> {
        match self {
            Self::Invite(with) => {
                let InviteArgs { email, role, name, shop, .. } = &with.args;
                let name = name.clone().map_or_else(|| called(email), Ok)?;
                let account =
                    accounts::invite(pool, &Invitation { email: email.clone(), name, role: *role }, now).await?;
                link(pool, &account, shop, now).await
            }
            Self::List(with) => {
                let accounts = staff::list(pool).await?;
                if with.args.json {
                    accounts.iter().map(|it| json(&Shown::of(it))).collect()
                } else {
                    Ok(list(&accounts))
                }
            }
            Self::Reset(with) => link(pool, &find(pool, &with.args.email).await?, &with.args.shop, now).await,
            Self::Disable(with) => {
                let account = accounts::disable(pool, find(pool, &with.args.email).await?.id, now).await?;
                Ok(format!("{} is let in no longer.\n", account.email))
            }
            Self::Enable(with) => {
                let account = accounts::enable(pool, find(pool, &with.args.email).await?.id, now).await?;
                Ok(format!("{} is let in again.\n", account.email))
            }
        }
    }
}

fn called(email: &Email) -> Result<PersonName, Failure> {
    let local = email.as_str().split('@').next().unwrap_or_default();
    PersonName::parse(local).map_err(|error| Failure::new(format!("--name: the address gives no name: it {error}")))
}

async fn find(pool: &PgPool, email: &Email) -> Result<Account, Failure> {
    let found = staff::by_email(pool, email).await?;
    found.map(|(account, _)| account).ok_or_else(|| StaffError::NotFound.into())
}

/// The link alone on standard output, so that it can be piped to where it is sent from.
async fn link(pool: &PgPool, account: &Account, shop: &ShopArgs, now: DateTime<Utc>) -> Result<String, Failure> {
    let token = links::make(pool, account.id, now).await?;
    let token = token.ok_or_else(|| Failure::new("the account is disabled: `orders staff enable` it first"))?;
    let base = public_base(shop);
    let place = if base.is_some() {
        ""
    } else {
        " It goes behind the address of the shop, which ORDERS_PUBLIC_URL would name."
    };
    eprintln!("This link sets the password of {}, once and within two days.{place}", account.email);
    Ok(format!("{}\n", password_link(&base.unwrap_or_default(), &token)))
}

/// An account for programs.
#[derive(Serialize)]
struct Shown<'a> {
    id: Uuid,
    email: String,
    name: String,
    role: String,
    state: &'a str,
    disabled_at: Option<String>,
    last_log_in_at: Option<String>,
    created_at: String,
}

impl Shown<'_> {
    fn of(account: &Account) -> Self {
        Self {
            id: account.id,
            email: account.email.to_string(),
            name: account.name.to_string(),
            role: account.role.to_string(),
            state: state(account),
            disabled_at: account.disabled_at.map(time),
            last_log_in_at: account.last_log_in_at.map(time),
            created_at: time(account.created_at),
        }
    }
}

fn state(account: &Account) -> &'static str {
    match (account.disabled_at, account.has_password) {
        (Some(_), _) => "disabled",
        (None, true) => "active",
        (None, false) => "invited",
    }
}

fn list(accounts: &[Account]) -> String {
    let time = |at: DateTime<Utc>| at.format("%F %T").to_string();
    let row = |account: &Account| {
        let since = account.disabled_at.map_or_else(String::new, |at| format!(" {}", time(at)));
        let state = format!("{}{since}", state(account));
        let last = account.last_log_in_at.map_or_else(|| "never".to_owned(), time);
        [account.email.to_string(), account.name.to_string(), account.role.to_string(), last, state]
    };
    let rows: Vec<[String; 5]> = accounts.iter().map(row).collect();
    table(["E-MAIL", "NAME", "ROLE", "LAST LOG-IN (UTC)", "STATE"], &rows)
}
