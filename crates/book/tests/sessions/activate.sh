#!/bin/bash
# systemd-socket-activate hands on few of its variables; the room's cargo needs all of them, and what
# is left running is found by one.
for name in $(compgen -e); do options+=(-E "$name"); done
exec "$(PATH=${PATH#*:} command -v systemd-socket-activate)" "${options[@]}" "$@"
