//! `orders consumers list|show|pause|resume|rewind`: the consumer groups, for whoever runs the system.

use super::With;
use super::actor::who;
use super::meter::Meter;
use super::table::table;
use super::tell::{json, tell, tell_of_log};
use super::times;
use crate::roles::{Core, Failure};
use crate::settings::{DatabaseArgs, LogArgs};
use crate::v1::ops::consumers::{GroupResource, PreviewResource};
use chrono::{DateTime, Utc};
use clap::{Args, Subcommand};
use consumers::Consumer as _;
use consumers::groups::{self, Group, Instructed, Lag, Preview, Rewound, To};
use consumers::order_mail::OrderMail;
use domain::Position;
use indicatif::HumanCount;
use serde_json::json as document;
use std::fmt::Write;

#[derive(Debug, Subcommand)]
pub(super) enum GroupCommand {
    /// Lists the consumer groups: state, members, how far each is behind
    List(With<ListArgs>),
    /// Shows one group with its members and partitions
    Show(With<OneArgs>),
    /// Has a group rest until it is resumed: members stay in it and take nothing
    Pause(With<PauseArgs>),
    /// Has a group go on
    Resume(With<OneArgs>),
    /// Hands a group its events again; says first what that would mean. With --withdraw, takes such an order back
    Rewind(With<RewindArgs>),
}

#[derive(Debug, Clone, Args)]
pub(super) struct ListArgs {
    /// Write JSON, one group per line
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    database: DatabaseArgs,
}

#[derive(Debug, Clone, Args)]
pub(super) struct OneArgs {
    /// Which consumer
    #[arg(value_name = "NAME")]
    name: String,
    /// Write JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    database: DatabaseArgs,
}

#[derive(Debug, Clone, Args)]
pub(super) struct PauseArgs {
    /// Which consumer
    #[arg(value_name = "NAME")]
    name: String,
    /// Why, for others to read
    #[arg(long, value_name = "TEXT")]
    reason: String,
    /// Tell what is done as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    database: DatabaseArgs,
}

#[derive(Debug, Clone, Args)]
pub(super) struct RewindArgs {
    /// Which consumer
    #[arg(value_name = "NAME")]
    name: String,
    /// Behind this position of the log; 0 for all
    #[arg(long, value_name = "POSITION", required_unless_present_any = ["to_time", "withdraw"], conflicts_with = "to_time",
          value_parser = times::position)]
    to_position: Option<u64>,
    /// What was recorded at that time or later: a day in UTC, or a time, in UTC where it does not say
    #[arg(long, value_name = "TIME", value_parser = times::time)]
    to_time: Option<DateTime<Utc>>,
    /// Withdraw what was instructed before, as far as it was not carried out
    #[arg(long, conflicts_with_all = ["to_position", "to_time", "yes", "json"])]
    withdraw: bool,
    /// Do it: without, what it would mean is told, and nothing is done
    #[arg(long)]
    yes: bool,
    /// Write JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    database: DatabaseArgs,
}

impl GroupCommand {
    pub(super) fn log_args(&self) -> &LogArgs {
        match self {
            Self::List(with) => &with.log,
            Self::Show(with) | Self::Resume(with) => &with.log,
            Self::Pause(with) => &with.log,
            Self::Rewind(with) => &with.log,
        }
    }

    pub(super) async fn run(&self) -> Result<(), Failure> {
        let command = "orders consumers";
        match self {
            Self::List(with) => {
                tell_of_log(&with.args.database, command, async |core, _| list(core, &with.args).await).await
            }
            Self::Show(with) => {
                tell_of_log(&with.args.database, command, async |core, _| show(core, &with.args).await).await
            }
            Self::Pause(with) => {
                let PauseArgs { name, reason, json, database } = &with.args;
                tell(database, command, async |pool| {
                    let outcome = groups::pause(pool, name, reason, &who()).await?;
                    if *json {
                        return of_instruction(name, true, outcome);
                    }
                    Ok(match outcome {
                        Instructed::Done => format!("{name} is paused: members take nothing from now on.\n"),
                        Instructed::AlreadySo => format!("{name} was paused already.\n"),
                    })
                })
                .await
            }
            Self::Resume(with) => {
                let OneArgs { name, json, database } = &with.args;
                tell(database, command, async |pool| {
                    let outcome = groups::resume(pool, name, &who()).await?;
                    if *json {
                        return of_instruction(name, false, outcome);
                    }
                    Ok(match outcome {
                        Instructed::Done => format!("{name} goes on.\n"),
                        Instructed::AlreadySo => format!("{name} was not paused.\n"),
                    })
                })
                .await
            }
            Self::Rewind(with) if with.args.withdraw => {
                let RewindArgs { name, database, .. } = &with.args;
                tell(database, command, async |pool| {
                    Ok(match groups::withdraw_rewind(pool, name, &who()).await? {
                        0 => format!("{name} was to go back nowhere: there is nothing to withdraw.\n"),
                        partitions => format!("{name} does not go back any more, in {partitions} of its partitions.\n"),
                    })
                })
                .await
            }
            Self::Rewind(with) => {
                tell_of_log(&with.args.database, command, async |core, _| rewind(core, &with.args).await).await
            }
        }
    }
}

/// What came of an instruction, for programs.
fn of_instruction(name: &str, is_paused: bool, outcome: Instructed) -> Result<String, Failure> {
    json(&document!({ "name": name, "paused": is_paused, "changed": outcome == Instructed::Done }))
}

