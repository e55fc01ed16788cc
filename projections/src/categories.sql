CREATE TABLE categories (
    slug         text COLLATE "C" PRIMARY KEY,
    name         text        NOT NULL,
    -- By language: {"ko": "녹차"}.
    translations jsonb       NOT NULL,
    removed      boolean     NOT NULL,
    version      bigint      NOT NULL,
    added_at     timestamptz NOT NULL,
    updated_at   timestamptz NOT NULL
);
