# syntax=docker/dockerfile:1

FROM rust:1.95-bookworm AS build
WORKDIR /src

# The dependencies are a layer of their own: built from the manifests and empty sources, so that a change to our code
# does not build 300 crates again. Targets that name a file (tests, benches) are left out of this copy of the manifest.
COPY Cargo.toml Cargo.lock ./
COPY entity/Cargo.toml entity/
COPY migration/Cargo.toml migration/
RUN awk '/^\[/ { skip = /^\[\[(test|bench|example)\]\]/ } !skip' Cargo.toml > manifest && mv manifest Cargo.toml \
    && mkdir -p src entity/src migration/src \
    && echo 'fn main() {}' > src/main.rs \
    && touch src/lib.rs entity/src/lib.rs migration/src/lib.rs \
    && cargo build --release --locked --bin balance

COPY . .
# newer than the empty ones, whatever the checkout says
RUN find src entity migration -name '*.rs' -exec touch {} + \
    && cargo build --release --locked --bin balance \
    && strip --strip-debug -o /balance target/release/balance

FROM debian:bookworm-slim
# certificates for calls to the outside; nothing else is needed beside libc
RUN apt-get update \
    && apt-get install -y --no-install-recommends ca-certificates \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --uid 10001 --user-group --home-dir /var/lib/balance --create-home --shell /usr/sbin/nologin balance \
    && install -d -o balance -g balance /var/lib/balance/data
COPY --from=build /balance /usr/local/bin/balance

USER 10001:10001
# the embedded store and local files are written to ./data
WORKDIR /var/lib/balance
VOLUME /var/lib/balance/data
ENV HOST=0.0.0.0 PORT=4000 BALANCE_ENV=production
EXPOSE 4000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=15s --timeout=10s --start-period=60s --retries=3 CMD ["balance", "doctor"]
ENTRYPOINT ["balance"]
CMD ["serve"]
