//! Two SMTP servers: [`MailServer`], which a mail program must get along with, and [`Scripted`], which misbehaves to
//! order.
//!
//! `MailServer` is aiosmtpd, the reference implementation of SMTP for Python. It has all three of STARTTLS, TLS from
//! the start and login, is one pinned package without a port, a user or a file of the system's, and starts in 0.2 s.
//! `GreenMail` has no STARTTLS; Postfix and `OpenSMTPD` need root, a user database and a spool at fixed places, for no
//! more protocol.

mod dialogue;
mod mail;
mod mail_server;
mod scripted;

pub use mail::Mail;
pub use mail_server::MailServer;
pub use scripted::{Attempt, Fault, Scripted, Step};
