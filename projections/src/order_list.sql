CREATE TABLE orders (
    id              uuid PRIMARY KEY,
    number          bigint           NOT NULL,
    status          text COLLATE "C" NOT NULL,
    paid            boolean          NOT NULL,
    -- A payment provider said what does not fit.
    needs_review    boolean          NOT NULL,
    subject_id      uuid             NOT NULL,
    first_name      text             NOT NULL,
    last_name       text             NOT NULL,
    email           text             NOT NULL,
    -- The address as it is compared: lower case throughout.
    email_key       text COLLATE "C" NOT NULL,
    -- All but the country are there, or none where nothing is sent.
    address         text,
    postal_code     text,
    city            text,
    country         text,
    -- The lines, ready to be shown.
    items           json             NOT NULL,
    currency        text COLLATE "C" NOT NULL,
    total           numeric          NOT NULL,
    paid_amount     numeric          NOT NULL,
    version         bigint           NOT NULL,
    placed_at       timestamptz      NOT NULL,
    updated_at      timestamptz      NOT NULL,
    -- Of the event that placed the order. Neither runs backwards against the other, so an index on both is in the order
    -- of positions, newest last, and can be entered at a time.
    placed_recorded_at timestamptz   NOT NULL,
    placed_position bigint           NOT NULL,
    -- Of the last event.
    position        bigint           NOT NULL
);

-- No condition of any read asks for these, and statistics of wide columns are what ANALYZE spends its time on.
ALTER TABLE orders
    ALTER first_name SET STATISTICS 0, ALTER last_name SET STATISTICS 0,
    ALTER email SET STATISTICS 0, ALTER address SET STATISTICS 0, ALTER postal_code SET STATISTICS 0,
    ALTER city SET STATISTICS 0, ALTER country SET STATISTICS 0, ALTER items SET STATISTICS 0,
    ALTER currency SET STATISTICS 0, ALTER total SET STATISTICS 0, ALTER paid_amount SET STATISTICS 0,
    ALTER version SET STATISTICS 0;

-- How far the times at which events occurred ever were from the times at which they were recorded, in microseconds. The
-- bounds of a range of times that occurred, moved by this much, are bounds of the times that were recorded.
CREATE TABLE clock_distance (
    only_row   boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    ahead_us   bigint  NOT NULL DEFAULT 0,
    behind_us  bigint  NOT NULL DEFAULT 0
);
INSERT INTO clock_distance DEFAULT VALUES;
