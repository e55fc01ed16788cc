//! Settings that are texts of a form of their own: URLs, and properties of Kafka.
#![no_main]

use api::settings::{KafkaArgs, Secret, without_password};
use consumers::MailBackend;
use libfuzzer_sys::fuzz_target;

/// What must never be shown.
const PASSWORD: &str = "hunter2hunter2";

fuzz_target!(|data: &[u8]| {
    let Some((setting, text)) = fuzz::choice(data, 3) else { return };
    let Some(text) = fuzz::text(text) else { return };
    match setting {
        0 => mail_url(text),
        1 => password(text),
        _ => kafka_properties(text),
    }
});

fn mail_url(url: &str) {
    if let Ok(MailBackend::Smtp(server)) = MailBackend::parse(url, None) {
        assert!(!server.host.is_empty() && server.connections > 0);
    }
}

/// Of a URL with a password nothing shows the password: no error, no `Debug`, not what is written for people.
fn password(parts: &str) {
    let (user, rest) = parts.split_once('\n').unwrap_or((parts, "host"));
    if user.contains(['/', '?', '#', '\\', ':', '@']) {
        return;
    }
    for scheme in ["smtp", "smtps", "postgres"] {
        let url = format!("{scheme}://{user}:{PASSWORD}@{rest}");
        let parsed = MailBackend::parse(&url, None);
        let shown = match &parsed {
            Ok(backend) => format!("{backend:?}"),
            Err(error) => format!("{error} {error:?}"),
        };
        assert!(!shown.contains(PASSWORD) || rest.contains(PASSWORD), "{shown}");
        let shown = without_password(&Secret::from(url));
        assert!(!shown.contains(PASSWORD) || rest.contains(PASSWORD), "{shown}");
    }
}

/// Each line is one property, or a comment; none is lost.
fn kafka_properties(text: &str) {
    let args = KafkaArgs {
        kafka_brokers: Some(Secret::from("localhost:9092")),
        kafka_brokers_file: None,
        kafka_properties: text.split('\n').map(Secret::from).collect(),
        kafka_properties_file: None,
        kafka_partitions: 12,
        kafka_replicas: None,
        kafka_prefix: None,
    };
    let Ok(Some(settings)) = args.settings() else { return };
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    assert!(
        settings.properties.iter().map(|(name, _)| name.as_str()).eq(lines.map(|line| line
            .split('=')
            .next()
            .unwrap_or_default()
            .trim()))
    );
}
