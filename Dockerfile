# One image for every part; what each does is the command it is given (docker-compose.yml).
FROM python:3.13-slim-bookworm AS build
WORKDIR /src
COPY requirements.lock ./
# The same two commands as the Makefile's. The image's own pip installs, so that the copied environment holds none.
RUN python -m venv --without-pip /opt/adductor \
 && python -m pip --python /opt/adductor/bin/python install --no-cache-dir --require-hashes -r requirements.lock
COPY pyproject.toml setup.py README.md LICENSE ./
COPY adductor adductor
COPY service service
COPY workers workers
COPY sandbox sandbox
RUN python -m pip --python /opt/adductor/bin/python install --no-cache-dir --no-deps --no-build-isolation . \
 && python -m pip --python /opt/adductor/bin/python uninstall --yes setuptools

FROM python:3.13-slim-bookworm
RUN useradd --system --uid 10001 --home-dir /data --shell /usr/sbin/nologin adductor \
 && install -d -o adductor -g adductor -m 0700 /data
COPY --from=build /opt/adductor /opt/adductor
ENV PATH=/opt/adductor/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 MALLOC_ARENA_MAX=2 \
    ADDUCTOR_DATA_DIR=/data ADDUCTOR_BIND=0.0.0.0:8000 ADDUCTOR_LOG=json
# `adductor` finds its parts by itself; this is for `python -m sandbox`.
ENV PYTHONPATH=/opt/adductor/lib/python3.13/site-packages/adductor/_parts
USER adductor
WORKDIR /data
EXPOSE 8000
CMD ["adductor", "web"]
