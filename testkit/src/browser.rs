//! A real browser that a test drives: Debian's Chromium by its chromedriver, over the protocol of the W3C (WebDriver).
//!
//! Each browser is a fresh visitor: its own profile, no cookies, no cache.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use fantoccini::wd::WebDriverCompatibleCommand;
use fantoccini::{Client, ClientBuilder};
use hyper_util::client::legacy::connect::HttpConnector;
use nix::sys::signal::Signal;
use serde_json::{Map, Value, json};
use url::{ParseError, Url};

use crate::ports::free_port;
use crate::prerequisites::{cache, missing, require};
use crate::process::{self, Directory, Service};

const START_BOUND: Duration = Duration::from_secs(60);

/// How long a page may take to load, and a script to run; also how long an element is waited for.
const PAGE_BOUND: Duration = Duration::from_secs(60);

/// How often other ports are tried when the one chosen was taken meanwhile.
const PORTS_TRIED: usize = 5;

/// The rules of axe-core that a page is held to: WCAG 2.2, levels A and AA, and what axe calls best practices.
const AXE: &str = "const done = arguments[arguments.length - 1];
    axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] }).then(
      (found) => done(found.violations.map((rule) =>
        rule.id + ': ' + rule.help + ': ' + rule.nodes.map((node) => node.html + ' (' + node.failureSummary + ')').join(' | '))),
      (error) => done(['axe-core failed: ' + error]));";

/// How a visitor looks at pages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Looks {
    /// The window's width and height in CSS pixels.
    pub size: (u32, u32),
    /// Whether the system is in dark mode.
    pub dark: bool,
    /// Whether pages may run scripts.
    pub scripts: bool,
    /// What goes into `Accept-Language`, such as `ko-KR,ko`.
    pub languages: String,
}

impl Looks {
    /// On a desk: 1280 pixels wide, light, with scripts, in English.
    pub fn desk() -> Self {
        Self { size: (1280, 900), dark: false, scripts: true, languages: "en-US,en".to_owned() }
    }

    /// On a phone: 390 pixels wide.
    pub fn phone() -> Self {
        Self { size: (390, 844), ..Self::desk() }
    }
}

/// A running browser with one window.
#[derive(Debug)]
pub struct Browser {
    client: Client,
    // Dropped in this order: the driver first, which takes Chromium along, then their directory.
    _driver: Service,
    _directory: Directory,
}

impl Browser {
    /// Opens one.
    ///
    /// # Panics
    /// When it can't be started; with its log, or with what to install.
    pub async fn open(looks: &Looks) -> Self {
        let chromium = require("chromium", "chromium");
        let directory = Directory::new("browser", None);
        let (driver, address) = start_driver(&directory);
        let client = ClientBuilder::new(HttpConnector::new())
            .capabilities(capabilities(&chromium, &directory, looks))
            .connect(&format!("http://{address}"))
            .await
            .unwrap_or_else(|error| panic!("chromium can't be started: {error}\n{}", driver.log_tail()));
        let browser = Self { client, _driver: driver, _directory: directory };
        browser.look(looks).await;
        browser
    }

    /// The window, as fantoccini drives it.
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// Opens a page and waits until it is loaded.
    pub async fn goto(&self, url: &str) {
        self.client.goto(url).await.unwrap_or_else(|error| panic!("{url}: {error}"));
    }

    /// Looks at the pages from now on in this way; the languages stay.
    pub async fn look(&self, looks: &Looks) {
        let (width, height) = looks.size;
        let metrics = json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": false });
        self.tell("Emulation.setDeviceMetricsOverride", metrics).await;
        let scheme = if looks.dark { "dark" } else { "light" };
        let features = json!([
            { "name": "prefers-color-scheme", "value": scheme },
            { "name": "prefers-reduced-motion", "value": "reduce" },
        ]);
        self.tell("Emulation.setEmulatedMedia", json!({ "features": features })).await;
        self.tell("Emulation.setScriptExecutionDisabled", json!({ "value": !looks.scripts })).await;
    }

