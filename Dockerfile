# One Dockerfile for every service: docker build --build-arg SERVICE=metrics -t seatrial/metrics .
# The hashed lock is installed before the code, so that a change in the code rebuilds the last layers only.
ARG PYTHON_IMAGE=python:3.11.15-slim-bookworm
FROM ${PYTHON_IMAGE} AS build
ARG SERVICE
WORKDIR /build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
RUN python -m venv /opt/seatrial
COPY services/${SERVICE}/requirements.txt requirements-build.txt ./
RUN /opt/seatrial/bin/pip install --quiet --require-hashes -r requirements.txt
RUN python -m venv /opt/backend && /opt/backend/bin/pip install --quiet --require-hashes -r requirements-build.txt
COPY VERSION VERSION
COPY scripts/hatch_metadata.py scripts/hatch_metadata.py
COPY shared shared
COPY services/${SERVICE} services/${SERVICE}
RUN /opt/backend/bin/pip wheel --quiet --no-deps --no-build-isolation --wheel-dir wheels ./shared/* ./services/${SERVICE} \
 && /opt/seatrial/bin/pip install --quiet --no-index --find-links wheels seatrial-${SERVICE} \
 && /opt/seatrial/bin/pip uninstall --quiet --yes setuptools pip

FROM ${PYTHON_IMAGE}
ARG SERVICE
LABEL org.opencontainers.image.title="seatrial-${SERVICE}" org.opencontainers.image.licenses="Apache-2.0"
# No program of the image changes its user, and Python's own installer is gone.
RUN useradd --uid 10001 --no-create-home --shell /usr/sbin/nologin seatrial \
 && python -m pip uninstall --quiet --yes --root-user-action ignore wheel setuptools pip \
 && rm -rf /usr/local/lib/python3*/ensurepip \
 && find / -xdev -perm /6000 -type f -exec chmod a-s {} + \
 && mkdir -p /var/cache/seatrial && chown seatrial /var/cache/seatrial
COPY --from=build /opt/seatrial /opt/seatrial
# The root file system is read-only in compose and Kubernetes: the compiled kernel's cache is the one writable place.
ENV PATH=/opt/seatrial/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 SERVICE=${SERVICE} \
    SEATRIAL_NUMBA_CACHE_DIR=/var/cache/seatrial
USER 10001
HEALTHCHECK --interval=5s --timeout=3s --start-period=30s --retries=6 CMD ["python", "-m", "seatrial_service.healthcheck"]
STOPSIGNAL SIGTERM
ENTRYPOINT ["/bin/sh", "-c", "exec python -m seatrial_${SERVICE}"]
