//! Mail to the console and into files, where no server is configured.

use super::{MailError, Message, Outcome};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::fs;
use tokio::io::AsyncWriteExt;

/// How many copies of one message there can be.
const COPIES: u32 = 1_000;
/// How long writing a message may take.
pub(super) const SEND_AT_MOST: Duration = Duration::from_secs(10);

pub(super) struct Local {
    console: bool,
    directory: Option<PathBuf>,
}

impl Local {
    pub(super) fn console() -> Self {
        Self { console: true, directory: None }
    }

    pub(super) fn files(directory: &Path, console: bool) -> Result<Self, MailError> {
        std::fs::create_dir_all(directory)
            .map_err(|fault| MailError::Directory { path: directory.display().to_string(), fault })?;
        Ok(Self { console, directory: Some(directory.to_owned()) })
    }

    pub(super) async fn send(&self, message: &Message) -> Outcome {
        let mut answer = "shown on the console".to_owned();
        if let Some(directory) = &self.directory {
            match tokio::time::timeout(SEND_AT_MOST, write(directory, message)).await {
                Ok(Ok(name)) => answer = format!("written to {name}"),
                // A file that is not whole has another name: nothing was sent.
                Ok(Err(error)) => return Outcome::Temporary(format!("the mail could not be written: {error}")),
                // What the disk was told last, it may still do.
                Err(_) => return Outcome::Unknown("the disk took too long to write the mail".to_owned()),
            }
        }
        if self.console {
            // Who closed our output wants no mails there.
            let _ = writeln!(io::stdout().lock(), "{}", framed(&message.shown));
        }
        Outcome::Sent(answer)
    }
}

/// Writes a file of its own for each time that a message is sent, so that a second copy would show.
async fn write(directory: &Path, message: &Message) -> io::Result<String> {
    let id = message.message_id.split('@').next().unwrap_or_default();
    let unfinished = directory.join(format!(".{id}.{}", uuid::Uuid::now_v7()));
    let mut file = fs::File::create(&unfinished).await?;
    file.write_all(&message.bytes).await?;
    file.sync_all().await?;
    for copy in 1..=COPIES {
        let name = if copy == 1 { format!("{id}.eml") } else { format!("{id}.{copy}.eml") };
        // Unlike a rename, a link never replaces what is there.
        match fs::hard_link(&unfinished, directory.join(&name)).await {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            outcome => {
                fs::remove_file(&unfinished).await?;
                return outcome.map(|()| name);
            }
        }
    }
    Err(io::Error::other(format!("there are {COPIES} copies of it already")))
}

fn framed(text: &str) -> String {
    let lines = text.lines().map(|line| format!("  │ {line}").trim_end().to_owned());
    format!("  ┌─ mail\n{}\n  └─", lines.collect::<Vec<_>>().join("\n"))
}
