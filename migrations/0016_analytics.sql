-- What analysts read by SQL: views of the log itself, in a schema of their own.
--
-- They are derived from the events and from no read model: those live in schemas that are named anew by every build and every
-- promotion, and may be dropped. Events are for ever, so these views answer across versions, rebuilds and rollbacks.
--
-- No view shows a name, an address or a mailbox: of a customer there is the id of whose data it is, the city and the country. What an
-- event's data show is listed, member by member: what a later version brings along is not shown before it is listed here.
CREATE SCHEMA analytics;
COMMENT ON SCHEMA analytics IS
    'The history of the shop, for SQL. Derived from the log: what is committed is here at once. Read only.';

-- `recorded_at` has no index: it would be paid for by every append. It never runs backwards along `position`, which has one.
CREATE FUNCTION analytics.position_at(at timestamptz) RETURNS bigint
    LANGUAGE plpgsql STABLE PARALLEL SAFE STRICT
    -- As the owner: whoever calls it may not read the table itself.
    SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS
$$
DECLARE
    below  bigint := 0;
    above  bigint := coalesce((SELECT e.position FROM public.events AS e ORDER BY e.position DESC LIMIT 1), 0) + 1;
    middle bigint;
BEGIN
    WHILE below + 1 < above LOOP
        middle := below + (above - below) / 2;
        IF (SELECT e.recorded_at FROM public.events AS e WHERE e.position = middle) < at THEN
            below := middle;
        ELSE
            above := middle;
        END IF;
    END LOOP;
    RETURN below;
END
$$;
COMMENT ON FUNCTION analytics.position_at(timestamptz) IS
    'The position of the last event recorded before this time. `position > analytics.position_at(''2026-01-01'')` reads what was recorded since, by an index; a condition on recorded_at or occurred_at alone reads everything.';
REVOKE EXECUTE ON FUNCTION analytics.position_at(timestamptz) FROM PUBLIC;

-- What is shown of an event's data: these of its members, by its type and the version of its shape. A version's shape is frozen down to
-- the innermost member, so that nothing else can be within them; a version that is not here shows nothing before it is added. Not here are
-- customers, and what payments are called elsewhere: a reference is whatever was typed.
CREATE FUNCTION analytics.shown(type text, version text) RETURNS text[]
    LANGUAGE sql IMMUTABLE PARALLEL SAFE AS
$$
SELECT CASE type || ' ' || version
    WHEN 'ItemAdded 1' THEN '{line,total}'
    WHEN 'OrderPlaced 1' THEN '{number,lines,total}'
    WHEN 'OrderPlaced 2' THEN '{number,lines,total}'
    WHEN 'OrderPaid 1' THEN '{number,lines,total}'
    WHEN 'OrderPaid 2' THEN '{number,lines,total}'
    WHEN 'EmailCorrected 1' THEN '{number,lines,total}'
    WHEN 'PaymentRecorded 1' THEN '{amount,paid_amount}'
    WHEN 'PaymentFlagged 1' THEN '{amount,conflict}'
    WHEN 'PaymentFlagged 2' THEN '{amount,conflict}'
    WHEN 'ProductAdded 1' THEN '{sku,name,description,price}'
    WHEN 'ProductDescribed 1' THEN '{sku,name,description}'
    WHEN 'ProductRepriced 1' THEN '{sku,price,previous_price}'
    WHEN 'ProductWithdrawn 1' THEN '{sku}'
    WHEN 'ProductRestored 1' THEN '{sku}'
    WHEN 'ProductCategorized 1' THEN '{sku,categories}'
    WHEN 'ProductFeatured 1' THEN '{sku}'
    WHEN 'ProductUnfeatured 1' THEN '{sku}'
    WHEN 'ProductShippingChanged 1' THEN '{sku,requires_shipping}'
    WHEN 'ProductPictured 1' THEN '{sku,picture}'
    WHEN 'ProductTranslated 1' THEN '{sku,language,words}'
    WHEN 'CategoryAdded 1' THEN '{slug,name}'
    WHEN 'CategoryRenamed 1' THEN '{slug,name}'
    WHEN 'CategoryTranslated 1' THEN '{slug,language,name}'
    WHEN 'CategoryRemoved 1' THEN '{slug}'
    WHEN 'CategoryRestored 1' THEN '{slug}'
    WHEN 'IssueDrafted 1' THEN '{subject,text,translations}'
    WHEN 'IssueReleased 1' THEN '{subject,text,translations}'
    ELSE '{}'
