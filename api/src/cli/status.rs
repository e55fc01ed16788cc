//! `orders status`: how the system is, as a process with an API tells it.

use super::table::table;
use super::tasks;
use super::tell::{duration, say_on};
use crate::embedded::{dev_key, directory};
use crate::ops::status::{CommandStatus, ReaderKind, ReaderStatus, Status};
use crate::roles::Failure;
use crate::roles::process::stop_token;
use crate::settings::{Secret, value_or_file};
use chrono::{DateTime, Utc};
use clap::Args;
use std::fs;
use std::io::{IsTerminal, stdout};
use std::path::PathBuf;
use std::time::Duration;
use url::Url;

pub(super) const EXAMPLES: &str = "\
Examples:
  orders status                            the system that runs on this machine with nothing configured
  orders status --watch                    the same, again and again
  ORDERS_API_KEY=… orders status --url https://shop.example.com --json

The key needs the scope `operator`.";

/// How long a process may take to answer.
const ANSWERS_WITHIN: Duration = Duration::from_secs(10);
/// How much time lies between two looks of `--watch`.
const LOOK_EVERY: Duration = Duration::from_secs(2);
/// Puts a terminal's cursor at its top and clears all below.
const FROM_THE_TOP: &str = "\x1b[H\x1b[J";

/// What `orders status` is told.
#[derive(Debug, Clone, Args)]
pub(crate) struct StatusArgs {
    /// Where a process with an API is reached [default: the one that uses the data directory]
    #[arg(long, value_name = "URL", env = "ORDERS_URL", hide_env_values = true, value_parser = http_url)]
    url: Option<Url>,
    /// API key with the scope operator [default: the data directory's own, which is sent to no --url]
    #[arg(long, value_name = "KEY", env = "ORDERS_API_KEY", hide_env_values = true)]
    api_key: Option<Secret>,
    /// File that holds the API key
    #[arg(long, value_name = "FILE", env = "ORDERS_API_KEY_FILE", hide_env_values = true)]
    api_key_file: Option<PathBuf>,
    /// Data directory of the system that runs on this machine [default: as for `orders serve`]
    #[arg(long, value_name = "DIRECTORY", env = "ORDERS_DATA_DIR", hide_env_values = true)]
    data_dir: Option<PathBuf>,
    /// One JSON document, as GET /v1/ops/status answers
    #[arg(long)]
    json: bool,
    /// Look again every two seconds, until it is interrupted, also while nothing answers
    #[arg(long)]
    watch: bool,
}

fn http_url(text: &str) -> Result<Url, &'static str> {
    let url = Url::parse(text).ok().filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
    url.ok_or("must be a URL by http or https")
}

/// Whom to ask, and by which key.
struct Source {
    url: Url,
    key: Secret,
    client: reqwest::Client,
}

pub(super) async fn run(args: &StatusArgs) -> Result<(), Failure> {
    let mut source = Source::of(args)?;
    let mut screen = Screen { args, shown: source.show(args).await?, silent_since: None };
    if !screen.draw()? || !args.watch {
        return Ok(());
    }
    let stop = stop_token()?;
    while stop.run_until_cancelled(tokio::time::sleep(LOOK_EVERY)).await.is_some() {
        let Some(looked) = stop.run_until_cancelled(look_again(args, &mut source)).await else { break };
        let is_read = match looked {
            Ok(shown) => screen.renew(shown)?,
            Err(failure) => screen.keep(&failure)?,
        };
        if !is_read {
            break;
        }
    }
    Ok(())
}

/// What was silent may be somewhere else when it is back: a system that was started again has another address.
async fn look_again(args: &StatusArgs, source: &mut Source) -> Result<String, Failure> {
    match source.show(args).await {
        Ok(shown) => Ok(shown),
        Err(failure) => {
            *source = Source::of(args).map_err(|_none| failure)?;
            source.show(args).await
        }
    }
}

/// What stands on the terminal, or was written last.
struct Screen<'a> {
    args: &'a StatusArgs,
    shown: String,
    /// When there was the first of several looks without an answer.
    silent_since: Option<DateTime<Utc>>,
}

impl Screen<'_> {
    /// Each way to show something says whether there is still somebody who reads.
    fn draw(&self) -> Result<bool, Failure> {
        say_on(&format!("{}{}", if self.is_redrawn() { FROM_THE_TOP } else { "" }, self.shown))
    }

    fn renew(&mut self, shown: String) -> Result<bool, Failure> {
        (self.shown, self.silent_since) = (shown, None);
        self.draw()
    }

    /// Keeps what was seen last, and says that it is old; elsewhere than on a terminal once.
    fn keep(&mut self, failure: &Failure) -> Result<bool, Failure> {
        let is_new = self.silent_since.is_none();
        let since = *self.silent_since.get_or_insert_with(Utc::now);
        let told = format!("not answering since {}: {failure}", since.format("%F %T UTC"));
        if self.is_redrawn() {
            return say_on(&format!("{FROM_THE_TOP}{}\n{told}\n", self.shown));
        }
        if is_new {
            eprintln!("orders: {told}");
        }
        Ok(true)
    }

    fn is_redrawn(&self) -> bool {
        self.args.watch && !self.args.json && stdout().is_terminal()
    }
}

