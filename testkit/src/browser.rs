//! A real browser that a test drives: Debian's Chromium by its chromedriver, over the protocol of the W3C (WebDriver).
//!
//! Each browser is a fresh visitor: its own profile, no cookies, no cache.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use nix::sys::signal::Signal;
use serde_json::{Value, json};
use thirtyfour::common::capabilities::chromium::ChromiumLikeCapabilities;
use thirtyfour::{ChromeCapabilities, DesiredCapabilities, TypingData, WebDriver, WindowHandle};

pub use thirtyfour::Key;

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
    // Dropped in this order: the session, the driver, which takes Chromium along, their directory.
    driver: WebDriver,
    _service: Service,
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
        let (service, address) = start_driver(&directory);
        let capabilities = capabilities(&chromium, &directory, looks);
        let driver = WebDriver::new(format!("http://{address}"), capabilities).await;
        let driver =
            driver.unwrap_or_else(|error| panic!("chromium can't be started: {error}\n{}", service.log_tail()));
        driver.set_page_load_timeout(PAGE_BOUND).await.expect("the driver takes a bound");
        driver.set_script_timeout(PAGE_BOUND).await.expect("the driver takes a bound");
        let browser = Self { driver, _service: service, _directory: directory };
        browser.look(looks).await;
        browser
    }

    /// The window, as thirtyfour drives it: `driver().query(By::Css("h1")).first()` waits for what is not there yet.
    pub fn driver(&self) -> &WebDriver {
        &self.driver
    }

    /// Opens a page and waits until it is loaded.
    pub async fn goto(&self, url: &str) {
        self.driver.goto(url).await.unwrap_or_else(|error| panic!("{url}: {error}"));
    }

    /// What a script that is run within the page returns.
    pub async fn run(&self, script: &str) -> Value {
        let returned = self.driver.execute(script.to_owned(), Vec::<Value>::new()).await;
        returned.unwrap_or_else(|error| panic!("{script}: {error}")).json().clone()
    }

    /// Presses keys one after the other, wherever the focus is: as a person does who has no mouse.
    pub async fn keys(&self, keys: impl Into<TypingData>) {
        self.driver.action_chain().send_keys(keys).perform().await.expect("keys can be pressed");
    }

    /// Opens one more tab, which has the same cookies, and goes to it.
    pub async fn open_tab(&self, looks: &Looks) -> WindowHandle {
        let tab = self.driver.new_tab().await.expect("a tab can be opened");
        self.go_to_tab(&tab).await;
        self.look(looks).await;
        tab
    }

    /// The tab that is driven.
    pub async fn tab(&self) -> WindowHandle {
        self.driver.window().await.expect("there is a tab")
    }

    /// Drives another tab from now on.
    pub async fn go_to_tab(&self, tab: &WindowHandle) {
        self.driver.switch_to_window(tab.clone()).await.expect("the tab is open");
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
        self.run(&source).await;
        let found = self.driver.execute_async(AXE, Vec::<Value>::new()).await.expect("axe-core runs");
        found
            .json()
            .as_array()
            .expect("a list")
            .iter()
            .map(|line| line.as_str().unwrap_or_default().to_owned())
            .collect()
    }

    /// A picture of the whole page that is shown, as PNG.
    pub async fn picture(&self, file: &Path) {
        let shot = self.tell("Page.captureScreenshot", json!({ "captureBeyondViewport": true })).await;
        let png = STANDARD.decode(shot["data"].as_str().expect("a picture")).expect("base64");
        fs::write(file, png).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    }

    /// Says something in Chromium's own protocol, for what WebDriver has no words for.
    pub async fn tell(&self, command: &str, parameters: Value) -> Value {
        let answered = self.driver.cdp().send_raw(command, parameters).await;
        answered.unwrap_or_else(|error| panic!("{command}: {error}"))
    }

    /// Ends it in order. One that is dropped ends too, at once.
    pub async fn close(self) {
        self.driver.quit().await.expect("the browser can be closed");
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

fn capabilities(chromium: &Path, directory: &Directory, looks: &Looks) -> ChromeCapabilities {
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
    let mut capabilities = DesiredCapabilities::chrome();
    let binary = chromium.to_str().expect("chromium's path is Unicode");
    let preferences = json!({ "intl.accept_languages": looks.languages });
    capabilities.set_binary(binary).expect("a capability");
    capabilities.add_experimental_option("prefs", preferences).expect("a capability");
    for argument in &arguments {
        capabilities.add_arg(argument).expect("a capability");
    }
    capabilities
}

/// The script that looks for what keeps people from using a page.
fn axe_core() -> PathBuf {
    let file = cache().join("npm/node_modules/axe-core/axe.min.js");
    if !file.is_file() {
        missing("axe-core with the version of testkit/browser/package.json", "npm; axe-core itself from npm");
    }
    file
}
