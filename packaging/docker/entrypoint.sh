#!/bin/sh
# Volumes may come from anywhere: what the broker writes to has to belong to whom it runs as.
set -e
if [ "$(id -u)" = 0 ] && [ "${PUID:-1883}" != 0 ]; then
  for folder in /mosquitto/data /mosquitto/log; do
    find "$folder" -xdev ! -type l -exec chown "${PUID:-1883}:${PGID:-${PUID:-1883}}" {} + 2>/dev/null || true
  done
fi
exec "$@"
