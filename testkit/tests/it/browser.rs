//! The browser shows what a server answers, as it is told to look.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener};
use std::thread;

use testkit::browser::{Browser, Looks};

const PAGE: &str = "<!doctype html><html lang=en><title>Tea</title><main><h1>Tea</h1><p id=language></p></main>
    <script>document.querySelector('#language').textContent = navigator.language</script></html>";

const LANGUAGE: &str = "return document.querySelector('#language').textContent";

/// Answers every request with the page, until the test's process ends.
fn serve(page: &'static str) -> String {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let _ = stream.read(&mut [0; 4096]);
            let head = "HTTP/1.1 200 OK\r\ncontent-type: text/html\r\nconnection: close";
            let _ = write!(stream, "{head}\r\ncontent-length: {}\r\n\r\n{page}", page.len());
        }
    });
    format!("http://{address}/")
}

#[tokio::test]
async fn a_browser_looks_as_it_is_told() {
    let url = serve(PAGE);
    let looks = Looks { dark: true, languages: "ko-KR,ko".to_owned(), ..Looks::phone() };
    let browser = Browser::open(&looks).await;
    browser.goto(&url).await;
    assert_eq!(browser.run(LANGUAGE).await, "ko-KR");
    let seen = "return [innerWidth, matchMedia('(prefers-color-scheme: dark)').matches]";
    assert_eq!(browser.run(seen).await, serde_json::json!([390, true]));
    browser.look(&Looks { scripts: false, ..looks }).await;
    browser.goto(&url).await;
    assert_eq!(browser.run(LANGUAGE).await, "", "no script has run");
    browser.close().await;
}

#[tokio::test]
async fn axe_finds_what_keeps_people_out() {
    let browser = Browser::open(&Looks::desk()).await;
    browser.goto(&serve(PAGE)).await;
    assert_eq!(browser.axe().await, Vec::<String>::new());
    browser
        .goto(&serve("<!doctype html><html><title>Tea</title><main><h1>Tea</h1><img src=tea.png></main></html>"))
        .await;
    let found = browser.axe().await.join("\n");
    assert!(found.contains("html-has-lang") && found.contains("image-alt"), "{found}");
    browser.close().await;
}