    /// What axe-core finds wrong with the page that is shown, a line each.
    ///
    /// # Panics
    /// When axe-core is not installed, or can't run.
    pub async fn axe(&self) -> Vec<String> {
        let source = fs::read_to_string(axe_core()).expect("axe-core can be read");
        // The page's own policy forbids foreign scripts; the driver's are not the page's.
        self.client.execute(&source, Vec::new()).await.expect("axe-core can be brought into the page");
        let found = self.client.execute_async(AXE, Vec::new()).await.expect("axe-core runs");
        found.as_array().expect("a list").iter().map(|line| line.as_str().unwrap_or_default().to_owned()).collect()
    }

    /// A picture of the whole page that is shown, as PNG.
    pub async fn picture(&self, file: &Path) {
        let shot = self.tell("Page.captureScreenshot", json!({ "captureBeyondViewport": true })).await;
        let png = STANDARD.decode(shot["data"].as_str().expect("a picture")).expect("base64");
        fs::write(file, png).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    }

    /// Says something in Chromium's own protocol, for what WebDriver has no words for.
    pub async fn tell(&self, command: &str, parameters: Value) -> Value {
        let said = Chromium { command: command.to_owned(), parameters };
        self.client.issue_cmd(said).await.unwrap_or_else(|error| panic!("{command}: {error}"))
    }

    /// Ends it in order. One that is dropped ends too, at once.
    pub async fn close(self) {
        self.client.clone().close().await.expect("the browser can be closed");
    }
}

fn start_driver(directory: &Directory) -> (Service, SocketAddr) {
    let program = require("chromedriver", "chromium-driver");
    for _ in 0..PORTS_TRIED {
        let port = free_port();
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let mut command = process::command(&program, Signal::SIGKILL, None);
        command.arg(format!("--port={port}")).env("HOME", directory.path()).env("TMPDIR", directory.path());
        let mut driver = Service::spawn("chromedriver", command, directory.join("driver.log"));
        if driver.wait_until(START_BOUND, || TcpStream::connect(address).is_ok()) {
            return (driver, address);
        }
        let log = driver.log_tail();
        assert!(log.contains("in use"), "chromedriver ended at its start; its log ends:\n{log}");
    }
    panic!("chromedriver found one of its ports taken {PORTS_TRIED} times, one after the other")
}

fn capabilities(chromium: &Path, directory: &Directory, looks: &Looks) -> Map<String, Value> {
    let mut arguments = vec![
        "--headless=new".to_owned(),
        // By a pipe and not a port: so it ends when its driver does, however that ends.
        "--remote-debugging-pipe".to_owned(),
        format!("--user-data-dir={}", directory.join("profile").display()),
        // It is to talk to nobody but the server under test.
        "--disable-background-networking".to_owned(),
        "--disable-component-update".to_owned(),
        "--disable-sync".to_owned(),
        "--no-first-run".to_owned(),
        // Containers have a small /dev/shm.
        "--disable-dev-shm-usage".to_owned(),
        "--disable-gpu".to_owned(),
        "--hide-scrollbars".to_owned(),
    ];
    if process::is_root() {
        // As root its sandbox does not start; it opens nothing but our own pages.
        arguments.push("--no-sandbox".to_owned());
    }
    let preferences = json!({ "intl.accept_languages": looks.languages });
    let bound_ms = u64::try_from(PAGE_BOUND.as_millis()).unwrap_or(u64::MAX);
    let asked = json!({
        "browserName": "chrome",
        "goog:chromeOptions": { "binary": chromium, "args": arguments, "prefs": preferences },
        "timeouts": { "pageLoad": bound_ms, "script": bound_ms },
    });
    asked.as_object().cloned().unwrap_or_default()
}

/// The script that looks for what keeps people from using a page.
fn axe_core() -> PathBuf {
    let file = cache().join("npm/node_modules/axe-core/axe.min.js");
    if !file.is_file() {
        missing("axe-core with the version of testkit/browser/package.json", "npm; axe-core itself from npm");
    }
    file
}

/// A command of Chromium's own protocol, by way of its driver.
#[derive(Debug)]
struct Chromium {
    command: String,
    parameters: Value,
}

impl WebDriverCompatibleCommand for Chromium {
    fn endpoint(&self, base: &Url, session: Option<&str>) -> Result<Url, ParseError> {
        base.join(&format!("session/{}/goog/cdp/execute", session.unwrap_or_default()))
    }

    fn method_and_body(&self, _: &Url) -> (http::Method, Option<String>) {
        let body = json!({ "cmd": self.command, "params": self.parameters });
        (http::Method::POST, Some(body.to_string()))
    }
}
