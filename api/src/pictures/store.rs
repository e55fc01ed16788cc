//! The folder of pictures. Several processes may write into it at once, also on several machines that share it.

use super::PictureError;
use super::render::Rendered;
use std::fs::{self, DirBuilder, File, Permissions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};
use tempfile::NamedTempFile;

/// Where files are written before they get their names; on the same disk, so that renaming is one step. No name of a
/// picture begins like this.
const UNFINISHED: &str = ".unfinished";
/// What is older was left by a process that ended.
const LEFT_AFTER: Duration = Duration::from_secs(60 * 60);
/// As the files of the folder are: for us, and for a web server of our group.
const MODE: u32 = 0o640;

#[derive(Debug)]
pub(super) struct Store {
    directory: PathBuf,
}

impl Store {
    pub(super) fn new(directory: PathBuf) -> Self {
        Self { directory }
    }

    /// Writes a picture's files, durably on return. Whoever looks meanwhile, or after a crash, finds each whole or not
    /// at all. Those that are there already stay: under the same name there are the same bytes.
    pub(super) fn write(&self, rendered: &Rendered) -> Result<(), PictureError> {
        self.write_all(rendered).map_err(refused)
    }

    fn write_all(&self, rendered: &Rendered) -> io::Result<()> {
        let unfinished = self.directory.join(UNFINISHED);
        DirBuilder::new().recursive(true).mode(0o700).create(&unfinished)?;
        sweep(&unfinished);
        for (name, bytes) in &rendered.files {
            let path = self.directory.join(name);
            if !is_there(&path, bytes.len())? {
                write_one(&unfinished, &path, bytes)?;
            }
        }
        // The names too: without this a power cut may take them back.
        File::open(&self.directory)?.sync_all()
    }
}

fn refused(error: io::Error) -> PictureError {
    match error.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => PictureError::DiskFull,
        _ => PictureError::Storage(error),
    }
}

/// Whether the file is there; one of another length was damaged by somebody else, and is written anew.
fn is_there(path: &Path, length: usize) -> io::Result<bool> {
    match fs::metadata(path) {
        Ok(metadata) => Ok(metadata.is_file() && metadata.len() == length as u64),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

/// A file that can't be written whole is taken away again.
fn write_one(unfinished: &Path, path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = NamedTempFile::new_in(unfinished)?;
    file.write_all(bytes)?;
    file.as_file().set_permissions(Permissions::from_mode(MODE))?;
    file.as_file().sync_all()?;
    file.persist(path)?;
    Ok(())
}

/// Takes away what processes left that ended while they wrote. What can't be looked at now is by the next.
fn sweep(unfinished: &Path) {
    let Ok(entries) = fs::read_dir(unfinished) else { return };
    for entry in entries.flatten() {
        let age = entry.metadata().and_then(|metadata| metadata.modified());
        let age = age.ok().and_then(|modified| SystemTime::now().duration_since(modified).ok());
        if age.is_some_and(|age| age > LEFT_AFTER) {
            // Another process may have been first.
            let _ = fs::remove_file(entry.path());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::product::PictureName;
    use std::os::unix::fs::MetadataExt;

    fn rendered(bytes: &[u8]) -> Rendered {
        let name = PictureName::parse("cup-1200.jpg").unwrap();
        Rendered { files: vec![("cup-600.jpg".to_owned(), bytes.to_vec()), (name.to_string(), bytes.to_vec())], name }
    }

    #[test]
    fn files_are_written_once_and_mended_where_they_were_cut_off() {
        let top = tempfile::tempdir().unwrap();
        let store = Store::new(top.path().join("media"));
        store.write(&rendered(b"tea")).unwrap();
        let (kept, cut) = (top.path().join("media/cup-1200.jpg"), top.path().join("media/cup-600.jpg"));
        let inode = fs::metadata(&kept).unwrap().ino();
        fs::write(&cut, b"t").unwrap();
        store.write(&rendered(b"tea")).unwrap();
        assert_eq!((fs::read(&kept).unwrap(), fs::read(&cut).unwrap()), (b"tea".to_vec(), b"tea".to_vec()));
        assert_eq!(fs::metadata(&kept).unwrap().ino(), inode, "it was there, and stayed");
        assert_eq!(fs::read_dir(top.path().join("media").join(UNFINISHED)).unwrap().count(), 0);
    }

    #[test]
    fn what_a_process_left_is_taken_away_once_it_is_old() {
        let top = tempfile::tempdir().unwrap();
        let unfinished = top.path().join(UNFINISHED);
        fs::create_dir(&unfinished).unwrap();
        let (old, new) = (unfinished.join("old"), unfinished.join("new"));
        fs::write(&new, "").unwrap();
        File::create(&old).unwrap().set_modified(SystemTime::now() - 2 * LEFT_AFTER).unwrap();
        Store::new(top.path().to_owned()).write(&rendered(b"tea")).unwrap();
        assert_eq!((old.exists(), new.exists()), (false, true));
    }

    #[test]
    fn a_full_disk_is_told_apart_from_one_that_can_not_be_written() {
        let full = File::options().write(true).open("/dev/full").unwrap().write_all(b"tea").unwrap_err();
        assert!(matches!(refused(full), PictureError::DiskFull));
        let top = tempfile::tempdir().unwrap();
        fs::write(top.path().join(UNFINISHED), "in the way").unwrap();
        let error = Store::new(top.path().to_owned()).write(&rendered(b"tea")).unwrap_err();
        assert!(matches!(error, PictureError::Storage(_)), "{error}");
        assert_eq!(fs::read_dir(top.path()).unwrap().count(), 1, "nothing of it is left");
    }
}
