#!/bin/sh
# make_secrets.sh DIRECTORY [NAME...]
# Makes what the Secrets weir-tls and weir-token of deploy/kustomize/base have to hold: tls.crt,
# tls.key, ca.crt and token, with openssl. The certificate is good for ten years, for the services
# and pods of the namespace weir, and for more NAMEs. The authority's key is thrown away: for
# another certificate make all anew and give clients the new ca.crt; a new token needs a restart of
# the pods.
set -eu
directory="$1"
shift
domain=weir.svc.cluster.local
names="DNS:*.weir-jobmanager.$domain,DNS:localhost,IP:127.0.0.1"
for service in weir weir-jobmanager; do
  names="$names,DNS:$service,DNS:$service.weir,DNS:$service.weir.svc,DNS:$service.$domain"
done
for name in "$@"; do
  names="$names,DNS:$name"
done
umask 077
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
openssl req -x509 -newkey rsa:2048 -nodes -days 3650 -subj "/CN=weir authority" \
  -keyout "$work/ca.key" -out "$directory/ca.crt" 2>/dev/null
openssl req -newkey rsa:2048 -nodes -subj /CN=weir -keyout "$directory/tls.key" \
  -out "$work/request" 2>/dev/null
printf 'subjectAltName=%s\nextendedKeyUsage=serverAuth,clientAuth\n' "$names" >"$work/extensions"
openssl x509 -req -in "$work/request" -CA "$directory/ca.crt" -CAkey "$work/ca.key" \
  -CAcreateserial -days 3650 -extfile "$work/extensions" -out "$directory/tls.crt" 2>/dev/null
openssl rand -hex 24 | tr -d '\n' >"$directory/token"
