//! From a letter to a message as it goes out (RFC 5322, MIME).

use super::MailSettings;
use lettre::Address;
use lettre::address::{AddressError, Envelope};
use lettre::message::header::{Header, HeaderName, HeaderValue};
use lettre::message::{Mailbox, MultiPart};

/// What is to be said to whom.
#[derive(Debug, Clone)]
pub struct Letter<'a> {
    /// The recipient's mail address.
    pub address: &'a str,
    /// The recipient's name; may be empty.
    pub name: String,
    /// The subject.
    pub subject: String,
    /// The plain text.
    pub text: String,
    /// The same as HTML.
    pub html: String,
}

/// A message as it goes out, with its envelope.
pub struct Message {
    pub(super) envelope: Envelope,
    /// Head and body, lines ended by CR LF.
    pub(super) bytes: Vec<u8>,
    pub(super) message_id: String,
    /// For people at a console.
    pub(super) shown: String,
}

/// Why a letter can't be sent, without saying to whom.
#[derive(Debug, thiserror::Error)]
pub enum ComposeError {
    /// The address is no mail address as SMTP has it.
    #[error("the recipient's address is not one that SMTP can carry: {0}")]
    Address(#[from] AddressError),
    /// The message can't be put together.
    #[error("the message can't be composed: {0}")]
    Message(#[from] lettre::error::Error),
}

/// RFC 3834: nobody wrote this by hand, so no automaton should answer.
#[derive(Clone)]
struct AutoSubmitted;

impl Header for AutoSubmitted {
    fn name() -> HeaderName {
        HeaderName::new_from_ascii_str("Auto-Submitted")
    }

    fn parse(_: &str) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        Ok(Self)
    }

    fn display(&self) -> HeaderValue {
        HeaderValue::new(Self::name(), "auto-generated".to_owned())
    }
}

/// RFC 2369: where whoever got this can end it.
#[derive(Clone)]
struct ListUnsubscribe(String);

impl Header for ListUnsubscribe {
    fn name() -> HeaderName {
        HeaderName::new_from_ascii_str("List-Unsubscribe")
    }

    fn parse(text: &str) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        Ok(Self(text.to_owned()))
    }

    fn display(&self) -> HeaderValue {
        HeaderValue::new(Self::name(), self.0.clone())
    }
}

/// RFC 8058: one click of the mail program is enough for that.
#[derive(Clone)]
struct OneClick;

impl Header for OneClick {
    fn name() -> HeaderName {
        HeaderName::new_from_ascii_str("List-Unsubscribe-Post")
    }

    fn parse(_: &str) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        Ok(Self)
    }

    fn display(&self) -> HeaderValue {
        HeaderValue::new(Self::name(), "List-Unsubscribe=One-Click".to_owned())
    }
}

pub(super) fn compose(
    settings: &MailSettings,
    letter: &Letter<'_>,
    message_id: &str,
    leave: Option<&str>,
) -> Result<Message, ComposeError> {
    let address: Address = letter.address.parse()?;
    // lettre would read it back from the header, which changes quoted local parts or fails on them.
    let envelope = Envelope::new(Some(settings.from.email.clone()), vec![address.clone()])?;
    let mut builder = lettre::Message::builder()
        .envelope(envelope.clone())
        .from(settings.from.clone())
        .to(Mailbox::new(Some(letter.name.clone()).filter(|name| !name.is_empty()), address))
        .subject(&letter.subject)
        .message_id(Some(format!("<{message_id}>")))
        .date_now()
        .header(AutoSubmitted);
    if let Some(reply_to) = &settings.reply_to {
        builder = builder.reply_to(reply_to.clone());
    }
    if let Some(leave) = leave {
        builder = builder.header(ListUnsubscribe(format!("<{leave}>"))).header(OneClick);
    }
    let message = builder.multipart(MultiPart::alternative_plain_html(letter.text.clone(), letter.html.clone()))?;
    Ok(Message {
        envelope,
        bytes: message.formatted(),
        message_id: message_id.to_owned(),
        shown: format!("To: {}\nSubject: {}\n\n{}", letter.address, letter.subject, letter.text),
    })
}
