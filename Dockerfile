# The `castor` command for servers and workers.
FROM rust:1.95-bookworm AS build
RUN apt-get update && apt-get install --no-install-recommends -y python3 python3-pip && rm -rf /var/lib/apt/lists/*
WORKDIR /castor
# Native libraries and models for reading, each by its pinned hash; anew only when their list changes.
COPY scripts/install.sh scripts/
RUN CASTOR_HOME=/opt/castor scripts/install.sh
COPY . .
RUN cargo build --release --locked -p castor-cli
# The console; what builds it stays behind.
RUN CASTOR_HOME=/opt/node scripts/ui.sh

FROM debian:bookworm-slim
# pg_dump and pg_restore of the version of the databases, for `castor backup` and `castor restore`; openssl for the first certificate.
RUN apt-get update && apt-get install --no-install-recommends -y ca-certificates openssl postgresql-client-15 \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --uid 10001 --create-home castor && install -d -o castor /data /backups
COPY deploy/probe.sh /usr/local/bin/castor-probe
COPY deploy/certificate.sh /usr/local/bin/castor-certificate
COPY --from=build /castor/target/release/castor /usr/local/bin/castor
COPY --from=build /opt/castor /opt/castor
COPY --from=build /castor/ui/dist /opt/castor-ui
ENV CASTOR_HOME=/opt/castor CASTOR_UI=/opt/castor-ui CASTOR_DATA=/data CASTOR_HOST=0.0.0.0
USER castor
VOLUME /data
ENTRYPOINT ["castor"]
CMD ["serve"]
