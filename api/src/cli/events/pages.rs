//! The pages of one column of a group, kept until the columns before it are in the file.
//!
//! Rows come one by one, and a group is written column by column. What waits is encoded and compressed already: a
//! fraction of the cells that it was made of.

use bytes::{Buf, Bytes};
use parquet::column::page::{CompressedPage, PageWriteSpec, PageWriter};
use parquet::errors::ParquetError;
use parquet::file::reader::{ChunkReader, Length};
use parquet::file::writer::{SerializedPageWriter, TrackedWrite};
use std::collections::VecDeque;
use std::io::{self, Read};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// About what stands before a page's own bytes.
const HEADER_BYTES: usize = 64;

/// Pages in the order of the file. Clones share them: one is written into, another is read at the end.
#[derive(Clone, Default)]
pub(super) struct Pages(Arc<Mutex<Kept>>);

#[derive(Default)]
struct Kept {
    pages: VecDeque<Bytes>,
    bytes: usize,
}

impl Pages {
    /// How much they take.
    pub(super) fn size_bytes(&self) -> usize {
        self.kept().bytes
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl PageWriter for Pages {
    fn write_page(&mut self, page: CompressedPage) -> Result<PageWriteSpec, ParquetError> {
        let mut out = TrackedWrite::new(Vec::with_capacity(page.compressed_size() + HEADER_BYTES));
        let mut written = SerializedPageWriter::new(&mut out).write_page(page)?;
        let page = Bytes::from(out.into_inner()?);
        let mut kept = self.kept();
        written.offset += kept.bytes as u64;
        kept.bytes += page.len();
        kept.pages.push_back(page);
        Ok(written)
    }

    fn close(&mut self) -> Result<(), ParquetError> {
        Ok(())
    }
}

impl Length for Pages {
    fn len(&self) -> u64 {
        self.size_bytes() as u64
    }
}

/// Read once, from the first on: each is let go of as soon as it is read.
impl ChunkReader for Pages {
    type T = Unread;

    fn get_read(&self, start: u64) -> Result<Unread, ParquetError> {
        if start != 0 {
            return Err(ParquetError::NYI("pages are read from the first on".to_owned()));
        }
        Ok(Unread(std::mem::take(&mut *self.kept()).pages))
    }

    fn get_bytes(&self, _start: u64, _length: usize) -> Result<Bytes, ParquetError> {
        Err(ParquetError::NYI("pages are read one after another".to_owned()))
    }
}

/// What is still to be read of them.
pub(super) struct Unread(VecDeque<Bytes>);

impl Read for Unread {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while let Some(page) = self.0.front_mut() {
            if page.has_remaining() {
                let mut rest: &[u8] = page;
                let count = rest.read(buffer)?;
                page.advance(count);
                return Ok(count);
            }
            self.0.pop_front();
        }
        Ok(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_are_read_as_they_stand_and_let_go_of() {
        let pages = Pages::default();
        let parts: [&'static [u8]; 3] = [b"one", b"", b"two"];
        pages.kept().pages.extend(parts.map(Bytes::from_static));
        let mut text = String::new();
        pages.get_read(0).unwrap().read_to_string(&mut text).unwrap();
        assert_eq!((text.as_str(), pages.kept().pages.len()), ("onetwo", 0));
        assert!(pages.get_read(1).is_err());
    }
}
