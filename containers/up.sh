#!/usr/bin/env bash
# `docker compose up -d --wait`, after the questions whose answers Compose gives in the engine's words: is there a
# model, and is the port free? FRAUDLAB_MODEL, MODEL, FOLLOW and FRAUDLAB_PORT as in docker-compose.yml.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

die() { printf 'up: %s\nfix: %s\n' "$1" "$2" >&2; exit 1; }

model=${FRAUDLAB_MODEL:-${MODEL:+${FRAUDLAB_REGISTRY:-./registry}/}${MODEL:-./runs/latest/model}}
if [ -n "${FRAUDLAB_FOLLOW:-}" ] && [ -z "${FOLLOW:-}" ]; then
    die "FRAUDLAB_FOLLOW is for a container by itself." "name the folder with the link: FOLLOW=./registry MODEL=NAME:production make up"
fi
if [ -n "${FOLLOW:-}" ]; then
    [ -n "${MODEL:-}" ] || die "FOLLOW=$FOLLOW says not which model." "name it as well: MODEL=NAME:production"
    model=$FOLLOW/$MODEL
fi
port=${FRAUDLAB_PORT:-8080}
if [ ! -f "$model/model.json" ]; then
    if [ -n "${FOLLOW:-}" ]; then
        die "there is no $MODEL to follow in $FOLLOW." "FOLLOW is the registry's folder; see what there is: fraudlab models list"
    fi
    if [ -n "${FRAUDLAB_MODEL:-}" ]; then
        die "there is no model in $model." "name a run's model folder: FRAUDLAB_MODEL=runs/RUN/model make up"
    fi
    if [ -n "${MODEL:-}" ]; then
        die "there is no $MODEL in the registry." "see what there is: fraudlab models list"
    fi
    die "there is no completed run to serve." "train one: make train-local"
fi
[[ $port =~ ^[0-9]{1,5}$ && $((10#$port)) -ge 1 && $((10#$port)) -le 65535 ]] ||
    die "FRAUDLAB_PORT=$port is not a port." "valid: 1 to 65535"
docker version --format '{{.Server.Version}}' >/dev/null 2>&1 ||
    die "no Docker engine answers." "start Docker, or serve without it: make serve"
docker compose version >/dev/null 2>&1 ||
    die "docker has no Compose." "install Compose v2, or serve without it: make serve"
# an endpoint of ours that runs already has the port itself
if [ -z "$(docker compose ps --quiet endpoint 2>/dev/null)" ] && (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then
    die "somebody listens on port $port already." "stop it, or choose another: FRAUDLAB_PORT=$((port < 65535 ? port + 1 : 8081)) make up"
fi

containers/xgboost/build.sh
# a run's folder is for its owner only
export FRAUDLAB_USER=${FRAUDLAB_USER:-$(id -u):$(id -g)}
docker compose up --detach --wait "$@" ||
    die "the endpoint did not come up." "read its log: docker compose logs endpoint"
echo "up: $model on http://127.0.0.1:$port (GET /ping, POST /invocations); docker compose down stops it"
