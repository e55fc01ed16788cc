//! `orders static export DIRECTORY`: writes the static files of the pages for a web server.

use super::With;
use crate::roles::Failure;
use crate::settings::LogArgs;
use crate::shop;
use clap::Subcommand;
use flate2::read::GzDecoder;
use std::fs::{self, File, Permissions};
use std::io::{self, ErrorKind, Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use tempfile::NamedTempFile;

/// All may read them: they are shown to everybody, and a web server runs as somebody else.
const MODE: u32 = 0o644;
/// More than any of our files decompresses to.
const MAX_BYTES: u64 = 16 << 20;

pub(super) const EXPORT_DETAILS: &str = "\
Each file has a name that says what is in it, and stands there as it is, with .gz and with .br. A file that is
there already stays as it is; one of the same name with other content is refused, and then nothing is written.
Files of earlier versions stay, as pages that browsers still show refer to them. To be run before the new
version serves; the web server answers /static/NAME with DIRECTORY/NAME.";

#[derive(Debug, Subcommand)]
pub(super) enum Static {
    /// Writes them into a directory, for a web server to serve them
    #[command(after_help = EXPORT_DETAILS)]
    Export(With<ExportArgs>),
}

/// The settings of `orders static export`.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct ExportArgs {
    /// Where to; made if it is not there
    #[arg(value_name = "DIRECTORY")]
    directory: PathBuf,
}

impl Static {
    pub(super) fn log_args(&self) -> &LogArgs {
        let Self::Export(with) = self;
        &with.log
    }

    pub(super) fn run(&self) -> Result<(), Failure> {
        let Self::Export(with) = self;
        let directory = &with.args.directory;
        let files: Vec<(String, &[u8])> = shop::static_files().collect();
        let written = export(directory, &files)?;
        let mut output = io::stdout().lock();
        for name in &written {
            // Who closed our output does not want to know.
            let _ = writeln!(output, "{}", directory.join(name).display());
        }
        let there = files.len() - written.len();
        let _ = writeln!(output, "{} files written, {there} were there already", written.len());
        Ok(())
    }
}

/// Writes what is not there yet, and names it. Before anything is written, all that is there was found to be ours.
fn export(directory: &Path, files: &[(String, &[u8])]) -> Result<Vec<String>, Failure> {
    let failed =
        |what: &str, path: &Path, error: &io::Error| Failure::new(format!("can't {what} {}: {error}", path.display()));
    fs::create_dir_all(directory).map_err(|error| failed("make", directory, &error))?;
    let mut missing = Vec::new();
    for (name, bytes) in files {
        let path = directory.join(name);
        match found(&path, name, bytes).map_err(|error| failed("read", &path, &error))? {
            Found::Nothing => missing.push((name, *bytes)),
            Found::Ours => {}
            Found::Another => return Err(another(&path)),
        }
    }
    for (name, bytes) in &missing {
        let path = directory.join(name);
        write(directory, &path, bytes).map_err(|error| match error.kind() {
            ErrorKind::AlreadyExists => another(&path),
            _ => failed("write", &path, &error),
        })?;
    }
    // The names are on the disk, too.
    File::open(directory)
        .and_then(|directory| directory.sync_all())
        .map_err(|error| failed("write", directory, &error))?;
    Ok(missing.into_iter().map(|(name, _)| name.clone()).collect())
}

fn another(path: &Path) -> Failure {
    Failure::new(format!(
        "{} is there with other content than this program's, and is left as it is: move it away, or name another directory",
        path.display()
    ))
}

enum Found {
    Nothing,
    Ours,
    Another,
}

/// What stands at a path. Another version of the program may have compressed the same content in another way.
fn found(path: &Path, name: &str, ours: &[u8]) -> io::Result<Found> {
    let mut there = Vec::new();
    match File::open(path) {
        Err(error) if error.kind() == ErrorKind::NotFound && !path.is_symlink() => return Ok(Found::Nothing),
        Err(error) => return Err(error),
        Ok(file) if !file.metadata()?.is_file() => return Ok(Found::Another),
        Ok(file) => file.take(MAX_BYTES).read_to_end(&mut there)?,
    };
    let same = there == ours || decoded(name, &there).is_some_and(|there| Some(there) == decoded(name, ours));
    Ok(if same { Found::Ours } else { Found::Another })
}

