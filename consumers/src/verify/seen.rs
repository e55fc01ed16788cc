//! Which positions were seen: a bit for each, so that memory stays small however long the log is.

use domain::Position;

/// A set of positions from 1 to a last one.
pub(super) struct Seen {
    words: Vec<u64>,
    last: Position,
}

impl Seen {
    /// None yet.
    pub(super) fn up_to(last: Position) -> Self {
        let words = usize::try_from(last.0 / 64 + 1).unwrap_or(usize::MAX);
        Self { words: vec![0; words], last }
    }

    pub(super) fn add(&mut self, position: Position) {
        let (word, bit) = place(position);
        if let Some(word) = self.words.get_mut(word) {
            *word |= bit;
        }
    }

    pub(super) fn contains(&self, position: Position) -> bool {
        let (word, bit) = place(position);
        self.words.get(word).is_some_and(|word| word & bit != 0)
    }

    /// The next `limit` positions behind `after` that are not in it.
    pub(super) fn missing(&self, after: Position, limit: usize) -> Vec<Position> {
        let mut missing = Vec::new();
        let mut at = after.0 + 1;
        while at <= self.last.0 && missing.len() < limit {
            let whole_word = at.is_multiple_of(64) && self.words.get(place(Position(at)).0) == Some(&u64::MAX);
            if whole_word {
                at += 64;
                continue;
            }
            if !self.contains(Position(at)) {
                missing.push(Position(at));
            }
            at += 1;
        }
        missing
    }
}

fn place(position: Position) -> (usize, u64) {
    (usize::try_from(position.0 / 64).unwrap_or(usize::MAX), 1 << (position.0 % 64))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_is_found_in_pages() {
        let mut seen = Seen::up_to(Position(1_000));
        for position in (1..=1_000).filter(|position| ![1, 64, 500, 1_000].contains(position)) {
            seen.add(Position(position));
        }
        assert!(seen.contains(Position(2)) && !seen.contains(Position(64)) && !seen.contains(Position(5_000)));
        seen.add(Position(5_000));
        assert_eq!(seen.missing(Position::ORIGIN, 3), [1, 64, 500].map(Position));
        assert_eq!(seen.missing(Position(500), 3), [Position(1_000)]);
        assert_eq!(seen.missing(Position(1_000), 3), []);
        assert_eq!(Seen::up_to(Position::ORIGIN).missing(Position::ORIGIN, 3), []);
    }
}
