#!/bin/sh
# Brings one release into service on this host, and takes the one before back where the new one is not well:
#     deploy.sh RELEASE
# The new release migrates first (migrations are additive: the old one goes on serving on the new tables), then the
# processes are replaced one after the other, each of them finishing what it began. Again with the same release it
# repairs what is not as it should be. How processes are kept is in how/compose.sh (default) or how/host.sh:
# BESEDKA_BY=compose|host. The release in service stands in BESEDKA_STATE/release.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
release=${1:?which release?}
state=${BESEDKA_STATE:-$here/state}
ready_s=${BESEDKA_READY_S:-90}  # seconds that a process has to say that it is ready
mkdir -p "$state"
. "$here/how/${BESEDKA_BY:-compose}.sh"

say() { printf '%s %s\n' "$(date -u +%H:%M:%S)" "$*"; }

# Every process of this release is in service and ready; 1 at the first that is not.
bring() {
    use "$1" || return 1
    wanted=$(processes)
    if [ -z "$wanted" ]; then
        say "there is no process to bring into service"
        return 1
    fi
    for process in $wanted; do
        say "$process: $1"
        replace "$process" "$1" || return 1
        waited=0
        until ready "$process" "$1"; do
            waited=$((waited + 1))
            if [ "$waited" -gt "$ready_s" ] || given_up "$process" "$1"; then
                say "$process is not ready after $waited s"
                return 1
            fi
            sleep 1
        done
    done
    finish "$1"
}

exec 9>"$state/lock"
if ! flock --nonblock 9; then
    say "another release is being brought into service"
    exit 1
fi
previous=$(cat "$state/release" 2>/dev/null || true)
say "fetching $release; in service: ${previous:-none}"
fetch "$release"
say "migrating"
migrate "$release"
if bring "$release"; then
    if [ "$previous" != "$release" ]; then
        printf '%s\n' "$previous" > "$state/previous"
    fi
    printf '%s\n' "$release" > "$state/release"
    say "$release is in service"
    exit 0
fi
if [ -z "$previous" ]; then
    say "$release is not well, and there is none to go back to"
    exit 1
fi
say "$release is not well: back to $previous"
if bring "$previous"; then
    say "$previous is in service again"
else
    say "$previous is not well either: somebody has to look"
fi
exit 1
