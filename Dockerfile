# docker build -t tilecast .
# docker run --network host -v tilecast:/data tilecast
#
# --network host because broadcasters' media comes by UDP to the addresses that the gateway sees.

FROM golang:1.26-bookworm AS build
WORKDIR /src
COPY scripts/setup scripts/
COPY origin/web/package.json origin/web/package-lock.json origin/web/.npmrc origin/web/
RUN scripts/setup run
COPY go.mod go.sum ./
RUN go mod download
COPY . .
ARG VERSION=devel
RUN make build VERSION="$VERSION"

FROM debian:bookworm-slim
RUN apt-get update \
 && apt-get install -y --no-install-recommends ca-certificates \
        libavcodec59 libavutil57 libswscale6 libswresample4 libopus0 libyuv0 \
        fonts-dejavu-core fonts-noto-core fonts-wqy-zenhei fonts-noto-color-emoji \
 && rm -rf /var/lib/apt/lists/* \
 && useradd --uid 10001 --no-create-home --shell /usr/sbin/nologin tilecast \
 && install -d -o tilecast -g tilecast /data
COPY --from=build /src/bin/tilecast /usr/local/bin/tilecast
COPY LICENSE /usr/share/doc/tilecast/
USER tilecast
WORKDIR /data
VOLUME /data
ENV TILECAST_DATA=/data
EXPOSE 8080/tcp 8189/udp
HEALTHCHECK --interval=10s --timeout=4s --start-period=10s CMD ["tilecast", "healthcheck"]
STOPSIGNAL SIGTERM
ENTRYPOINT ["tilecast"]
CMD ["serve"]
