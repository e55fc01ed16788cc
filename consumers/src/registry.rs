//! The registry of consumers: the macro behind the list in `lib.rs`, where adding one is one line.

use crate::consumer::{Consumer, FromEvent};
use crate::ledger::groups::Declared;
use crate::verify::Watched;
use domain::Event;
use uuid::Uuid;

/// Declares the consumers' modules, lists their names, and knows how to run one by its name.
macro_rules! registry {
    ($($module:ident :: $consumer:ident),+ $(,)?) => {
        $(pub mod $module;)+

        /// The names of all consumers.
        pub const NAMES: &[&str] = &[$(<$module::$consumer as Consumer>::NAME),+];

        /// The types of events that consumers want, each once.
        pub fn wanted_types() -> std::collections::BTreeSet<&'static str> {
            [$(<$module::$consumer as Consumer>::WANTS.all()),+].into_iter().flatten().copied().collect()
        }

        /// All consumers as they declare themselves.
        pub(crate) fn declared() -> Vec<ledger::groups::Declared> {
            vec![$(registry::declare::<$module::$consumer>()),+]
        }

        /// All consumers, as far as it can be told which effects they should have had.
        pub(crate) fn watched() -> Vec<verify::Watched> {
            vec![$(registry::watch($module::$consumer)),+]
        }

        /// Runs the consumer whose status it is.
        pub(crate) async fn run_registered(
            services: Services,
            status: tokio::sync::watch::Sender<ReaderStatus>,
        ) -> Result<(), RunError> {
            let name = status.borrow().name;
            match name {
                $(<$module::$consumer as Consumer>::NAME => {
                    run_consumer($module::$consumer, services, status).await
                })+
                _ => Err(RunError::NoSuchConsumer { name: name.to_owned(), known: NAMES.join(", ") }),
            }
        }
    };
}

pub(crate) fn declare<C: Consumer>() -> Declared {
    Declared { name: C::NAME, start: C::START, kinds: C::WANTS.kinds() }
}

pub(crate) fn watch<C: Consumer>(consumer: C) -> Watched {
    let recipient = move |event: Event| {
        let subject = C::Event::from_event(event).and_then(|event| consumer.recipient(&event));
        subject.map_or(Uuid::nil(), |subject| subject.0)
    };
    Watched { declared: declare::<C>(), types: C::WANTS.all(), recipient: Box::new(recipient) }
}