/// What a compressed form holds; `None` for one that is none.
fn decoded(name: &str, bytes: &[u8]) -> Option<Vec<u8>> {
    let mut plain = Vec::new();
    if name.ends_with(".gz") {
        GzDecoder::new(bytes).take(MAX_BYTES).read_to_end(&mut plain).ok()?;
    } else if name.ends_with(".br") {
        brotli::Decompressor::new(bytes, 4_096).take(MAX_BYTES).read_to_end(&mut plain).ok()?;
    } else {
        return None;
    }
    Some(plain)
}

/// The whole file or none, and never over another that came meanwhile.
fn write(directory: &Path, path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = NamedTempFile::with_prefix_in(".static-", directory)?;
    file.write_all(bytes)?;
    file.as_file().set_permissions(Permissions::from_mode(MODE))?;
    file.as_file().sync_all()?;
    file.persist_noclobber(path).map(drop).map_err(|error| error.error)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files(bytes: &[u8]) -> Vec<(String, &[u8])> {
        vec![("shop-1.css".to_owned(), bytes), ("shop-2.js".to_owned(), b"let a;")]
    }

    fn names(directory: &Path) -> Vec<String> {
        let mut names: Vec<String> =
            fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn what_is_there_stays_and_what_is_missing_is_written() {
        let top = tempfile::tempdir().unwrap();
        let directory = top.path().join("a/static");
        assert_eq!(export(&directory, &files(b"a{}")).unwrap(), ["shop-1.css", "shop-2.js"]);
        assert_eq!(fs::metadata(directory.join("shop-1.css")).unwrap().permissions().mode() & 0o777, MODE);
        fs::write(directory.join("shop-0.css"), "of an earlier version").unwrap();
        fs::remove_file(directory.join("shop-2.js")).unwrap();
        assert_eq!(export(&directory, &files(b"a{}")).unwrap(), ["shop-2.js"]);
        assert_eq!(names(&directory), ["shop-0.css", "shop-1.css", "shop-2.js"]);
    }

    #[test]
    fn another_s_file_is_left_alone_and_nothing_is_written_beside_it() {
        let top = tempfile::tempdir().unwrap();
        fs::write(top.path().join("shop-2.js"), "of somebody else").unwrap();
        let refused = export(top.path(), &files(b"a{}")).unwrap_err().to_string();
        assert!(refused.contains("shop-2.js is there with other content"), "{refused}");
        assert_eq!(names(top.path()), ["shop-2.js"]);
        assert_eq!(fs::read_to_string(top.path().join("shop-2.js")).unwrap(), "of somebody else");
        fs::remove_file(top.path().join("shop-2.js")).unwrap();
        fs::create_dir(top.path().join("shop-1.css")).unwrap();
        assert!(export(top.path(), &files(b"a{}")).is_err(), "a directory is no file of ours");
    }

    #[test]
    fn the_same_content_compressed_in_another_way_is_ours() {
        fn named(bytes: &[u8]) -> Vec<(String, &[u8])> {
            vec![("shop-1.css.gz".to_owned(), bytes)]
        }
        let forms = |effort| {
            let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::new(effort));
            encoder.write_all(&b"body { margin: 0 } ".repeat(90)).unwrap();
            encoder.finish().unwrap()
        };
        let (best, none) = (forms(9), forms(0));
        assert_ne!(best, none);
        let top = tempfile::tempdir().unwrap();
        assert_eq!(export(top.path(), &named(&none)).unwrap().len(), 1);
        assert_eq!(export(top.path(), &named(&best)).unwrap().len(), 0);
        fs::write(top.path().join("shop-1.css.gz"), &none[..20]).unwrap();
        assert!(export(top.path(), &named(&best)).is_err(), "it is cut off");
    }
}