async fn list(core: &Core, args: &ListArgs) -> Result<String, Failure> {
    let all = groups::list(&core.log).await?;
    if args.json {
        return all.iter().map(|group| json(&GroupResource::from(group))).collect();
    }
    let rows: Vec<[String; 7]> = all
        .iter()
        .map(|group| {
            let counted = |effects| group.counted(effects);
            [
                group.name.to_owned(),
                group.state.as_str().replace('_', " "),
                group.members.len().to_string(),
                events(group.lag),
                seconds(group.lag),
                format!("{} / {} / {}", counted(group.parked), counted(group.unknown), counted(group.waiting)),
                group.paused.as_ref().map_or_else(String::new, |paused| paused.reason.clone()),
            ]
        })
        .collect();
    Ok(table(["NAME", "STATE", "MEMBERS", "LAG", "OLDEST", "PARKED / UNKNOWN / WAITING", "WHY PAUSED"], &rows))
}

fn events(lag: Lag) -> String {
    let sign = if lag.is_exact { "" } else { "at least " };
    format!("{sign}{} events", HumanCount(lag.events))
}

fn seconds(lag: Lag) -> String {
    format!("{:.1} s", lag.seconds)
}

async fn show(core: &Core, args: &OneArgs) -> Result<String, Failure> {
    let group = groups::get(&core.log, &args.name).await?;
    if args.json { json(&GroupResource::from(&group)) } else { Ok(shown(&group)) }
}

fn shown(group: &Group) -> String {
    let at = |time: DateTime<Utc>| time.format("%F %T").to_string();
    let mut text = format!(
        "{}: {}, {} behind, the first for {}; {} parked, {} unknown, {} waiting\n",
        group.name,
        group.state.as_str().replace('_', " "),
        events(group.lag),
        seconds(group.lag),
        group.counted(group.parked),
        group.counted(group.unknown),
        group.counted(group.waiting)
    );
    if let Some(paused) = &group.paused {
        let _ = writeln!(text, "Paused {} by {}: {}", at(paused.at), paused.by, paused.reason);
    }
    if let Some(error) = &group.last_error {
        let _ = writeln!(text, "Effects fail and are tried again: {error}");
    }
    if !group.rewinding.is_empty() {
        let places = group.rewinding.iter().map(|place| format!("{}/{}", place.topic, place.partition));
        let _ = writeln!(text, "To go back yet: {}", places.collect::<Vec<_>>().join(", "));
        let _ = writeln!(text, "`orders consumers rewind {} --withdraw` takes that back.", group.name);
    }
    let members: Vec<[String; 5]> = group
        .members
        .iter()
        .map(|member| {
            let state = member.state.clone();
            let detail = member.detail.clone().unwrap_or_default();
            [member.instance.clone(), state, member.holds.len().to_string(), at(member.started_at), detail]
        })
        .collect();
    if !members.is_empty() {
        let heads = ["MEMBER", "STATE", "PARTITIONS", "SINCE (UTC)", ""];
        let _ = write!(text, "\n{}", table(heads, &members));
    }
    let partitions: Vec<[String; 7]> = group
        .partitions
        .iter()
        .map(|partition| {
            [
                partition.topic.clone(),
                partition.partition.to_string(),
                partition.position.to_string(),
                partition.offset.map_or_else(|| "-".to_owned(), |offset| offset.to_string()),
                events(partition.lag),
                seconds(partition.lag),
                partition.held_by.clone().unwrap_or_default(),
            ]
        })
        .collect();
    if !partitions.is_empty() {
        let heads = ["TOPIC", "PARTITION", "POSITION", "OFFSET", "LAG", "OLDEST", "HELD BY"];
        let _ = write!(text, "\n{}", table(heads, &partitions));
    }
    text
}

async fn rewind(core: &Core, args: &RewindArgs) -> Result<String, Failure> {
    let to = match (args.to_position, args.to_time) {
        (Some(position), _) => To::Position(Position(position)),
        (None, Some(time)) => To::Time(time),
        (None, None) => return Err(Failure::new("give --to-position or --to-time")),
    };
    let mut meter = Meter::new("events");
    let preview = groups::preview(&core.log, &args.name, to, |done, total| meter.show("counting", done, total)).await?;
    if !args.yes {
        return if args.json { json(&PreviewResource::from(&preview)) } else { Ok(told(&preview)) };
    }
    let outcome =
        groups::rewind(&core.log, &preview, &who(), |done, total| meter.show("counting again", done, total)).await?;
    drop(meter);
    match outcome {
        Rewound::Instructed if args.json => json(&PreviewResource::from(&preview)),
        Rewound::Instructed => Ok(format!(
            "{}: {} events are handed over again; {} are {} again.\n",
            preview.consumer,
            HumanCount(preview.events),
            HumanCount(preview.acts),
            done_with(&preview)
        )),
        Rewound::Changed(now) => Err(Failure::new(format!(
            "it has changed meanwhile, to {} events of which {} are acted on: ask again",
            now.events, now.acts
        ))),
    }
}

fn told(preview: &Preview) -> String {
    format!(
        "This would hand {} events to `{}`; {} would be {} again. Nothing is done yet: --yes does it.\n",
        HumanCount(preview.events),
        preview.consumer,
        HumanCount(preview.acts),
        done_with(preview)
    )
}

fn done_with(preview: &Preview) -> &'static str {
    if preview.consumer == OrderMail::NAME { "mailed" } else { "acted on" }
}
