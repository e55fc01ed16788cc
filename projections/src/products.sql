CREATE TABLE products (
    sku         text COLLATE "C" PRIMARY KEY,
    name        text             NOT NULL,
    description text,
    price       numeric          NOT NULL,
    currency    text COLLATE "C" NOT NULL,
    status      text COLLATE "C" NOT NULL,
    version     bigint           NOT NULL,
    added_at    timestamptz      NOT NULL,
    updated_at  timestamptz      NOT NULL
);
