# Tenure in a container. The agent needs the host's network and the right to change it:
#   docker run --network host --cap-drop ALL --cap-add NET_ADMIN --cap-add NET_RAW \
#     --cap-add SYS_NICE -v /etc/tenure:/etc/tenure:ro tenure agent --config /etc/tenure/tenure.yaml

FROM node:20-bookworm-slim AS build
RUN apt-get update \
  && apt-get install -y --no-install-recommends g++ \
  && rm -rf /var/lib/apt/lists/*
WORKDIR /build
COPY package.json package-lock.json ./
COPY src/net/native ./src/net/native
RUN npm ci
COPY tsconfig.json ./
COPY src ./src
RUN npm run build && npm prune --omit=dev --ignore-scripts

FROM node:20-bookworm-slim
WORKDIR /opt/tenure
COPY --from=build /build/package.json ./
COPY --from=build /build/node_modules ./node_modules
COPY --from=build /build/dist ./dist
COPY --from=build /build/src/net/native/build ./src/net/native/build
COPY LICENSE ./
ENV NODE_ENV=production
ENTRYPOINT ["/opt/tenure/dist/cli/main.js"]
CMD ["--help"]
