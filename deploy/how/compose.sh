# How deploy.sh keeps processes: containers of compose.yml. A release is a tag of the image.
compose() {
    tag=$1
    shift
    BESEDKA_TAG=$tag docker compose --project-directory "$here" --file "$here/compose.yml" "$@"
}

# Which services there are, in the order in which they are replaced; optional ones where they run.
processes() {
    printf '%s\n' web-a web-b worker beat
    compose "${previous:-$release}" --profile telegram --profile flower ps --services 2>/dev/null \
        | grep -x -e telegram -e flower || true
}

fetch() {
    compose "$1" pull --quiet web-a
    compose "$1" up --detach --wait --wait-timeout "$ready_s" postgres redis
}

migrate() { compose "$1" run --rm --no-deps migrate; }

# Compose knows the tag of each command by itself; the file is for who starts containers by hand, or for the machine's.
use() {
    if grep -q '^BESEDKA_TAG=' "$here/.env"; then
        sed -i "s|^BESEDKA_TAG=.*|BESEDKA_TAG=$1|" "$here/.env"
    else
        printf 'BESEDKA_TAG=%s\n' "$1" >> "$here/.env"
    fi
}

# SIGTERM, time to finish (stop_grace_period), and the new container in its place.
replace() { compose "$2" --profile telegram --profile flower up --detach --no-deps "$1"; }

ready() {
    case $1 in
        web-*) compose "$2" exec -T "$1" python /opt/besedka/healthy.py /health/ready/ ;;
        *) [ -n "$(compose "$2" --profile telegram --profile flower ps --quiet --status running "$1")" ] ;;
    esac
}

# Docker goes on trying: only time tells.
given_up() { false; }

finish() { compose "$1" up --detach --no-deps nginx; }
