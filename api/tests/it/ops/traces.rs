//! One trace from a client's request to the mail, as a real collector gets it.

use super::super::embedded_support::{BOUND, Place, printed_curl, ready};
use super::metrics::{base, scrape};
use std::time::Duration;
use testkit::otlp::{Collector, Span};
use testkit::{Launch, Program, eventually, free_port};

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const CLIENT: &str = "00f067aa0ba902b7";

/// The curl of the welcome, sent within a client's trace.
async fn order_within(program: &Program, traceparent: &str) {
    let headers = format!("curl -H 'traceparent: {traceparent}' -H 'request-id: cart/of/ada.lovelace' ");
    let curl = printed_curl(program).replacen("curl ", &headers, 1);
    let answer = Launch::of("sh").args(["-c", &curl]).run().await.succeeded();
    assert!(answer.contains("\"number\""), "{answer}");
}

async fn traced(place: &Place, arguments: &[&str], endpoint: &str) -> Program {
    let launch = place.orders(&[&["--listen", "127.0.0.1:0"][..], arguments].concat());
    ready(launch.env("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint)).await
}

/// The only span of that name in the client's trace.
fn one<'s>(spans: &'s [Span], name: &str) -> Result<&'s Span, String> {
    let mut found = spans.iter().filter(|span| span.trace_id == TRACE && span.name == name);
    match (found.next(), found.next()) {
        (Some(span), None) => Ok(span),
        (first, _) => Err(format!("`{name}`: {}", if first.is_some() { "more than one" } else { "none" })),
    }
}

#[tokio::test]
async fn one_trace_goes_from_the_client_to_the_mail() {
    let (place, collector) = (Place::new(), Collector::start().await);
    let arguments = ["--otlp-headers", "x-tenant=tea", "--log", "info,api::http=debug"];
    let mut program = traced(&place, &arguments, collector.endpoint()).await;
    scrape(&base(&program)).await;
    order_within(&program, &format!("00-{TRACE}-{CLIENT}-01")).await;
    let line = program.wait_for_line("answered status=201").await;
    assert!(line.contains(TRACE), "the log's lines bear the trace: {line}");
    let spans = eventually("the collector has the whole trace", BOUND, async || {
        let spans = collector.spans();
        for name in ["POST /v1/orders", "decide", "append", "publish", "consume", "send mail"] {
            one(&spans, name)?;
        }
        Ok::<_, String>(spans)
    })
    .await;
    let named = |name| one(&spans, name).unwrap();
    let request = named("POST /v1/orders");
    assert_eq!((request.parent_id.as_str(), request.kind, request.service.as_str()), (CLIENT, "server", "orders"));
    assert_eq!(request.attributes["http.response.status_code"], "201");
    for (name, kind) in
        [("decide", "internal"), ("append", "internal"), ("publish", "producer"), ("consume", "consumer")]
    {
        assert_eq!((named(name).parent_id.as_str(), named(name).kind), (request.span_id.as_str(), kind), "{name}");
    }
    let (consume, mail) = (named("consume"), named("send mail"));
    assert_eq!((mail.parent_id.as_str(), mail.kind), (consume.span_id.as_str(), "client"));
    assert_eq!((consume.attributes["outcome"].as_str(), mail.attributes["outcome"].as_str()), ("sent", "sent"));
    assert!(!spans.iter().any(|span| span.is_error), "{spans:?}");

    // What is done for many at once is of no one's trace: they name each other.
    for (shared, own) in [("append batch", "append"), ("relay transaction", "publish")] {
        let own = named(own);
        let shared = spans
            .iter()
            .find(|span| span.name == shared && own.links.contains(&(span.trace_id.clone(), span.span_id.clone())));
        let shared = shared.unwrap_or_else(|| panic!("{own:?} names what it was done with"));
        assert_ne!(shared.trace_id, TRACE);
        let about = if shared.name == "append batch" { &own.span_id } else { &request.span_id };
        assert!(shared.links.contains(&(TRACE.to_owned(), about.clone())), "{shared:?}");
    }
    assert!(collector.headers().iter().all(|headers| headers["x-tenant"] == "tea"));
    for watched in ["/metrics", "/readyz", "/healthz"] {
        assert!(!spans.iter().any(|span| span.name.contains(watched)), "who watches is not traced: {spans:?}");
    }
    let personal = format!("{spans:?}");
    assert!(!personal.contains("@example.com") && !personal.to_lowercase().contains("lovelace"), "{personal}");
    program.sigterm();
    assert!(program.wait().await.success(), "{}", program.output());
}

