# docker build --build-arg EXTRAS=postgres .   also brings the driver for PostgreSQL.
# Any image with Python 3.11 to 3.13 as `python`, its venv module, and Debian's user tools.
ARG BASE_IMAGE=python:3.11-slim

FROM ${BASE_IMAGE} AS builder
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
WORKDIR /app
RUN python -m venv /opt/venv
# The lock first: this layer stays as long as the dependencies do.
COPY requirements.lock ./
# What only builds and tests of the libraries need goes in the same layer.
RUN /opt/venv/bin/pip install --quiet -r requirements.lock \
    && cd /opt/venv/lib/python3*/site-packages \
    && rm -rf tensorflow/include clang pyarrow/include pyarrow/src \
    && find . -depth -type d -name tests -exec rm -rf {} +
COPY pyproject.toml requirements.txt README.md LICENSE app.py ./
COPY .streamlit ./.streamlit
COPY lrdash ./lrdash
COPY pages ./pages
# Editable, since app.py and pages/ lie beside the package. The root is read-only later: compile now.
ARG EXTRAS=""
RUN /opt/venv/bin/pip install --quiet --no-deps --no-build-isolation --editable . \
    && if [ -n "$EXTRAS" ]; then /opt/venv/bin/pip install --quiet --no-build-isolation --editable ".[$EXTRAS]"; fi \
    && /opt/venv/bin/python -m compileall -q lrdash pages app.py

FROM ${BASE_IMAGE}
LABEL org.opencontainers.image.title="lrdash" \
      org.opencontainers.image.description="Which learning-rate strategy, at which rate, for this model on this data, and why?" \
      org.opencontainers.image.version="0.1.0" \
      org.opencontainers.image.licenses="MIT"
RUN useradd --system --uid 10001 --user-group --home-dir /data --no-create-home \
        --shell /usr/sbin/nologin lrdash \
    && mkdir /data && chown lrdash:lrdash /data
COPY --from=builder /opt/venv /opt/venv
COPY --from=builder /app /app
# Two arenas: with more, glibc keeps the memory that many visitors needed at one moment.
# All that is ever written goes to /data (database, datasets) or /tmp.
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    MALLOC_ARENA_MAX=2 \
    HOME=/data \
    KERAS_HOME=/data/keras \
    XDG_CACHE_HOME=/tmp \
    LRDASH_HOME=/data \
    PORT=8501
WORKDIR /app
USER lrdash
VOLUME /data
EXPOSE 8501
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=15s --timeout=5s --start-period=40s --retries=3 CMD ["python", "-c", "import os, urllib.request as r; parts = [os.environ.get('LRDASH_BASE_PATH', '').strip('/'), '_stcore/health']; r.urlopen('http://127.0.0.1:' + os.environ['PORT'] + '/' + '/'.join(filter(None, parts)), timeout=4)"]
# Exec form: the server itself gets the signal to end, and ends its worker.
CMD ["lrdash", "serve", "--host", "0.0.0.0", "--no-browser"]
