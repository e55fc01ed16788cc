//! `orders mails`: whether a customer got a mail, and why (not).

use super::tell::{json, tell_of_log};
use super::which_order::{id_of, order};
use crate::order_name::OrderName;
use crate::roles::Failure;
use crate::settings::{DatabaseArgs, ViewArgs};
use crate::v1::ops::mails::{LEFT_OUT, MailResource, ToAddress, Told, told_of_order, told_to};
use chrono::{DateTime, Utc};
use commands::{Clock, Schedule};
use consumers::mails::Event;
use domain::text::{Email, TextError};
use std::io::{self, Write};

pub(super) const EXAMPLES: &str = "\
Examples:
  orders mails --order 1001
  orders mails --address ada@example.com --json | jq -r '[.state, .why] | @tsv'";

/// What is said where there may be more.
const NOT_ALL: &str =
    "the address has older orders, or mails that are about none; `orders mails --order` tells of any order";

/// The arguments of `orders mails`.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct MailsArgs {
    /// Mails about this order: its id or its number
    #[arg(long, value_name = "ORDER", required_unless_present = "address", conflicts_with = "address", value_parser = order)]
    order: Option<OrderName>,
    /// Mails to this address: about its newest 50 orders, about accounts, and the newsletter. An order whose address
    /// was corrected is found by its present one
    #[arg(long, value_name = "EMAIL", value_parser = email)]
    address: Option<Email>,
    /// Write JSON, one mail per line, with each attempt's answer
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    database: DatabaseArgs,
    #[command(flatten)]
    views: ViewArgs,
}

fn email(text: &str) -> Result<Email, TextError> {
    Email::parse(text)
}

/// Tells them.
pub(super) async fn run(args: &MailsArgs) -> Result<(), Failure> {
    tell_of_log(&args.database, "orders mails", async |core, _| {
        let schedule = Schedule::new(core.pool().clone(), Clock::system());
        let told = match (args.order, &args.address) {
            (Some(order), _) => {
                let order = id_of(core, order).await?;
                ToAddress { mails: told_of_order(&core.log, &schedule, order).await?, is_complete: true }
            }
            (None, Some(address)) => {
                let views = core.views(projections::Settings { time_zone: args.views.time_zone });
                told_to(&core.log, &views, &schedule, address).await?
            }
            (None, None) => return Err(Failure::new("give --order or --address")),
        };
        // Apart from the mails, which a program may read.
        if args.address.is_some() {
            let _ = writeln!(io::stderr(), "orders: {LEFT_OUT}");
        }
        if !told.is_complete {
            let _ = writeln!(io::stderr(), "orders: these are not all: {NOT_ALL}");
        }
        if args.json {
            return told.mails.iter().map(|told| json(&MailResource::of(told))).collect();
        }
        Ok(shown(&told.mails))
    })
    .await
}

fn shown(told: &[Told]) -> String {
    if told.is_empty() {
        return "No mail is known.\n".to_owned();
    }
    told.iter().map(block).collect::<Vec<_>>().join("\n")
}

/// All of one mail, a line for each thing that is known of it.
fn block((order, mail): &Told) -> String {
    let since = mail.since.or(mail.noted_at).map_or_else(String::new, |since| format!(" since {}", at(since)));
    let mut text = format!("{} for {}: {}{since}\n", mail.sender, mail.cause, mail.state.replace('_', " "));
    let lines = [
        ("order", order.map(|order| order.to_string())),
        ("event", mail.event.as_ref().map(event)),
        ("address", mail.is_to_address.filter(|is_to| !is_to).map(|_| "another one".to_owned())),
        ("why", mail.why.clone()),
        ("tried", (mail.attempts > 0).then(|| mail.attempts.to_string())),
        ("next", mail.next_at.map(at)),
        ("Message-ID", mail.message_id.clone()),
        ("item", mail.item.map(|item| item.to_string())),
    ];
    for (name, value) in lines.into_iter().filter_map(|(name, value)| Some((name, value?))) {
        text += &format!("  {name:<11} {value}\n");
    }
    for attempt in &mail.failed_attempts {
        let name = format!("attempt {}", attempt.number);
        text += &format!("  {name:<11} {}, {}: {}\n", at(attempt.at), attempt.state.as_str(), attempt.answer);
    }
    text
}

fn event(event: &Event) -> String {
    let record = event.record.map_or_else(
        || "its place in Kafka is not known".to_owned(),
        |(partition, offset)| format!("partition {partition}, offset {offset}"),
    );
    format!("position {}, recorded {}, {record}, {}", event.position, at(event.recorded_at), event.id)
}

fn at(time: DateTime<Utc>) -> String {
    time.format("%F %T UTC").to_string()
}
