//! Along positions: 1, 2, 3, …, and time never runs backwards.

use super::{Difference, LogChecked, VerifyError, Watch};
use crate::log::Log;
use chrono::{DateTime, Utc};
use domain::Position;

const READ_ROWS: u32 = 20_000;

pub(super) async fn check(log: &Log, watch: &mut Watch<'_>, checked: &mut LogChecked) -> Result<(), VerifyError> {
    let (mut last, mut time) = (Position::ORIGIN, DateTime::<Utc>::MIN_UTC);
    loop {
        watch.tell("positions", last.0, checked.up_to.0)?;
        let rows = log.read_times(last, checked.up_to, READ_ROWS).await?;
        if rows.is_empty() {
            break;
        }
        checked.events += rows.len() as u64;
        for (position, recorded_at) in rows {
            if position.0 > last.0 + 1 {
                checked.differences.add(missing(last, Position(position.0 - 1)));
            }
            if recorded_at < time {
                checked.differences.add(Difference::TimeRunsBackwards { position });
            }
            (last, time) = (position, recorded_at);
        }
    }
    if last < checked.up_to {
        checked.differences.add(missing(last, checked.up_to));
    }
    Ok(())
}

fn missing(after: Position, last: Position) -> Difference {
    Difference::PositionsMissing { first: Position(after.0 + 1), last }
}
