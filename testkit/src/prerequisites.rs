//! Where the programs are that tests start, and what is said when one is missing.

use std::env;
use std::path::{Path, PathBuf};

/// The directory into which `testkit/prerequisites` puts what is no package of the system: Kafka's jars and the mail
/// server's Python packages. `TESTKIT_CACHE` moves it, for both.
pub(crate) fn cache() -> PathBuf {
    env::var_os("TESTKIT_CACHE").map_or_else(|| workspace().join("target/testkit"), PathBuf::from)
}

/// The top of the workspace.
pub(crate) fn workspace() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("testkit lies in the workspace")
}

/// The Python that has the packages of `testkit/requirements.txt`.
///
/// # Panics
/// When they are not installed.
pub fn python() -> PathBuf {
    let python = cache().join("python/bin/python3");
    if !python.is_file() {
        missing("Python with the packages of testkit/requirements.txt", "python3-venv; the packages from PyPI");
    }
    python
}

/// The schema of `AsyncAPI` 3.0, which the specification's authors publish.
///
/// # Panics
/// When it is not installed.
pub fn asyncapi_schema() -> PathBuf {
    let file = cache().join("npm/node_modules/@asyncapi/specs/schemas/3.0.0.json");
    if !file.is_file() {
        missing("@asyncapi/specs with the version of testkit/browser/package.json", "npm; the package itself from npm");
    }
    file
}

/// A program of those that use the API by its document.
///
/// # Panics
/// When it is not installed.
pub fn api_tool(name: &str) -> PathBuf {
    let tool = cache().join("api/bin").join(name);
    if !tool.is_file() {
        missing(&format!("{name} of testkit/api/requirements.txt"), "python3-venv; the packages from PyPI");
    }
    tool
}

/// Prometheus' program that checks and evaluates rules.
///
/// # Panics
/// When it is not installed.
pub fn promtool() -> PathBuf {
    let tool = cache().join("promtool/promtool");
    if tool.is_file() { tool } else { require("promtool", "prometheus") }
}

/// A file of the packages that testkit/api/viewers.txt names, such as `redoc/LICENSE`.
///
/// # Panics
/// When it is not installed.
pub fn viewer_file(path: &str) -> PathBuf {
    let file = cache().join("viewers").join(path);
    if !file.is_file() {
        missing(&format!("{path} of testkit/api/viewers.txt"), "npm; the packages from npm");
    }
    file
}

/// The first executable of that name along `PATH`.
pub(crate) fn on_path(name: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH")?;
    env::split_paths(&path).map(|directory| directory.join(name)).find(|candidate| candidate.is_file())
}

/// The executable of that name along `PATH`.
///
/// # Panics
/// Names the Debian package that brings it when it is not there.
pub(crate) fn require(name: &str, debian_package: &str) -> PathBuf {
    on_path(name).unwrap_or_else(|| missing(&format!("the program `{name}`"), debian_package))
}

/// Fails the test with what to install.
pub(crate) fn missing(what: &str, debian_package: &str) -> ! {
    panic!(
        "this test needs {what}, which is not installed: run testkit/prerequisites (it comes with Debian's {debian_package})"
    )
}
