//! Which Kafka is to be checked.

use crate::roles::Database;
use crate::settings::KafkaArgs;
use consumers::KafkaSettings;

/// Which Kafka is to be checked.
pub(in crate::cli) enum Kafka {
    /// A configured one, or the one inside a running system.
    There(KafkaSettings),
    /// The system whose data these are does not run, and the broker that lives inside it holds nothing.
    Ended(KafkaSettings),
    /// It can't be told which it is, for the reason given.
    Unknown(KafkaSettings, String),
}

impl Kafka {
    /// How its topics are called, and how many partitions they have.
    pub(in crate::cli) fn names(&self) -> &KafkaSettings {
        match self {
            Self::There(settings) | Self::Ended(settings) | Self::Unknown(settings, _) => settings,
        }
    }

    /// The configured one, else that of the system that runs on the data directory.
    pub(in crate::cli) fn of(configured: Option<KafkaSettings>, args: &KafkaArgs, database: &Database) -> Self {
        if let Some(settings) = configured {
            return Self::There(settings);
        }
        // By these names alone, where there is nobody to ask.
        let names = KafkaSettings {
            partitions: args.kafka_partitions,
            prefix: args.kafka_prefix.clone().unwrap_or_default(),
            ..KafkaSettings::new("")
        };
        let rest = "set KAFKA_BROKERS as it has it, or leave Kafka out by `--only log,views,mails`";
        match (database.neighbour(), database.private()) {
            (Some(system), _) => match &system.kafka {
                Some(kafka) => Self::There(kafka.settings()),
                None => {
                    let pid = system.pid;
                    Self::Unknown(names, format!("the system that runs (process {pid}) has a Kafka of yours: {rest}"))
                }
            },
            (None, Some(_)) => Self::Ended(names),
            (None, None) => Self::Unknown(
                names,
                format!("no Kafka is configured, and whose this database is can't be told: {rest}"),
            ),
        }
    }
}
