# syntax=docker/dockerfile:1
# One image for the API (the default command) and the worker (`node dist/workers/main.js`).
# The current LTS. Slim, not Alpine: Temporal's SDK and libsql come built for glibc.
ARG NODE=node:24-trixie-slim

FROM ${NODE} AS build
WORKDIR /app
COPY package.json package-lock.json ./
# "prepare" would build, and its sources are not here yet.
RUN npm ci --ignore-scripts
COPY . .
RUN npm run build && npm prune --omit=dev --ignore-scripts

FROM ${NODE}
# The SDK's Rust core checks the certificates of a remote Temporal against the system's.
RUN apt-get update && apt-get install -y --no-install-recommends ca-certificates && rm -rf /var/lib/apt/lists/*
RUN install -d -o node -g node /data # a named volume begins with its owner
ENV NODE_ENV=production DATA_DIR=/data
WORKDIR /app
COPY --from=build /app/package.json ./
COPY --from=build /app/node_modules ./node_modules
COPY --from=build /app/dist ./dist
USER node
EXPOSE 3000
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s \
  CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.PORT || 3000}/healthz`).then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
# Not by npm, which would keep the signals to itself.
CMD ["node", "dist/api/main.js"]
