# How deploy.sh keeps processes: supervisor's, of a release's own environment. A release is the version of a wheel.
root=${BESEDKA_ROOT:-/opt/besedka}
python=${BESEDKA_PYTHON:-/usr/bin/python3}

cd "$root"  # where the user of the installation may be, too

supervisor() { supervisorctl --configuration "$root/etc/supervisord.conf" "$@"; }

# With the installation's settings, as the user that the processes have.
as_besedka() {
    runuser --user "${BESEDKA_USER:-besedka}" -- "$root/deploy/with-settings.sh" "$root/etc/besedka.env" "$@"
}

# The webs first, each when the one before is ready; then who works behind them. What is started by hand only where it
# runs; what starts by itself also while supervisor has not come to it yet.
processes() {
    found=$(
        supervisor avail | awk '$1 ~ /^besedka-/ && / auto / {print $1}'
        supervisor status | awk '$1 ~ /^besedka-/ && $2 != "STOPPED" {print $1}'
    )
    printf '%s\n' "$found" | grep '^besedka-web' | sort -u
    printf '%s\n' "$found" | grep '^besedka-' | grep -v '^besedka-web' | sort -u
}

# An environment of its own: what serves now is not touched.
fetch() {
    place=$root/releases/$1
    if [ -e "$place/.complete" ]; then return 0; fi
    rm -rf "$place"
    "$python" -m venv "$place"
    "$place/bin/pip" install --quiet --require-hashes --requirement "$root/wheels/$1/requirements.txt"
    "$place/bin/pip" install --quiet --no-deps "$root/wheels/$1"/besedka-*.whl
    touch "$place/.complete"
}

migrate() {
    as_besedka "$root/releases/$1/bin/besedka" prepare
    as_besedka "$root/releases/$1/bin/besedka" manage collectstatic --noinput --verbosity 0
}

use() {
    ln -sfn "releases/$1" "$root/current.next" && mv -T "$root/current.next" "$root/current"
    # Without the lock of this script, which it would hold for ever.
    supervisor pid > /dev/null 2>&1 || supervisord --configuration "$root/etc/supervisord.conf" 9>&-
}

# SIGTERM, time to finish (stopwaitsecs), and a new process. It may fail to start: `ready` tells.
replace() { supervisor restart "$1" || true; }

ready() {
    pid=$(supervisor pid "$1")
    case $1 in
        besedka-web-*)
            port=$(tr '\0' '\n' 2>/dev/null < "/proc/$pid/environ" | sed -n 's/^PORT=//p')
            [ -n "$port" ] && PORT=$port as_besedka "$python" "$root/deploy/healthy.py" /health/ready/
            ;;
        *) supervisor status "$1" | grep -q RUNNING ;;
    esac
}

# Supervisor has tried often enough.
given_up() { supervisor status "$1" | grep -q FATAL; }

finish() { :; }
