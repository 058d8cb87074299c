# One image for every role: public listener, operator listener, worker, beat, migration.

FROM python:3.13-slim-bookworm AS build

ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
WORKDIR /build
COPY requirements/base.txt .
RUN python -m venv /opt/authplane \
    && /opt/authplane/bin/pip install --require-hashes -r base.txt \
    && /opt/authplane/bin/pip uninstall --yes pip

WORKDIR /srv/authplane
COPY manage.py ./
COPY authplane authplane
COPY audit audit
COPY oauth oauth
COPY broker broker
COPY admin_api admin_api
COPY templates templates
# The issuer and the secrets of this step exist only in it: collecting files needs settings, not values.
RUN AUTHPLANE_SERVER_ISSUER=http://localhost:9000 AUTHPLANE_SESSION_SECRET=only-while-building \
    DJANGO_SETTINGS_MODULE=authplane.settings.production \
    /opt/authplane/bin/python manage.py collectstatic --no-input --verbosity 0 \
    && rm -rf data \
    && /opt/authplane/bin/python -m compileall -q authplane audit oauth broker admin_api

FROM python:3.13-slim-bookworm

LABEL org.opencontainers.image.title="authplane" \
      org.opencontainers.image.description="OAuth 2.1 authorization server for MCP" \
      org.opencontainers.image.licenses="Apache-2.0"

RUN groupadd --system --gid 10001 authplane \
    && useradd --system --uid 10001 --gid authplane --home-dir /srv/authplane --shell /usr/sbin/nologin authplane \
    && install --directory --owner authplane --group authplane --mode 0700 /var/lib/authplane /run/authplane

COPY --from=build /opt/authplane /opt/authplane
COPY --from=build /srv/authplane /srv/authplane

# The root file system can be read-only: what is written goes to /var/lib/authplane (a volume, or
# nothing at all with PostgreSQL) and /run/authplane (memory).
ENV PATH=/opt/authplane/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    DJANGO_SETTINGS_MODULE=authplane.settings.production \
    AUTHPLANE_LISTENER=public \
    AUTHPLANE_DATA_DIR=/var/lib/authplane \
    TMPDIR=/run/authplane

WORKDIR /srv/authplane
USER 10001:10001
VOLUME ["/var/lib/authplane"]
EXPOSE 9000 9001
STOPSIGNAL SIGTERM

HEALTHCHECK --interval=10s --timeout=3s --start-period=15s --retries=3 \
    CMD ["python", "-m", "authplane.core.probe"]

CMD ["python", "manage.py", "listen"]
