#!/bin/sh
# Runs a command with the settings of a file, each line NAME=value: with-settings.sh FILE COMMAND …
# What the environment has already stays: a port of each process, say.
set -eu
file=$1
shift
while IFS= read -r line; do
    case $line in
        '' | '#'*) continue ;;
    esac
    name=${line%%=*}
    if ! printenv "$name" > /dev/null; then
        export "$name=${line#*=}"
    fi
done < "$file"
exec "$@"