/// Asks for the newsletter on its page, within a client's trace.
async fn subscribe_within(base: &str, traceparent: &str) {
    let curl = async |arguments: &[&str]| Launch::of("curl").args(["-sSi"]).args(arguments.iter().copied()).run().await;
    let url = format!("{base}/newsletter/");
    let page = curl(&[&url]).await.succeeded();
    let cookies = page.lines().filter_map(|line| line.strip_prefix("set-cookie: ")?.split(';').next());
    let cookies = cookies.collect::<Vec<_>>().join("; ");
    let (_, csrf) = page.split_once("name=\"csrf\" value=\"").expect("a form with a token");
    let csrf = csrf.split('"').next().unwrap();
    let headers = [format!("cookie: {cookies}"), format!("origin: {base}"), format!("traceparent: {traceparent}")];
    let [cookie, origin, trace] = &headers;
    let fields = [format!("csrf={csrf}"), "email=ada@example.com".to_owned()];
    let [csrf, email] = &fields;
    let heads = ["-H", cookie, "-H", origin, "-H", trace];
    let data = ["--data-urlencode", csrf, "--data-urlencode", email, &url];
    let answer = curl(&[&heads[..], &data].concat()).await.succeeded();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
}

#[tokio::test]
async fn what_the_schedule_does_belongs_to_the_request_that_asked_for_it() {
    let (place, collector) = (Place::new(), Collector::start().await);
    let mut program = traced(&place, &[], collector.endpoint()).await;
    subscribe_within(&base(&program), &format!("00-{TRACE}-{CLIENT}-01")).await;
    let is_sweep = |span: &&Span| span.name == "job sweep";
    let spans = eventually("the collector has the mail that was put off, and the sweep", BOUND, async || {
        let spans = collector.spans();
        for name in ["POST /newsletter/", "job subscription_mail", "send mail"] {
            one(&spans, name)?;
        }
        if spans.iter().any(|span| is_sweep(&span)) { Ok(spans) } else { Err(format!("no sweep in {spans:?}")) }
    })
    .await;
    let named = |name| one(&spans, name).unwrap();
    let (request, job, mail) = (named("POST /newsletter/"), named("job subscription_mail"), named("send mail"));
    assert_eq!((job.parent_id.as_str(), job.kind), (request.span_id.as_str(), "internal"));
    assert_eq!((mail.parent_id.as_str(), mail.kind), (job.span_id.as_str(), "client"));
    for (name, value) in [("task", "subscription_mail"), ("attempt", "1"), ("outcome", "done")] {
        assert_eq!(job.attributes[name], value, "{name}");
    }
    // What nobody asked for is a trace of its own, each time.
    let sweep = spans.iter().find(is_sweep).unwrap();
    assert_eq!((sweep.parent_id.as_str(), sweep.attributes["outcome"].as_str()), ("", "done"));
    assert_ne!(sweep.trace_id, TRACE);
    assert!(!format!("{spans:?}").contains("@example.com"), "{spans:?}");
    program.sigterm();
    assert!(program.wait().await.success(), "{}", program.output());
}

