//! Where events are written: standard output, or a file that is there when it is whole.

use super::args::FileFormat;
use super::parquet::ParquetTable;
use crate::csv::{MARK, Reader};
use crate::roles::Failure;
use crate::v1::events::{csv, line};
use commands::StoredEvent;
use indicatif::HumanCount;
use serde_json::json;
use std::fs::File;
use std::io::{self, BufWriter, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tempfile::NamedTempFile;

/// A place for events.
pub(super) struct Output {
    format: FileFormat,
    form: Form,
    /// Of a file: as what it will be there.
    file: Option<(NamedTempFile, PathBuf)>,
    events: u64,
    positions: Option<(u64, u64)>,
}

enum Form {
    /// Lines, of JSON or of a table; `None` for standard output.
    Lines(Option<BufWriter<File>>),
    Parquet(Box<ParquetTable<File>>),
}

/// What was written into a file.
pub(super) struct Written {
    file: PathBuf,
    format: FileFormat,
    events: u64,
    positions: Option<(u64, u64)>,
    bytes: u64,
}

impl Output {
    /// Begins: a file beside the one that is asked for, which it replaces at the end.
    pub(super) fn open(format: FileFormat, path: Option<&Path>) -> Result<Self, Failure> {
        let (form, file) = match path {
            None => (Form::Lines(None), None),
            Some(path) => {
                let file = beside(path).map_err(|error| cannot(path, &error))?;
                let writer = file.reopen().map_err(|error| cannot(path, &error))?;
                let form = match format {
                    FileFormat::Parquet => Form::Parquet(Box::new(ParquetTable::begin(writer)?)),
                    _ => Form::Lines(Some(BufWriter::new(writer))),
                };
                (form, Some((file, path.to_owned())))
            }
        };
        let mut output = Self { format, form, file, events: 0, positions: None };
        if let Some(reader) = format.reader() {
            let mut head = String::from(if reader == Reader::Spreadsheet { MARK } else { "" });
            csv::write_head(&mut head, reader);
            output.write_lines(head.as_bytes())?;
        }
        Ok(output)
    }

    pub(super) const fn is_file(&self) -> bool {
        self.file.is_some()
    }

    /// Says whether there is still somebody who reads.
    pub(super) fn write(&mut self, events: &[Arc<StoredEvent>]) -> Result<bool, Failure> {
        let (Some(first), Some(last)) = (events.first(), events.last()) else { return Ok(true) };
        self.events += events.len() as u64;
        let begun = self.positions.map_or(first.position.0, |(begun, _)| begun);
        self.positions = Some((begun, last.position.0));
        if let Form::Parquet(table) = &mut self.form {
            events.iter().try_for_each(|event| table.write(event))?;
            return Ok(true);
        }
        let lines = match self.format.reader() {
            Some(reader) => {
                let mut lines = String::new();
                events.iter().try_for_each(|event| csv::write(&mut lines, reader, event))?;
                lines.into_bytes()
            }
            None => {
                let mut lines = Vec::new();
                events.iter().try_for_each(|event| line::write(&mut lines, event))?;
                lines
            }
        };
        self.write_lines(&lines)
    }

    fn write_lines(&mut self, lines: &[u8]) -> Result<bool, Failure> {
        match &mut self.form {
            Form::Lines(Some(file)) => Ok(file.write_all(lines).map(|()| true)?),
            _ => Ok(write_out(lines)?),
        }
    }

    /// Ends. A file is on the disk, whole, under its name.
    pub(super) fn finish(self) -> Result<Option<Written>, Failure> {
        match self.form {
            Form::Parquet(table) => table.finish()?,
            Form::Lines(Some(mut file)) => file.flush()?,
            Form::Lines(None) => {}
        }
        let Some((file, path)) = self.file else { return Ok(None) };
        file.as_file().sync_all().map_err(|error| cannot(&path, &error))?;
        let bytes = file.as_file().metadata().map_err(|error| cannot(&path, &error))?.len();
        file.persist(&path).map_err(|error| cannot(&path, &error.error))?;
        Ok(Some(Written { file: path, format: self.format, events: self.events, positions: self.positions, bytes }))
    }
}

impl Written {
    pub(super) fn text(&self) -> String {
        let (file, events) = (self.file.display(), HumanCount(self.events));
        match self.positions {
            Some((first, last)) => format!("{file}: {events} events, positions {first} to {last}"),
            None => format!("{file}: no event"),
        }
    }

    pub(super) fn json(&self) -> String {
        let document = json!({
            "file": self.file,
            "format": self.format.name(),
            "events": self.events,
            "first_position": self.positions.map(|(first, _)| first),
            "last_position": self.positions.map(|(_, last)| last),
            "bytes": self.bytes,
        });
        document.to_string()
    }
}

/// A file of its own in the same directory, so that it can take the other's name.
fn beside(path: &Path) -> io::Result<NamedTempFile> {
    let directory = path.parent().filter(|directory| !directory.as_os_str().is_empty()).unwrap_or(Path::new("."));
    tempfile::Builder::new().prefix(".orders-events-").tempfile_in(directory)
}

fn cannot(path: &Path, error: &io::Error) -> Failure {
    Failure::new(format!("{} can't be written: {error}", path.display()))
}

/// Says whether there is still a reader.
fn write_out(lines: &[u8]) -> io::Result<bool> {
    let mut out = io::stdout().lock();
    match out.write_all(lines).and_then(|()| out.flush()) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(false),
        written => written.map(|()| true),
    }
}
