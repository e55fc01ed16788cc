//! Every kind of fault that an answer can tell of: its stable code, its status, its title.

use http::StatusCode;

/// Declares the codes: `Variant = status, "code", "title";`.
macro_rules! codes {
    ($($(#[$doc:meta])* $variant:ident = $status:ident, $code:literal, $title:literal;)+) => {
        /// The kinds of faults. Codes are for programs and never change; titles are for people and may.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Code {
            $($(#[$doc])* $variant,)+
        }

        impl Code {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// What programs tell it by.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $code,)+ }
            }

            /// HTTP's status code.
            pub const fn status(self) -> StatusCode {
                match self { $(Self::$variant => StatusCode::$status,)+ }
            }

            /// What it is called.
            pub const fn title(self) -> &'static str {
                match self { $(Self::$variant => $title,)+ }
            }
        }
    };
}

codes! {
    /// The body is no JSON; `detail` says where it stops being one.
    MalformedJson = BAD_REQUEST, "malformed_json", "The body is not JSON";
    /// The body was cut off, or is chunked wrongly.
    IncompleteBody = BAD_REQUEST, "incomplete_body", "The body could not be read to its end";
    /// A query parameter is unknown, doubled or not of its form.
    InvalidQuery = BAD_REQUEST, "invalid_query", "The query is not understood";
    /// A header is not of its form.
    InvalidHeader = BAD_REQUEST, "invalid_header", "A header is not understood";
    /// A cursor that this list, with these filters, never gave.
    InvalidCursor = BAD_REQUEST, "invalid_cursor", "The cursor does not belong to this list";
    /// A position that the log has not reached.
    PositionBeyondHead = BAD_REQUEST, "position_beyond_head", "The log has not reached this position";
    /// A time of which it is not known yet what will have been recorded by then.
    TimeNotPassed = BAD_REQUEST, "time_not_passed", "This time has not passed yet";
    /// A request that must not be carried out twice came without a key.
    IdempotencyKeyRequired = BAD_REQUEST, "idempotency_key_required", "This request needs an Idempotency-Key";

    /// What came by webhook is not signed by whom it should be.
    NotGenuine = BAD_REQUEST, "not_genuine", "The signature is not the sender's";

    /// No API key, or none that is valid.
    Unauthenticated = UNAUTHORIZED, "unauthenticated", "A valid API key is needed";
    /// The key is valid, but not for this.
    Forbidden = FORBIDDEN, "forbidden", "The API key does not allow this";

    /// No such path.
    NotFound = NOT_FOUND, "not_found", "There is nothing here";
    /// No such order.
    OrderNotFound = NOT_FOUND, "order_not_found", "There is no such order";
    /// No such product.
    ProductNotFound = NOT_FOUND, "product_not_found", "There is no such product";
    /// No such category.
    CategoryNotFound = NOT_FOUND, "category_not_found", "There is no such category";
    /// No such cart.
    CartNotFound = NOT_FOUND, "cart_not_found", "There is no such cart";
    /// The cart has no line of this product.
    NotInCart = NOT_FOUND, "not_in_cart", "The product is not in the cart";
    /// No issue of the newsletter has this id.
    NewsletterNotFound = NOT_FOUND, "newsletter_not_found", "There is no such issue of the newsletter";
    /// No projection has this name.
    ProjectionNotFound = NOT_FOUND, "projection_not_found", "There is no such projection";
    /// The projection has no such build.
    BuildNotFound = NOT_FOUND, "build_not_found", "There is no such build";
    /// No effect of a consumer has this number, or it does not need a person.
    ItemNotFound = NOT_FOUND, "item_not_found", "There is no such item";
    /// No job of the schedule has this number, or it is in no state for what is asked.
    JobNotFound = NOT_FOUND, "job_not_found", "There is no such job for that";
    /// No consumer has this name.
    ConsumerNotFound = NOT_FOUND, "consumer_not_found", "There is no such consumer";
    /// The path does not know the method; `Allow` says which it knows.
    MethodNotAllowed = METHOD_NOT_ALLOWED, "method_not_allowed", "This path does not know the method";
    /// The answer's media type is not among those that the client takes.
    NotAcceptable = NOT_ACCEPTABLE, "not_acceptable", "The answer is not to be had in an accepted media type";
    /// The body took too long.
    RequestTimeout = REQUEST_TIMEOUT, "request_timeout", "The body did not arrive in time";

    /// The total is no longer the one that the customer saw.
    TotalChanged = CONFLICT, "total_changed", "The total has changed";
    /// An order with this id was placed.
    OrderExists = CONFLICT, "order_exists", "The order exists already";
    /// A payment was recorded, so the lines stand.
    PaymentRecorded = CONFLICT, "payment_recorded", "A payment was recorded: the lines stand";
    /// The order is paid.
    AlreadyPaid = CONFLICT, "already_paid", "The order is paid";
    /// A payment of another amount has this reference.
    ReferenceReused = CONFLICT, "reference_reused", "The payment reference stands for another amount";
    /// A product with this sku exists.
    ProductExists = CONFLICT, "product_exists", "The product exists already";
    /// A category with this slug exists.
    CategoryExists = CONFLICT, "category_exists", "The category exists already";
    /// An issue of the newsletter with this id exists.
    NewsletterExists = CONFLICT, "newsletter_exists", "The issue of the newsletter exists already";
    /// The issue of the newsletter has gone out: it stays as it is.
    NewsletterReleased = CONFLICT, "newsletter_released", "The issue of the newsletter was released";
    /// The release of the issue is scheduled: `orders schedule` shows it, and cancels it.
    NewsletterScheduled = CONFLICT, "newsletter_scheduled", "The release of the issue is scheduled already";
    /// The effect does not need a person any more: somebody has decided, or it is done. Or it waits, and was to be
    /// discarded.
    NotParked = CONFLICT, "not_parked", "The item is not parked any more";
    /// What would be decided on is not as many as was confirmed.
    CountChanged = CONFLICT, "count_changed", "It is another number by now";
    /// The consumer was never started, or not since the program was upgraded.
    ConsumerNotStarted = CONFLICT, "consumer_not_started", "The consumer was not started yet";
    /// The first request with this key is still being worked on.
    RequestInFlight = CONFLICT, "request_in_flight", "The first request with this key is not done yet";

    /// Another build of the projection is read than the client says.
    OtherActiveBuild = CONFLICT, "other_active_build", "Another build is read";
    /// The build can't be compared, or be read, as it is.
    BuildUnfit = CONFLICT, "build_unfit", "The build can't be used for this";

    /// `If-Match` names another version than the current one.
    VersionMismatch = PRECONDITION_FAILED, "version_mismatch", "The resource has another version";
    /// More than the most bytes.
    BodyTooLarge = PAYLOAD_TOO_LARGE, "body_too_large", "The body is too large";
    /// A body in another format.
    UnsupportedMediaType = UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type", "The body's media type is not understood";

    /// The body is JSON, but not what the request is made of; `errors` names every fault.
    InvalidBody = UNPROCESSABLE_ENTITY, "invalid_body", "The body has faults";
    /// A file that is no picture, or none that is taken; `errors` says why.
    PictureRejected = UNPROCESSABLE_ENTITY, "picture_rejected", "The picture is not taken";
    /// Some items can't be ordered; `errors` names each.
    ItemsRejected = UNPROCESSABLE_ENTITY, "items_rejected", "Some items can't be ordered";
    /// Something in the order has to be sent, and there is no address.
    AddressRequired = UNPROCESSABLE_ENTITY, "address_required", "A shipping address is needed";
    /// The payment does not fit the order.
    PaymentRejected = UNPROCESSABLE_ENTITY, "payment_rejected", "The payment does not fit the order";
    /// The payment is more than what is still to be paid.
    AboveBalance = UNPROCESSABLE_ENTITY, "above_balance", "The payment is above the balance";
    /// A sum beyond what is held exactly.
    AmountTooLarge = UNPROCESSABLE_ENTITY, "amount_too_large", "An amount is too large";
    /// A price above the highest.
    PriceTooHigh = UNPROCESSABLE_ENTITY, "price_too_high", "The price is too high";
    /// More categories of a product, or more languages of what has words, than there may be.
    TooMany = UNPROCESSABLE_ENTITY, "too_many", "There would be too many of these";
    /// The key came with another body before.
    IdempotencyKeyReused = UNPROCESSABLE_ENTITY, "idempotency_key_reused", "The Idempotency-Key was used for another request";

    /// More of the history would have to be read than one request may.
    TooMuchHistory = UNPROCESSABLE_ENTITY, "too_much_history", "This takes more of the history than one request may read";

    /// `If-Match` is missing.
    VersionRequired = PRECONDITION_REQUIRED, "version_required", "This request needs If-Match";
    /// More requests than the key may make.
    RateLimited = TOO_MANY_REQUESTS, "rate_limited", "Too many requests with this API key";

    /// A fault of this program.
    Internal = INTERNAL_SERVER_ERROR, "internal", "The program failed";
    /// The database refuses what the command would write, whenever it comes.
    NotStorable = INTERNAL_SERVER_ERROR, "not_storable", "The command can't be stored";

    /// The database is away.
    Unavailable = SERVICE_UNAVAILABLE, "unavailable", "The database is not available";
    /// An event of the resource is of a newer program than this one.
    NewerEvent = SERVICE_UNAVAILABLE, "newer_event", "A newer version of the program is needed for this";
    /// This process knows of no Kafka, and another one does.
    KafkaNotConfigured = SERVICE_UNAVAILABLE, "kafka_not_configured", "This process is not told where Kafka is";
    /// Kafka is away.
    KafkaUnavailable = SERVICE_UNAVAILABLE, "kafka_unavailable", "Kafka is not available";
    /// Whose a signature is can't be told now.
    SignatureUnchecked = SERVICE_UNAVAILABLE, "signature_unchecked", "The signature could not be checked";
    /// The disk of the data directory is full.
    StorageFull = INSUFFICIENT_STORAGE, "storage_full", "There is no room to keep it";
    /// The data directory can't be written.
    StorageUnavailable = SERVICE_UNAVAILABLE, "storage_unavailable", "It can't be kept";
    /// More requests than the program takes in.
    Overloaded = SERVICE_UNAVAILABLE, "overloaded", "Too many requests at once";
    /// Others were first, time and again.
    Contention = SERVICE_UNAVAILABLE, "contention", "Too many commands on the same resource at once";
    /// Carried out or not: nobody knows.
    OutcomeUnknown = SERVICE_UNAVAILABLE, "outcome_unknown", "It is not known whether the command was carried out";
    /// The view has not reached the position that was asked for.
    ProjectionBehind = SERVICE_UNAVAILABLE, "projection_behind", "The view has not reached this position yet";
}

impl Code {
    /// The problem type: a URI reference that is stable, and answers with what is known of the code.
    pub fn type_uri(self) -> String {
        format!("/problems/{}", self.slug())
    }

    /// The last segment of [`Code::type_uri`].
    pub fn slug(self) -> String {
        self.as_str().replace('_', "-")
    }

    /// After how many seconds a client may try again; `None` where trying again changes nothing.
    pub const fn retry_after_s(self) -> Option<u32> {
        match self {
            Self::Unavailable | Self::KafkaUnavailable | Self::SignatureUnchecked | Self::NewerEvent => Some(2),
            Self::Overloaded | Self::Contention | Self::OutcomeUnknown | Self::ProjectionBehind => Some(1),
            Self::RequestInFlight => Some(1),
            _ => None,
        }
    }
}
