# The `castor` command for servers and workers.
FROM rust:1.95-bookworm AS build
RUN apt-get update && apt-get install --no-install-recommends -y python3 python3-pip && rm -rf /var/lib/apt/lists/*
WORKDIR /castor
COPY . .
# Native libraries and models for reading, each by its pinned hash.
RUN CASTOR_HOME=/opt/castor scripts/install.sh
RUN cargo build --release --locked -p castor-cli

FROM debian:bookworm-slim
RUN apt-get update && apt-get install --no-install-recommends -y ca-certificates && rm -rf /var/lib/apt/lists/* \
    && useradd --uid 10001 --create-home castor && install -d -o castor /data
COPY --from=build /castor/target/release/castor /usr/local/bin/castor
COPY --from=build /opt/castor /opt/castor
ENV CASTOR_HOME=/opt/castor CASTOR_DATA=/data CASTOR_HOST=0.0.0.0
USER castor
VOLUME /data
ENTRYPOINT ["castor"]
CMD ["serve"]
