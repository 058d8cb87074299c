#!/bin/sh
# Starts the image as it would run on its own, with a read-only root, and asks for its metadata.
set -eu
image="${1:?usage: smoke.sh IMAGE}"
id="$(docker run --detach --read-only --cap-drop ALL --tmpfs /run/authplane:uid=10001,gid=10001 \
  --publish 127.0.0.1:9000:9000 \
  --env DJANGO_SETTINGS_MODULE=authplane.settings.dev "$image" \
  sh -c 'python manage.py prepare && exec python manage.py listen --workers 1')"
trap 'docker logs "$id"; docker rm --force --volumes "$id" >/dev/null' EXIT
for _ in $(seq 60); do
  if curl -fsS http://127.0.0.1:9000/.well-known/oauth-authorization-server; then exit 0; fi
  sleep 0.5
done
exit 1
