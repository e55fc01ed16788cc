//! A copy of the repository as a clone would have it, in which cargo works with what is built already.

use std::collections::BTreeSet;
use std::env;
use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use testkit::Launch;
use testkit::eventually;
use testkit::program::Finished;

use super::how_to::Files;

/// How long cargo may take: a cold build on a machine that has other work.
const CARGO_BOUND: Duration = Duration::from_secs(1800);

/// What is in the working directory but not of the repository.
const NOT_OURS: [&str; 3] = [".git", "target", "data"];

/// The repository's files as they are now, committed or not.
pub fn files_of(root: &Path) -> Files {
    let names = list_by_git(root).unwrap_or_else(|| walk(root));
    // A file that is deleted and not committed yet is listed still.
    let present = names.into_iter().filter(|name| root.join(name).is_file());
    present.map(|name| (name.clone(), fs::read(root.join(&name)).expect("a file"))).collect()
}

/// Tracked files, and those that are new and not ignored; `None` where this is no working directory of git's.
pub fn list_by_git(root: &Path) -> Option<BTreeSet<String>> {
    let mut git = Command::new("git");
    git.arg("-C").arg(root).args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"]);
    let listed = git.output().ok().filter(|output| output.status.success())?;
    let names = String::from_utf8(listed.stdout).expect("paths in UTF-8");
    Some(names.split_terminator('\0').map(str::to_owned).collect())
}

/// All files below `root`, by their paths from there.
pub fn walk(root: &Path) -> BTreeSet<String> {
    let (mut names, mut folders) = (BTreeSet::new(), vec![root.to_owned()]);
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display())) {
            let path = entry.expect("an entry").path();
            let name = path.strip_prefix(root).expect("below the root").to_str().expect("a path in UTF-8").to_owned();
            if NOT_OURS.contains(&name.as_str()) {
                continue;
            }
            if path.is_dir() {
                folders.push(path);
            } else {
                names.insert(name);
            }
        }
    }
    names
}

/// Gives the workspace's packages a version that they have nowhere else.
///
/// Cargo tells what it has built from such packages by name, version and path *within* the workspace. So what it builds
/// from a copy would take the place of what it built from the original in the directory that both share, and pass for
/// it.
pub fn give_another_version(files: &mut Files) {
    const VERSION: &str = "version = \"0.0.0-copy\"";
    let (manifest, lock) = (text(files, "Cargo.toml"), text(files, "Cargo.lock"));
    let (before, after) = manifest.split_once("[workspace.package]\n").expect("what all packages have in common");
    let version = after.lines().find(|line| line.starts_with("version = ")).expect("their version");
    let manifest = format!("{before}[workspace.package]\n{}", after.replacen(version, VERSION, 1));
    // What comes from elsewhere says where from.
    let of_ours = |package: &str| !package.contains("\nsource = ");
    let packages = lock.split("[[package]]\n").map(|package| {
        if of_ours(package) {
            package.replace(&format!("\n{version}\n"), &format!("\n{VERSION}\n"))
        } else {
            package.to_owned()
        }
    });
    let lock = packages.collect::<Vec<_>>().join("[[package]]\n");
    files.insert("Cargo.toml".to_owned(), manifest.into_bytes());
    files.insert("Cargo.lock".to_owned(), lock.into_bytes());
}

fn text(files: &Files, name: &str) -> String {
    String::from_utf8(files[name].clone()).expect("a text")
}

/// A directory that holds some files and nothing else. Other test processes wait until this one has done with it.
pub struct CleanCopy {
    directory: PathBuf,
    target: PathBuf,
    _lock: File,
}

impl CleanCopy {
    /// What an earlier run left is kept where it is the same, so that cargo builds no more than what has changed.
    pub fn of(name: &str, files: &Files) -> Self {
        let target = target_directory();
        let directory = target.join("testkit").join(name);
        fs::create_dir_all(&directory).expect("a directory for the copy");
        let lock = File::create(directory.with_extension("lock")).expect("a file to lock");
        lock.lock().expect("the copy can be locked");
        for stray in walk(&directory).into_iter().filter(|name| !files.contains_key(name)) {
            fs::remove_file(directory.join(stray)).expect("a file can be removed");
        }
        for (name, content) in files {
            let path = directory.join(name);
            if fs::read(&path).is_ok_and(|found| found == *content) {
                continue;
            }
            fs::create_dir_all(path.parent().expect("a folder")).expect("a folder can be made");
            fs::write(&path, content).expect("a file can be written");
        }
        Self { directory, target, _lock: lock }
    }

    /// Where what is built lies.
    pub fn target(&self) -> &Path {
        &self.target
    }

    /// # Panics
    /// When one of these files is not as rustfmt writes it.
    pub async fn is_formatted(&self, files: impl Iterator<Item = &str>) {
        let list = ["fmt", "--all", "--check", "--", "--files-with-diff"].map(str::to_owned);
        let listed = self.cargo(&list).await;
        let wrong: Vec<&str> = files.filter(|file| listed.stdout.lines().any(|line| line.ends_with(file))).collect();
        assert!(wrong.is_empty(), "rustfmt would write these another way: {wrong:?}");
        assert!(listed.stderr.is_empty(), "{}", listed.stderr);
    }

    /// Runs cargo in it. While tests run, the cargo that runs them holds no lock on what is built.
    pub async fn cargo(&self, arguments: &[String]) -> Finished {
        self.run(Launch::of(cargo()).args(arguments)).await
    }

    /// The same for what takes long: it gives way to the tests that run beside it, and have bounds.
    pub async fn cargo_patiently(&self, arguments: &[String]) -> Finished {
        self.run(Launch::of("nice").arg(cargo()).args(arguments)).await
    }

    async fn run(&self, launch: Launch) -> Finished {
        let ours = env::vars_os().filter(|(name, _)| !is_about_this_package(name));
        let launch = launch.envs(ours).env("CARGO_TARGET_DIR", &self.target);
        let mut cargo = launch.in_directory(&self.directory).spawn();
        eventually("cargo ends", CARGO_BOUND, async || cargo.has_ended()).await;
        let status = cargo.wait().await;
        Finished { status, stdout: cargo.stdout(), stderr: cargo.stderr() }
    }
}

fn cargo() -> OsString {
    env::var_os("CARGO").unwrap_or_else(|| "cargo".into())
}

/// What cargo tells a test about its package. All else (compilers, flags, directories) counts for the copy as well.
fn is_about_this_package(variable: &OsStr) -> bool {
    let about =
        ["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_BIN_", "CARGO_CRATE_", "CARGO_PRIMARY_", "CARGO_TARGET_TMPDIR"];
    variable.to_str().is_some_and(|name| about.iter().any(|prefix| name.starts_with(prefix)))
}

/// The test's executable is in `<target>/<profile>/deps`.
fn target_directory() -> PathBuf {
    let test = env::current_exe().expect("a process knows its executable");
    test.ancestors().nth(3).expect("a target directory").to_owned()
}
