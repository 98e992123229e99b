# One image for both Deployments; which functions run is a setting. Build: docker build --build-arg DIGEST=sha256:… .
ARG BASE=mcr.microsoft.com/azure-functions/python:4-python3.13
# Of that tag, for the platform built for: `docker buildx imagetools inspect` shows it. A build without it is refused.
ARG DIGEST
FROM ${BASE}@${DIGEST}

# Packages first: they change seldom, the code often. Without bytecode the first import takes two to three times as long.
COPY requirements.txt /tmp/requirements.txt
RUN python -m pip install --no-cache-dir --disable-pip-version-check --root-user-action=ignore -r /tmp/requirements.txt \
    && rm /tmp/requirements.txt

COPY docker/start-host docker/drain-host /usr/local/bin/
COPY function_app.py host.json settings.py wiring.py /home/site/wwwroot/
COPY domain /home/site/wwwroot/domain
COPY adapters /home/site/wwwroot/adapters
COPY triggers /home/site/wwwroot/triggers

# The account the manifests name by number, and the folders that a read-only root still lets be written to (volumes there).
RUN chmod 0755 /usr/local/bin/start-host /usr/local/bin/drain-host \
    && python -m compileall -q /home/site/wwwroot \
    && groupadd --gid 10001 catalog \
    && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /home --shell /usr/sbin/nologin catalog \
    && mkdir -p /run/secrets/functions-keys /home/data /home/LogFiles /home/.aspnet \
    && chown 10001:10001 /run/secrets/functions-keys /home/data /home/LogFiles /home/.aspnet

ENV ASPNETCORE_URLS=http://+:8080 \
    AzureFunctionsJobHost__Logging__Console__IsEnabled=true \
    PYTHONDONTWRITEBYTECODE=1

USER 10001:10001
EXPOSE 8080
# The host ignores SIGTERM and would be killed with work in hand; on SIGINT it answers what is in flight and ends.
STOPSIGNAL SIGINT
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 \
    CMD ["curl", "--fail", "--silent", "--output", "/dev/null", "http://127.0.0.1:8080/health/live"]
ENTRYPOINT ["/usr/local/bin/start-host"]
