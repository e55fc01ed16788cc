CREATE TABLE products (
    sku               text COLLATE "C" PRIMARY KEY,
    name              text             NOT NULL,
    description       text,
    price             numeric          NOT NULL,
    currency          text COLLATE "C" NOT NULL,
    status            text COLLATE "C" NOT NULL,
    requires_shipping boolean          NOT NULL,
    -- Slugs; one of a category that was removed, or never was, stands for nothing.
    categories        text[] COLLATE "C" NOT NULL,
    featured          boolean          NOT NULL,
    picture           text,
    -- By language: {"ko": {"name", "description"?}}.
    translations      jsonb            NOT NULL,
    -- All words in all languages, lower case throughout.
    search_text       text             NOT NULL,
    version           bigint           NOT NULL,
    added_at          timestamptz      NOT NULL,
    updated_at        timestamptz      NOT NULL
);
