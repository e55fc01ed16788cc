//! The consumers of this program. To add one: its file, its `mod` in `lib.rs`, and its name in the list below.

use crate::consumer::Consumer;
use crate::ledger::groups::Declared;
use crate::runner::{RunError, Services, run_consumer};
use crate::status::ReaderStatus;
use tokio::sync::watch;

/// Makes the list of consumers, and what runs one of them by its name.
macro_rules! registry {
    ($($module:ident :: $consumer:ident),+ $(,)?) => {
        /// The names of all consumers.
        pub const NAMES: &[&str] = &[$(<crate::$module::$consumer as Consumer>::NAME),+];

        /// All consumers as they declare themselves.
        pub(crate) fn declared() -> Vec<Declared> {
            vec![$(declare::<crate::$module::$consumer>()),+]
        }

        /// Runs the consumer whose status it is.
        pub(crate) async fn run_one(services: Services, status: watch::Sender<ReaderStatus>) -> Result<(), RunError> {
            let name = status.borrow().name;
            match name {
                $(<crate::$module::$consumer as Consumer>::NAME => run_consumer(crate::$module::$consumer, services, status).await,)+
                _ => Err(RunError::NoSuchConsumer { name: name.to_owned(), known: NAMES.join(", ") }),
            }
        }
    };
}

registry![order_mail::OrderMail];

pub(crate) fn declare<C: Consumer>() -> Declared {
    Declared { name: C::NAME, start: C::START, kinds: C::WANTS.kinds() }
}
