//! How far a browser is: what it sends when it comes again.

use super::news::Mail;
use domain::Position;
use serde::{Serialize, Serializer};
use std::fmt;
use std::str::FromStr;

/// All that a browser was told up to: the log's position, the newest message, and what became of the mail. Opaque to
/// browsers, which send back the last that they got: `1234.17.sent`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cursor {
    /// Of the order's last event that was told.
    pub position: Position,
    /// The id of the last message about the order that was told; 0 before the first.
    pub message: i64,
    /// What was told of the mail.
    pub mail: Mail,
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.position, self.message, self.mail.as_str())
    }
}

/// A text that is no cursor of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NoCursor;

impl FromStr for Cursor {
    type Err = NoCursor;

    fn from_str(text: &str) -> Result<Self, NoCursor> {
        let mut parts = text.splitn(3, '.');
        let position = parts.next().and_then(|part| part.parse::<u64>().ok()).ok_or(NoCursor)?;
        let message = parts.next().and_then(|part| part.parse::<i64>().ok()).filter(|id| *id >= 0).ok_or(NoCursor)?;
        let mail = parts.next().and_then(Mail::parse).ok_or(NoCursor)?;
        Ok(Self { position: Position(position), message, mail })
    }
}

impl Serialize for Cursor {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_reads_back() {
        let cursor = Cursor { position: Position(1_234), message: 17, mail: Mail::Sent };
        assert_eq!(cursor.to_string(), "1234.17.sent");
        assert_eq!("1234.17.sent".parse(), Ok(cursor));
        for wrong in ["", "1", "1.2", "1.2.", "1.-2.sent", "-1.2.sent", "1.2.sent.", "1.2.SENT", "1,2,sent"] {
            assert_eq!(wrong.parse::<Cursor>(), Err(NoCursor), "{wrong}");
        }
    }
}
