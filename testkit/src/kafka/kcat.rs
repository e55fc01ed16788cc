//! Reading by a program that shares no code with ours.

use std::time::Duration;

use serde_json::Value;
use tokio::process::Command;
use tokio::time::timeout;

use super::Record;
use crate::prerequisites::require;

const READ_BOUND: Duration = Duration::from_secs(30);

/// What `kcat`, as a `read_committed` reader, gets of a topic by now: [`read_topic`](super::read_topic) without a line
/// of the program's own Kafka library. Keys, values and headers must be text.
///
/// # Errors
/// What `kcat` says: the broker is away, the topic does not exist.
pub async fn read_topic_with_kcat(brokers: &str, topic: &str) -> Result<Vec<Record>, String> {
    let mut command = Command::new(require("kcat", "kcat"));
    command
        .args(["-C", "-b", brokers, "-t", topic, "-o", "beginning", "-e", "-q", "-J"])
        .args(["-X", "isolation.level=read_committed", "-X", "fetch.wait.max.ms=10"])
        .stdin(std::process::Stdio::null())
        .kill_on_drop(true);
    let output = timeout(READ_BOUND, command.output())
        .await
        .map_err(|_elapsed| format!("kcat has not finished after {READ_BOUND:?}"))?
        .map_err(|error| format!("kcat can't be run: {error}"))?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into_owned());
    }
    let lines = String::from_utf8(output.stdout).map_err(|error| error.to_string())?;
    let mut records = lines.lines().map(record).collect::<Result<Vec<_>, _>>()?;
    records.sort_by_key(|record| (record.partition, record.offset));
    Ok(records)
}

/// One line of `kcat -J`; its headers are names and values in turn.
fn record(line: &str) -> Result<Record, String> {
    let json: Value = serde_json::from_str(line).map_err(|error| format!("{error} in {line}"))?;
    let bytes = |value: &Value| value.as_str().map(|text| text.as_bytes().to_vec());
    let headers = json["headers"].as_array().map(Vec::as_slice).unwrap_or_default();
    let place = json["partition"].as_i64().and_then(|partition| i32::try_from(partition).ok());
    Ok(Record {
        partition: place.ok_or_else(|| format!("no partition in {line}"))?,
        offset: json["offset"].as_i64().ok_or_else(|| format!("no offset in {line}"))?,
        timestamp_ms: json["ts"].as_i64(),
        key: bytes(&json["key"]),
        value: bytes(&json["payload"]),
        headers: headers
            .chunks_exact(2)
            .map(|pair| (pair[0].as_str().unwrap_or_default().to_owned(), bytes(&pair[1]).unwrap_or_default()))
            .collect(),
    })
}
