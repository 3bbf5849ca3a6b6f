# The tool and the embedded stack. Everything listens on the container's own loopback address: no port to publish.
#   docker build -t netpie-zeppelin .
#   docker run --rm --init netpie-zeppelin                 the demo
#   docker run --rm --init netpie-zeppelin apply --help    any other command
FROM python:3.12-slim-bookworm

ENV PIP_NO_CACHE_DIR=1 \
    PIP_DISABLE_PIP_VERSION_CHECK=1 \
    PROVISION_HOME=/var/lib/provision

# Java asks the system for its user's name, so it must have an entry in /etc/passwd.
RUN useradd --system --create-home --home-dir "$PROVISION_HOME" provision

WORKDIR /usr/src/netpie-zeppelin
COPY . .
RUN pip install ./zeppelin-sdk '.[emulator]'

USER provision
WORKDIR /var/lib/provision

# Installs the stack, with what notes in Python need, and proves that it starts. The data of that start has secrets, and
# stays out of the image.
RUN provision up --python \
    && provision down \
    && rm -rf "$PROVISION_HOME/data" "$PROVISION_HOME/state" \
    && mkdir -m 0700 "$PROVISION_HOME/data" "$PROVISION_HOME/state"

ENTRYPOINT ["provision"]
CMD ["demo"]
