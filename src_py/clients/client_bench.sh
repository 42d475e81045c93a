#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# Starts NUM_CLIENTS (8) clients at once, each asking the server on PORT (2999) for fibonacci(30):
#     time ./client_bench.sh [PORT]
# N names another number than 30, PYTHON another interpreter than python3. Fails if a client does.

clients=${NUM_CLIENTS:-8}
case $clients in
*[!0-9]* | ??????*)
    echo "client_bench.sh: NUM_CLIENTS is '$clients', not a number up to 99999" >&2
    exit 2
    ;;
esac
if [ $# -gt 1 ]; then
    echo "usage: client_bench.sh [PORT]" >&2
    exit 2
fi
port=${1-2999}
folder=$(dirname -- "$0")

started=
i=0
while [ "$i" -lt "$clients" ]; do
    "${PYTHON:-python3}" "$folder/client.py" 127.0.0.1 "$port" "${N:-30}" &
    started="$started $!"
    i=$((i + 1))
done

failed=0
for client in $started; do
    wait "$client" || failed=1
done
exit $failed
