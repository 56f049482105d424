# One image for every process of ours; the command says which: `setup`, `coordinator`, `worker`, `sink`, `edge`. Kafka, PostgreSQL and Redis are images of their own (docker-compose.yml).

FROM python:3.13-slim AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
WORKDIR /build
RUN python -m venv /opt/millstream
# The packages first: this layer stays as long as they do.
COPY pyproject.toml requirements.lock ./
RUN python -c "import tomllib; print('\n'.join(tomllib.load(open('pyproject.toml', 'rb'))['project']['dependencies']))" \
      > requirements.txt \
    && /opt/millstream/bin/pip install --requirement requirements.txt --constraint requirements.lock
COPY . .
RUN /opt/millstream/bin/pip install --no-deps .

FROM python:3.13-slim
RUN useradd --uid 10001 --create-home --home-dir /var/lib/millstream --shell /usr/sbin/nologin millstream \
    && mkdir -p /var/lib/millstream/objects /var/lib/millstream/files \
    && chown -R millstream:millstream /var/lib/millstream && chmod 700 /var/lib/millstream
COPY --from=build /opt/millstream /opt/millstream
ENV PATH=/opt/millstream/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    MALLOC_ARENA_MAX=2 \
    MILLSTREAM_HOME=/var/lib/millstream
USER millstream
WORKDIR /var/lib/millstream
ENTRYPOINT ["millstream"]
CMD ["--help"]