END::text[]
$$;
REVOKE EXECUTE ON FUNCTION analytics.shown(text, text) FROM PUBLIC;

-- The tag of a payload is the event's type: what is inside it is `data`.
CREATE VIEW analytics.events AS
SELECT e.position,
       e.event_id,
       e.event_type AS type,
       e.event_version AS version,
       e.aggregate_type,
       e.aggregate_id,
       e.sequence,
       e.recorded_at,
       (e.metadata ->> 'occurred_at')::timestamptz AS occurred_at,
       e.metadata ->> 'actor' AS actor,
       -- The program's own are UUIDs. What a client made up may be anything, a mailbox included.
       CASE WHEN e.metadata ->> 'correlation_id' ~* '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$'
            THEN e.metadata ->> 'correlation_id' END AS correlation_id,
       (tagged.data ->> 'number')::bigint AS order_number,
       (tagged.data #>> '{customer,subject_id}')::uuid AS subject_id,
       coalesce(tagged.data #>> '{line,sku}', tagged.data ->> 'sku') AS sku,
       (tagged.data #>> '{line,quantity}')::bigint AS quantity,
       coalesce(tagged.data #>> '{line,unit_price,amount}', tagged.data #>> '{price,amount}')::numeric AS unit_price,
       (tagged.data #>> '{amount,amount}')::numeric AS amount,
       (tagged.data #>> '{total,amount}')::numeric AS total,
       coalesce(tagged.data #>> '{total,currency}', tagged.data #>> '{amount,currency}',
                tagged.data #>> '{line,unit_price,currency}', tagged.data #>> '{price,currency}') AS currency,
       (SELECT coalesce(jsonb_object_agg(member.key, member.value), '{}')
          FROM json_each(tagged.data) AS member
         WHERE member.key = ANY (analytics.shown(e.event_type, e.event_version))) AS data
  FROM public.events AS e
 CROSS JOIN LATERAL (SELECT e.payload -> e.event_type::text AS data) AS tagged;
COMMENT ON VIEW analytics.events IS 'Every event of every order, product, category and newsletter, as it was recorded.';
COMMENT ON COLUMN analytics.events.position IS '1, 2, 3, … in commit order, across everything. Indexed.';
COMMENT ON COLUMN analytics.events.event_id IS 'Its id, for ever.';
COMMENT ON COLUMN analytics.events.type IS 'What happened, such as OrderPlaced.';
COMMENT ON COLUMN analytics.events.version IS 'The version of its shape.';
COMMENT ON COLUMN analytics.events.aggregate_type IS 'order, product, category or newsletter.';
COMMENT ON COLUMN analytics.events.aggregate_id IS 'The order''s id, the product''s sku, … With aggregate_type: indexed.';
COMMENT ON COLUMN analytics.events.sequence IS 'Its place within its order or product, from 1.';
COMMENT ON COLUMN analytics.events.recorded_at IS 'When it was written down; never runs backwards along position. See analytics.position_at.';
COMMENT ON COLUMN analytics.events.occurred_at IS 'When it happened.';
COMMENT ON COLUMN analytics.events.actor IS 'Who did it: an API key, a member of staff, or the system''s own name for itself. Never a name of a person.';
COMMENT ON COLUMN analytics.events.correlation_id IS 'What all events of one request, and of what it led to, have in common; null where the client made it up, and it is no UUID.';
COMMENT ON COLUMN analytics.events.order_number IS 'The order''s short number, where the event says it.';
COMMENT ON COLUMN analytics.events.subject_id IS 'Whose order it is: a member, or a guest for one order.';
COMMENT ON COLUMN analytics.events.sku IS 'Of the line that was added, or of the product.';
COMMENT ON COLUMN analytics.events.quantity IS 'Of the line that was added.';
COMMENT ON COLUMN analytics.events.unit_price IS 'Of the line that was added, or of the product from then on.';
COMMENT ON COLUMN analytics.events.amount IS 'Of the payment.';
COMMENT ON COLUMN analytics.events.total IS 'Of the order, with this event.';
COMMENT ON COLUMN analytics.events.currency IS 'Of all money of the event, by ISO 4217.';
COMMENT ON COLUMN analytics.events.data IS 'What the event says: goods, money, words of the shop. Neither the customer nor the reference of a payment.';

-- What is not asked for is not looked up: each of the subqueries is of one column.
CREATE VIEW analytics.orders AS
SELECT placed.aggregate_id AS order_id,
       (placed.payload #>> '{OrderPlaced,number}')::bigint AS order_number,
       (placed.payload #>> '{OrderPlaced,customer,subject_id}')::uuid AS subject_id,
       placed.payload #>> '{OrderPlaced,customer,shipping_address,city}' AS city,
       placed.payload #>> '{OrderPlaced,customer,shipping_address,country}' AS country,
       placed.payload #>> '{OrderPlaced,total,currency}' AS currency,
       (placed.payload #>> '{OrderPlaced,total,amount}')::numeric AS placed_total,
       (SELECT coalesce(e.payload #>> '{ItemAdded,total,amount}', e.payload #>> '{OrderPlaced,total,amount}')::numeric
          FROM public.events AS e
         WHERE e.aggregate_type = placed.aggregate_type AND e.aggregate_id = placed.aggregate_id
           AND e.event_type IN ('ItemAdded', 'OrderPlaced')
         ORDER BY e.sequence DESC LIMIT 1) AS total,
       coalesce((SELECT (e.payload #>> '{PaymentRecorded,paid_amount,amount}')::numeric
                   FROM public.events AS e
                  WHERE e.aggregate_type = placed.aggregate_type AND e.aggregate_id = placed.aggregate_id
                    AND e.event_type = 'PaymentRecorded'
                  ORDER BY e.sequence DESC LIMIT 1), 0) AS paid_amount,
       (SELECT (e.metadata ->> 'occurred_at')::timestamptz
          FROM public.events AS e
         WHERE e.aggregate_type = placed.aggregate_type AND e.aggregate_id = placed.aggregate_id
           AND e.event_type = 'OrderPaid'
         ORDER BY e.sequence LIMIT 1) AS paid_at,
       (placed.metadata ->> 'occurred_at')::timestamptz AS placed_at,
       placed.recorded_at,
       placed.position
  FROM public.events AS placed
 WHERE placed.aggregate_type = 'order' AND placed.event_type = 'OrderPlaced';
COMMENT ON VIEW analytics.orders IS 'Every order that was placed, as it is now.';
COMMENT ON COLUMN analytics.orders.order_id IS 'Its id, a UUID as text. Indexed.';
COMMENT ON COLUMN analytics.orders.order_number IS 'The short number that people read out.';
COMMENT ON COLUMN analytics.orders.subject_id IS 'Whose it is: a member, or a guest for this order alone.';
COMMENT ON COLUMN analytics.orders.city IS 'Where it goes to, as it was written; null where nothing is sent.';
COMMENT ON COLUMN analytics.orders.country IS 'Where it goes to, by ISO 3166-1; null where it was not said.';
COMMENT ON COLUMN analytics.orders.currency IS 'Of all money of the order, by ISO 4217.';
COMMENT ON COLUMN analytics.orders.placed_total IS 'What it cost when it was placed.';
COMMENT ON COLUMN analytics.orders.total IS 'What it costs now, with what was added since.';
COMMENT ON COLUMN analytics.orders.paid_amount IS 'All payments; 0 where there is none.';
COMMENT ON COLUMN analytics.orders.paid_at IS 'When the payments covered the total; null while they do not.';
COMMENT ON COLUMN analytics.orders.placed_at IS 'When it was placed.';
COMMENT ON COLUMN analytics.orders.recorded_at IS 'When that was written down. See analytics.position_at.';
COMMENT ON COLUMN analytics.orders.position IS 'Where that stands in the log. Indexed.';

CREATE VIEW analytics.order_lines AS
SELECT added.aggregate_id AS order_id,
       added.payload #>> '{ItemAdded,line,sku}' AS sku,
       added.payload #>> '{ItemAdded,line,name}' AS name,
       (added.payload #>> '{ItemAdded,line,quantity}')::bigint AS quantity,
       (added.payload #>> '{ItemAdded,line,unit_price,amount}')::numeric AS unit_price,
       (added.payload #>> '{ItemAdded,line,quantity}')::numeric
           * (added.payload #>> '{ItemAdded,line,unit_price,amount}')::numeric AS line_total,
       added.payload #>> '{ItemAdded,line,unit_price,currency}' AS currency,
       (added.metadata ->> 'occurred_at')::timestamptz AS added_at,
       added.recorded_at,
       added.position
  FROM public.events AS added
 WHERE added.aggregate_type = 'order' AND added.event_type = 'ItemAdded';
COMMENT ON VIEW analytics.order_lines IS
    'What was added to orders, at the checkout or later, each time a row: a product that was added twice to one order is in two rows.';
COMMENT ON COLUMN analytics.order_lines.order_id IS 'The order''s id, a UUID as text. Indexed.';
COMMENT ON COLUMN analytics.order_lines.sku IS 'The product''s.';
COMMENT ON COLUMN analytics.order_lines.name IS 'The product''s, as it was then.';
COMMENT ON COLUMN analytics.order_lines.quantity IS 'How many.';
COMMENT ON COLUMN analytics.order_lines.unit_price IS 'The price of that day.';
COMMENT ON COLUMN analytics.order_lines.line_total IS 'quantity × unit_price.';
COMMENT ON COLUMN analytics.order_lines.currency IS 'Of both, by ISO 4217.';
COMMENT ON COLUMN analytics.order_lines.added_at IS 'When it was added.';
COMMENT ON COLUMN analytics.order_lines.recorded_at IS 'When that was written down. See analytics.position_at.';
COMMENT ON COLUMN analytics.order_lines.position IS 'Where that stands in the log. Indexed.';

-- A group that nobody logs in as. Orders don't wait for it: where it can't be made, the views are there and nobody may read them.
DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'orders_analyst') THEN
        CREATE ROLE orders_analyst NOLOGIN;
    END IF;
EXCEPTION
    -- Roles belong to the whole cluster: another database's migration may make it at this moment.
    WHEN duplicate_object OR unique_violation THEN NULL;
    WHEN insufficient_privilege THEN
        RAISE WARNING 'the role orders_analyst is missing and % may not create it: nobody may read the schema analytics',
            current_user
            USING HINT = 'docs/OPERATIONS.md, “Analysts”, says what a superuser does';
END
$$;
DO $$
BEGIN
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'orders_analyst') THEN
        EXECUTE format('GRANT CONNECT ON DATABASE %I TO orders_analyst', current_database());
        GRANT USAGE ON SCHEMA analytics TO orders_analyst;
        GRANT SELECT ON ALL TABLES IN SCHEMA analytics TO orders_analyst;
        -- Views are read with their owner's rights, but functions in them are called with the reader's.
        GRANT EXECUTE ON FUNCTION analytics.position_at(timestamptz), analytics.shown(text, text)
            TO orders_analyst;
    END IF;
END
$$;
