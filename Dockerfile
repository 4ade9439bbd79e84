# One image for every role; the arguments choose it: docker run shelfsync serve fetcher.
# docs/deploy/docker.md describes its use. A tag of the base receives security updates with every
# build; to build from the same bytes each time, add the digest that this command prints:
#   docker buildx imagetools inspect node:24-trixie-slim
FROM node:24-trixie-slim AS base
WORKDIR /app

# The production packages, without the embedded Postgres and the packaged Node: the image has its
# own Node, and its database is elsewhere. Declarations, source maps and texts are a third of their
# size; bintrees brings 2 MB of samples for its tests.
FROM base AS packages
COPY package.json package-lock.json .npmrc ./
RUN npm ci --omit=dev --omit=optional --ignore-scripts \
  && find node_modules -regex '.*\.\(map\|mdx?\|[cm]?ts\)' -type f -delete \
  && rm -r node_modules/bintrees/test

# The npm package, which contains the compiled code.
FROM base AS build
COPY package.json package-lock.json .npmrc ./
RUN npm ci --ignore-scripts
COPY . .
RUN npm pack --pack-destination /tmp && tar -xzf /tmp/shelfsync-*.tgz --directory /srv

FROM base
LABEL org.opencontainers.image.title="Shelfsync" \
  org.opencontainers.image.description="Keeps a Postgres or Supabase database in step with product catalogues." \
  org.opencontainers.image.source="https://github.com/shelfsync/shelfsync" \
  org.opencontainers.image.licenses="MIT"
COPY --from=packages /app/node_modules node_modules
COPY --from=build /srv/package ./
COPY deploy/docker/healthcheck.mjs ./

# The only folder that a process writes to, and only when no other place of the artifacts is set.
ENV SHELFSYNC_HOME=/var/lib/shelfsync
RUN install --directory --owner=node --group=node /var/lib/shelfsync

# The user `node` of the base, by its number, so that a platform can see that it is not root.
USER 1000:1000
EXPOSE 3001 3002 3003 3000 9091
HEALTHCHECK --interval=30s --timeout=5s --start-period=30s CMD ["node", "/app/healthcheck.mjs"]
ENTRYPOINT ["node", "/app/bin/shelfsync"]
CMD ["serve"]