#[tokio::test]
async fn a_client_decides_about_its_own_trace_and_the_share_about_ours() {
    let (place, collector) = (Place::new(), Collector::start().await);
    let mut program = traced(&place, &["--trace-share", "0"], collector.endpoint()).await;
    let unwanted = "11111111111111111111111111111111";
    order_within(&program, &format!("00-{unwanted}-{CLIENT}-00")).await;
    order_within(&program, &format!("00-{TRACE}-{CLIENT}-01")).await;
    eventually("the collector has the wanted one", BOUND, async || one(&collector.spans(), "send mail").map(|_| ()))
        .await;
    program.sigterm();
    assert!(program.wait().await.success(), "{}", program.output());
    let others: Vec<_> = collector.spans().into_iter().filter(|span| span.trace_id != TRACE).collect();
    assert_eq!(others, [], "neither the other client's nor any that began here");
}

#[tokio::test]
async fn a_collector_that_is_busy_is_asked_again() {
    let (place, collector) = (Place::new(), Collector::start().await);
    collector.refuse(503, "1");
    let mut program = traced(&place, &[], collector.endpoint()).await;
    order_within(&program, &format!("00-{TRACE}-{CLIENT}-01")).await;
    eventually("the collector has the whole trace", BOUND, async || {
        let spans = collector.spans();
        ["POST /v1/orders", "decide", "append", "publish", "consume", "send mail"]
            .into_iter()
            .try_for_each(|name| one(&spans, name).map(drop))
    })
    .await;
    assert_eq!(collector.refused(), 1);
    let text = scrape(&base(&program)).await;
    let failed = text.lines().find(|line| line.starts_with("orders_trace_spans_total{outcome=\"failed\"}"));
    assert!(failed.is_none_or(|line| line.ends_with(" 0")), "{failed:?}");
    program.sigterm();
    assert!(program.wait().await.success(), "{}", program.output());
    assert!(!program.output().contains("the collector takes no traces"), "{}", program.output());
}

#[tokio::test]
async fn a_collector_that_never_answers_holds_nobody_up() {
    let (place, collector) = (Place::new(), Collector::start().await);
    collector.hold();
    let mut program = traced(&place, &["--otlp-timeout-ms", "60000"], collector.endpoint()).await;
    for _ in 0..3 {
        order_within(&program, &format!("00-{TRACE}-{CLIENT}-01")).await;
    }
    let base = base(&program);
    eventually("the mails are sent", BOUND, async || {
        let text = scrape(&base).await;
        if text.contains("orders_mails_total{outcome=\"sent\"} 3") { Ok(()) } else { Err(text) }
    })
    .await;
    eventually("it has a request", BOUND, async || if collector.headers().is_empty() { Err("none") } else { Ok(()) })
        .await;
    program.sigterm();
    assert!(program.wait_within(BOUND).await.success(), "{}", program.output());
    let output = program.output();
    assert!(output.contains("did not take the last spans in time"), "what is lost is told: {output}");
}

#[tokio::test]
async fn a_collector_that_is_away_costs_spans_and_nothing_else() {
    let place = Place::new();
    let endpoint = format!("http://127.0.0.1:{}", free_port());
    let mut program = traced(&place, &[], &endpoint).await;
    for _ in 0..3 {
        order_within(&program, &format!("00-{TRACE}-{CLIENT}-01")).await;
    }
    program.wait_for_line("the collector takes no traces").await;
    let base = base(&program);
    eventually("the mails are sent, and the spans counted", BOUND, async || {
        let text = scrape(&base).await;
        let has = |part: &str| text.lines().any(|line| line.starts_with(part) && !line.ends_with(" 0"));
        if has("orders_mails_total{outcome=\"sent\"} 3") && has("orders_trace_spans_total{outcome=\"failed\"}") {
            Ok(())
        } else {
            Err(text)
        }
    })
    .await;
    program.sigterm();
    let status = program.wait_within(Duration::from_secs(30)).await;
    assert!(status.success(), "{}", program.output());
    let complaints = program.output().matches("the collector takes no traces").count();
    assert_eq!(complaints, 1, "it is said once a while: {}", program.output());
}
