//! What came of the load, in figures.

use super::told::{Expected, Intent};
use std::fmt;

/// What came of what clients asked for.
#[derive(Debug, Clone, Default)]
pub struct Figures {
    pub intents: Intents,
    pub effects: Effects,
}

/// What clients asked for.
#[derive(Debug, Clone, Default)]
pub struct Intents {
    acknowledged: usize,
    replayed_answers: usize,
    refused: usize,
    never: usize,
    in_doubt: usize,
    pub in_doubt_and_written: usize,
    pub events: usize,
}

/// What became of mails.
#[derive(Debug, Clone, Default)]
pub struct Effects {
    pub sent: usize,
    pub unknown: usize,
    /// Of those: how many had arrived.
    pub unknown_arrived: usize,
}

impl Figures {
    pub fn count(&mut self, intent: &Intent) {
        let counted = &mut self.intents;
        match intent.expected() {
            Expected::Once => counted.acknowledged += 1,
            Expected::AtMostOnce => counted.in_doubt += 1,
            Expected::Never if intent.refused.is_some() => counted.refused += 1,
            Expected::Never => counted.never += 1,
        }
        counted.replayed_answers += intent.answers.len().saturating_sub(1);
    }

    pub fn add(&mut self, other: &Self) {
        let (mine, theirs) = (&mut self.intents, &other.intents);
        mine.acknowledged += theirs.acknowledged;
        mine.replayed_answers += theirs.replayed_answers;
        mine.refused += theirs.refused;
        mine.never += theirs.never;
        mine.in_doubt += theirs.in_doubt;
        mine.in_doubt_and_written += theirs.in_doubt_and_written;
        mine.events += theirs.events;
        self.effects.sent += other.effects.sent;
        self.effects.unknown += other.effects.unknown;
        self.effects.unknown_arrived += other.effects.unknown_arrived;
    }
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Intents { acknowledged, replayed_answers, refused, never, in_doubt, in_doubt_and_written, events } =
            &self.intents;
        writeln!(
            f,
            "{acknowledged} commands acknowledged ({replayed_answers} answers given again), {refused} refused, {never} not \
             taken, {in_doubt} in doubt of which {in_doubt_and_written} are written; {events} events"
        )?;
        let Effects { sent, unknown, unknown_arrived } = &self.effects;
        write!(f, "{sent} mails sent, {unknown} unknown of which {unknown_arrived} have arrived")
    }
}
