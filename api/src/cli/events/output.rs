//! Where events are written: standard output, or a file that is there when it is whole.

use super::args::FileFormat;
use super::parquet::ParquetTable;
use crate::cli::whole_file::{WholeFile, Writer};
use crate::csv::{MARK, Reader};
use crate::roles::Failure;
use crate::v1::events::{csv, line};
use commands::StoredEvent;
use indicatif::HumanCount;
use serde_json::json;
use std::io::{self, BufWriter, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A place for events.
pub(super) struct Output {
    format: FileFormat,
    form: Form,
    /// Of a file: under which name it was asked for.
    file: Option<(WholeFile, PathBuf)>,
    events: u64,
    positions: Option<(u64, u64)>,
}

enum Form {
    /// Lines, of JSON or of a table; `None` for standard output.
    Lines(Option<BufWriter<Writer>>),
    Parquet(Box<ParquetTable<Writer>>),
}

/// What was written into a file.
pub(super) struct Written {
    file: PathBuf,
    format: FileFormat,
    events: u64,
    positions: Option<(u64, u64)>,
    /// None of what is no file.
    bytes: Option<u64>,
}

impl Output {
    /// Begins; see [`WholeFile`].
    pub(super) fn open(format: FileFormat, path: Option<&Path>) -> Result<Self, Failure> {
        let (form, file) = match path {
            None => (Form::Lines(None), None),
            Some(path) => {
                let file = WholeFile::begin(path)?;
                let writer = file.writer()?;
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

    /// Whether nothing is there unless it is finished.
    pub(super) fn is_there_at_the_end(&self) -> bool {
        self.file.as_ref().is_some_and(|(file, _)| file.is_there_at_the_end())
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
        let bytes = file.finish()?;
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

/// Says whether there is still a reader.
fn write_out(lines: &[u8]) -> io::Result<bool> {
    let mut out = io::stdout().lock();
    match out.write_all(lines).and_then(|()| out.flush()) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(false),
        written => written.map(|()| true),
    }
}