impl Source {
    fn of(args: &StatusArgs) -> Result<Self, Failure> {
        let given = value_or_file("ORDERS_API_KEY", args.api_key.as_ref(), args.api_key_file.as_deref())?;
        let (url, key) = match &args.url {
            Some(url) => (url.clone(), given),
            None => {
                let path = args.data_dir.clone().map_or_else(directory::default_path, Ok)?;
                let address = directory::holder(&path).and_then(|holder| holder.http).ok_or_else(|| {
                    Failure::new(format!(
                        "no system with an API runs on the data directory {}: say by --url where one is reached",
                        path.display()
                    ))
                })?;
                let url = Url::parse(&format!("http://{address}")).map_err(|error| Failure::new(error.to_string()))?;
                let own = || fs::read_to_string(path.join(dev_key::FILE)).ok().map(|key| Secret::from(key.trim()));
                (url, given.or_else(own))
            }
        };
        let key = key.ok_or_else(|| {
            // It might be somebody else's address.
            let own = if args.url.is_some() { "; the data directory's own is sent to no --url" } else { "" };
            Failure::new(format!(
                "ORDERS_API_KEY is needed: a key with the scope operator, see `orders keys create`{own}"
            ))
        })?;
        let client = reqwest::Client::builder().timeout(ANSWERS_WITHIN).build();
        Ok(Self { url, key, client: client.map_err(|error| Failure::new(error.to_string()))? })
    }

    /// The answer as it is shown.
    async fn show(&self, args: &StatusArgs) -> Result<String, Failure> {
        let text = self.ask().await?;
        if args.json { Ok(format!("{}\n", text.trim_end())) } else { Ok(shown(&parsed(&text)?)) }
    }

    async fn ask(&self) -> Result<String, Failure> {
        let shown = self.url.origin().ascii_serialization();
        let away = |error: reqwest::Error| Failure::new(format!("{shown} does not answer: {}", error.without_url()));
        let url = self.url.join("/v1/ops/status").map_err(|error| Failure::new(error.to_string()))?;
        let answer = self.client.get(url).bearer_auth(self.key.expose()).send().await.map_err(away)?;
        let status = answer.status();
        let text = answer.text().await.map_err(away)?;
        if status.is_success() {
            return Ok(text);
        }
        let problem: serde_json::Value = serde_json::from_str(&text).unwrap_or_default();
        let detail = problem["detail"].as_str().unwrap_or("it is no API of ours");
        Err(Failure::new(format!("{shown} answers {}: {detail}", status.as_u16())))
    }
}

fn parsed(text: &str) -> Result<Status, Failure> {
    serde_json::from_str(text).map_err(|error| Failure::new(format!("the answer is not of the known shape: {error}")))
}

fn shown(status: &Status) -> String {
    let Status { version, instance, log, commands, .. } = status;
    let mut text = format!(
        "orders {version}, process {} on {}, up {}\n\
         log: {} events, {} per second\n\
         commands: {}; {} waiting\n\n",
        instance.pid,
        instance.host,
        duration(instance.uptime_s as f64),
        log.head,
        rate(log.events_per_s),
        of_last_minute(commands),
        commands.waiting,
    );
    let heads = ["READER", "STATE", "POSITION", "BEHIND", "FOR", "PER SECOND", "TIME LEFT", "OPEN", "LAST ERROR"];
    text.push_str(&table(heads, &status.readers.iter().map(reader).collect::<Vec<_>>()));
    if !status.tasks.is_empty() {
        text.push('\n');
        text.push_str(&tasks::shown(&status.tasks));
    }
    for stalled in &status.stalled {
        text.push_str(&format!(
            "\n{} makes no progress since {} s: {}\n",
            stalled.reader, stalled.since_s, stalled.detail
        ));
    }
    text
}

fn of_last_minute(commands: &CommandStatus) -> String {
    if commands.p50_ms.is_none() {
        return "none in the last minute".to_owned();
    }
    format!(
        "{:.1} per second, half within {}, 99 % within {}; {} in a batch",
        commands.accepted_per_s,
        milliseconds(commands.p50_ms),
        milliseconds(commands.p99_ms),
        rate(commands.batch_commands),
    )
}

fn reader(reader: &ReaderStatus) -> [String; 9] {
    let kind = match reader.kind {
        ReaderKind::Projection => "projection ",
        ReaderKind::Relay => "",
        ReaderKind::Consumer => "consumer ",
    };
    let state = serde_json::to_value(reader.state).unwrap_or_default();
    let state = state.as_str().unwrap_or_default();
    let open = reader.open.map(|open| {
        let sign = if open.is_exact { "" } else { "≥ " };
        format!("{sign}{} waiting, {sign}{} parked, {sign}{} unknown", open.waiting, open.parked, open.unknown)
    });
    [
        format!("{kind}{}", reader.name),
        if reader.stalled { format!("{state}, stalled") } else { state.to_owned() },
        number(reader.position),
        number(reader.lag_events),
        reader.lag_s.map_or_else(String::new, duration),
        rate(reader.events_per_s),
        reader.time_left_s.map_or_else(String::new, duration),
        open.unwrap_or_default(),
        reader.last_error.clone().unwrap_or_default(),
    ]
}

fn number(number: Option<u64>) -> String {
    number.map_or_else(String::new, |number| number.to_string())
}

fn rate(rate: Option<f64>) -> String {
    rate.map_or_else(|| "?".to_owned(), |rate| format!("{rate:.1}"))
}

fn milliseconds(ms: Option<f64>) -> String {
    ms.map_or_else(|| "?".to_owned(), |ms| format!("{ms:.1} ms"))
}
