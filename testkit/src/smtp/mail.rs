//! A message as it arrived.

use mail_parser::{Message, MessageParser, PartType};

/// A message with the envelope that it came in, read by a parser that the program under test does not use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mail {
    /// The address in `MAIL FROM`.
    pub envelope_from: String,
    /// The addresses in `RCPT TO`.
    pub envelope_to: Vec<String>,
    /// As whom the client had logged in.
    pub login: Option<String>,
    /// Whether it came over TLS.
    pub encrypted: bool,
    /// Header and body, byte for byte.
    pub raw: Vec<u8>,
}

impl Mail {
    /// Whether it was sent to that address.
    pub fn is_for(&self, address: &str) -> bool {
        self.envelope_to.iter().any(|to| to.eq_ignore_ascii_case(address))
    }

    /// The subject, decoded; empty when there is none.
    pub fn subject(&self) -> String {
        self.parsed().subject().unwrap_or_default().to_owned()
    }

    /// The message id, without its angle brackets.
    pub fn message_id(&self) -> Option<String> {
        self.parsed().message_id().map(str::to_owned)
    }

    /// The address in `From`.
    pub fn from(&self) -> Option<String> {
        let message = self.parsed();
        message.from()?.first()?.address().map(str::to_owned)
    }

    /// The address in `To`.
    pub fn to(&self) -> Option<String> {
        let message = self.parsed();
        message.to()?.first()?.address().map(str::to_owned)
    }

    /// The address in `Reply-To`.
    pub fn reply_to(&self) -> Option<String> {
        let message = self.parsed();
        message.reply_to()?.first()?.address().map(str::to_owned)
    }

    /// The first header of that name as it stands in the message, unfolded by nobody, trimmed.
    pub fn header(&self, name: &str) -> Option<String> {
        self.parsed().header_raw(name).map(|value| value.trim().to_owned())
    }

    /// The plain text part, decoded. `None` when the message has none: HTML is not taken for it.
    pub fn text(&self) -> Option<String> {
        self.parsed().parts.iter().find_map(|part| match &part.body {
            PartType::Text(text) => Some(text.to_string()),
            _ => None,
        })
    }

    /// The HTML part, decoded. `None` when the message has none.
    pub fn html(&self) -> Option<String> {
        self.parsed().parts.iter().find_map(|part| match &part.body {
            PartType::Html(html) => Some(html.to_string()),
            _ => None,
        })
    }

    fn parsed(&self) -> Message<'_> {
        MessageParser::default().parse(&self.raw).expect("a message has a header")
    }
}
