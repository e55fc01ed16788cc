# syntax=docker/dockerfile:1
# The program `orders`: every role is a subcommand of it. `docker build -t orders:local .`

FROM rust:1.95-bookworm AS build
WORKDIR /src
# librdkafka is built from source: the image has the C compiler, make, OpenSSL's headers and zlib's that it takes.
COPY . .
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/src/target \
    cargo build --release --locked --package api --bin orders \
    && cp target/release/orders /usr/local/bin/orders

FROM debian:bookworm-slim
RUN apt-get update \
    && apt-get install --yes --no-install-recommends ca-certificates curl libssl3 zlib1g \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --system --uid 10001 --home-dir /nonexistent --shell /usr/sbin/nologin orders \
    && install --directory --owner=10001 --group=10001 /var/lib/orders /var/lib/orders/media /var/lib/orders/static
COPY --from=build /usr/local/bin/orders /usr/local/bin/orders
USER 10001:10001
ENV ORDERS_LISTEN=0.0.0.0:8080
EXPOSE 8080
# Each role answers it: the process is up and its tasks run. SIGTERM, which a stop sends, drains.
HEALTHCHECK --interval=5s --timeout=3s --start-period=30s --retries=6 \
    CMD ["curl", "--fail", "--silent", "--show-error", "--output", "/dev/null", "http://127.0.0.1:8080/healthz"]
ENTRYPOINT ["orders"]
CMD ["--help"]
