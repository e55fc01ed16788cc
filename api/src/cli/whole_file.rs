//! A file that a command writes: there when it is whole, and readable for whoever wrote it alone.
//!
//! It grows beside the file that it replaces at the end. What is no file, a device or a pipe, is written into as it
//! comes: to put a file in its place would take it away from everybody else.

use crate::roles::Failure;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use tempfile::NamedTempFile;

/// The most links that lead from one to the next: as many as Linux follows.
const MAX_LINKS: usize = 40;

/// A file on its way.
pub(super) struct WholeFile {
    asked: PathBuf,
    place: Place,
}

enum Place {
    /// Beside the file whose name it gets, which is no link.
    Beside(NamedTempFile, PathBuf),
    /// In what is no file.
    Into(File),
}

/// Writes into a [`WholeFile`]. What goes wrong is told with the file's name.
pub(super) struct Writer {
    file: File,
    asked: PathBuf,
}

impl WholeFile {
    /// Begins it. A link is followed, also one that leads to a file which is yet to be.
    pub(super) fn begin(path: &Path) -> Result<Self, Failure> {
        let place = Place::of(path).map_err(|error| cannot(path, &error))?;
        Ok(Self { asked: path.to_owned(), place })
    }

    pub(super) fn writer(&self) -> Result<Writer, Failure> {
        let file = match &self.place {
            Place::Beside(file, _) => file.reopen(),
            Place::Into(file) => file.try_clone(),
        };
        Ok(Writer { file: file.map_err(|error| cannot(&self.asked, &error))?, asked: self.asked.clone() })
    }

    /// Whether nothing is there before the end.
    pub(super) const fn is_there_at_the_end(&self) -> bool {
        matches!(self.place, Place::Beside(..))
    }

    /// Ends it: it is on the disk, whole, under its name. Says how large it is, where it is a file.
    pub(super) fn finish(self) -> Result<Option<u64>, Failure> {
        let Place::Beside(file, path) = self.place else { return Ok(None) };
        let ended = file.as_file().sync_all().and_then(|()| file.as_file().metadata());
        let bytes = ended.map_err(|error| cannot(&self.asked, &error))?.len();
        file.persist(path).map_err(|error| cannot(&self.asked, &error.error))?;
        Ok(Some(bytes))
    }
}

/// Writes a file as a whole.
pub(super) fn write(path: &Path, content: &[u8]) -> Result<(), Failure> {
    let file = WholeFile::begin(path)?;
    let mut writer = file.writer()?;
    writer.write_all(content)?;
    file.finish()?;
    Ok(())
}

impl Place {
    fn of(path: &Path) -> io::Result<Self> {
        match fs::metadata(path) {
            Ok(there) if there.is_file() => Self::beside(path.canonicalize()?),
            Ok(there) if there.is_dir() => Err(io::ErrorKind::IsADirectory.into()),
            Ok(_) => File::options().write(true).open(path).map(Self::Into),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Self::beside(end_of_links(path)?),
            Err(error) => Err(error),
        }
    }

    /// In the same directory, so that it can take the other's name.
    fn beside(path: PathBuf) -> io::Result<Self> {
        let file = tempfile::Builder::new().prefix(".orders-").tempfile_in(directory_of(&path))?;
        Ok(Self::Beside(file, path))
    }
}

/// Where links lead that end at nothing.
fn end_of_links(path: &Path) -> io::Result<PathBuf> {
    let mut path = path.to_owned();
    for _ in 0..MAX_LINKS {
        if !path.is_symlink() {
            return Ok(path);
        }
        // A target that does not begin at the root is meant from where the link is.
        path = directory_of(&path).join(fs::read_link(&path)?);
    }
    Err(io::Error::other("too many links"))
}

fn directory_of(path: &Path) -> &Path {
    path.parent().filter(|directory| !directory.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

fn cannot(path: &Path, error: &io::Error) -> Failure {
    Failure::new(message(path, error))
}

fn message(path: &Path, error: &io::Error) -> String {
    format!("{} can't be written: {error}", path.display())
}

impl Write for Writer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes).map_err(|error| self.told(&error))
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush().map_err(|error| self.told(&error))
    }
}

impl Writer {
    fn told(&self, error: &io::Error) -> io::Error {
        // What was interrupted is tried again, and is no error to tell.
        io::Error::new(error.kind(), message(&self.asked, error))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::{FileTypeExt, PermissionsExt, symlink};

    #[test]
    fn a_file_is_replaced_as_a_whole_and_for_its_owner_alone() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("a.json");
        fs::write(&path, "old").unwrap();
        let file = WholeFile::begin(&path).unwrap();
        file.writer().unwrap().write_all(b"new").unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "old", "it is whole before it is there");
        assert_eq!(file.finish().unwrap(), Some(3));
        assert_eq!(fs::read_to_string(&path).unwrap(), "new");
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        drop(WholeFile::begin(&path).unwrap());
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1, "nothing is left beside it");
    }

    #[test]
    fn a_link_stays_and_what_it_leads_to_is_written() {
        let directory = tempfile::tempdir().unwrap();
        let (link, target) = (directory.path().join("link"), directory.path().join("target"));
        symlink("target", &link).unwrap();
        for content in ["first", "second"] {
            write(&link, content.as_bytes()).unwrap();
            assert!(link.is_symlink() && !target.is_symlink());
            assert_eq!(fs::read_to_string(&target).unwrap(), content);
        }
    }

    #[test]
    fn what_is_no_file_is_written_into_or_refused() {
        let device = Path::new("/dev/full");
        let full = write(device, b"new").unwrap_err().to_string();
        assert!(full.starts_with("/dev/full can't be written: No space left"), "{full}");
        assert!(fs::metadata(device).unwrap().file_type().is_char_device());
        write(Path::new("/dev/null"), b"new").unwrap();
        let directory = tempfile::tempdir().unwrap();
        let refused = write(directory.path(), b"new").unwrap_err().to_string();
        assert!(refused.contains("can't be written: is a directory"), "{refused}");
    }
}
