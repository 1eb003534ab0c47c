#!/bin/sh
# Runs nginx in a container of its own for the migration-proxy beside it: each time that one asks (it makes run/start below
# DIRECTORY), nginx is started on the configuration that it installed there, in the foreground and in a session of its own.
# Needs the proxy's user, its process namespace and DIRECTORY shared; the proxy then reloads, watches and ends nginx itself.
# usage: nginx-beside.sh DIRECTORY [NGINX]
set -u
directory=${1:?usage: nginx-beside.sh DIRECTORY [NGINX], the DIRECTORY being --nginx-dir of the proxy}
nginx=${2:-nginx}
PATH=${PATH:-}:/usr/sbin:/sbin
# By this variable nginx is given sockets of another master.
unset NGINX
running=

end() {
  [ -z "$running" ] || kill -TERM "$running" 2>/dev/null
  exit 0
}
trap end TERM INT

# Logs that nobody reads, while the proxy is away, stop at 256 MiB (blocks of 512 bytes); nginx goes on.
trap '' XFSZ
ulimit -f 524288 2>/dev/null

while :; do
  if rm "$directory/run/start" 2>/dev/null; then
    setsid "$nginx" -p "$directory" -c "$directory/nginx.conf" -e "$directory/log/error.log" \
      >"$directory/log/start.log" 2>&1 &
    running=$!
    wait "$running"
    echo "$?" >"$directory/run/ended"
    running=
  else
    # In the background, so that a signal need not wait for it.
    sleep 0.05 &
    wait "$!"
  fi
done
