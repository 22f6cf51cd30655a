#!/bin/sh
# run-sandbox: SecurityBot in a workspace on your own machine: the sandbox, the bot, one alert; stays until Ctrl-C.
# Keeps everything in a folder of its own that goes away at the end.     KEEP=1: leave it there, to look at
# Usage: tools/run-sandbox.sh BUILD-FOLDER [ALERT-FILE SOURCE]
set -u
cd "$(dirname "$0")/.." || exit 70
B=${1:?usage: tools/run-sandbox.sh BUILD-FOLDER [ALERT-FILE SOURCE]}
alert=${2:-playbooks/samples/okta-admin-console.json}
source=${3:-okta}
umask 077
state=$(mktemp -d "${XDG_RUNTIME_DIR:-/tmp}/securitybot-XXXXXX") || exit 73
sandbox=
bot=

stop() {
	trap '' INT TERM
	for process in $bot $sandbox; do # the bot first: it says goodbye to Slack
		kill "$process" 2>/dev/null
		wait "$process" 2>/dev/null
	done
	if [ -n "${KEEP:-}" ]; then echo "kept: $state"; else rm -rf "$state"; fi
}
trap stop EXIT
trap 'echo; exit 0' INT TERM
give_up() { # WHY LOG
	echo "run: $1" >&2
	[ ! -f "${2:-}" ] || tail -n 30 "$2" >&2
	exit 70
}
alive() { grep -qs "^State:.[^Z]" "/proc/$1/status"; }
await() { # SECONDS PROCESS LOG COMMAND...: until the command succeeds
	turns=$(($1 * 10))
	process=$2 log=$3
	shift 3
	until "$@"; do
		alive "$process" || give_up "it ended:" "$log"
		turns=$((turns - 1))
		[ "$turns" -gt 0 ] || give_up "waited in vain:" "$log"
		sleep 0.1
	done
}
random() { od -An -N 16 -tx1 /dev/urandom | tr -d ' \n'; }
# A port nobody listens on, looked up in the kernel's own table: the page and the bot must each know the other's.
free_port() {
	awk 'BEGIN { srand(); port = 20000 + int(rand() * 10000) }
		FNR > 1 { split($2, address, ":"); taken[address[2]] = 1 }
		END { while (sprintf("%04X", port) in taken) port++; print port }' /proc/net/tcp
}

bot_url=http://127.0.0.1:$(free_port)
random >"$state/token"
"$B/sandbox" --listen 127.0.0.1:0 --bot "$bot_url" --bot-token-file "$state/token" --shelf sandbox/shelf \
	>"$state/sandbox.out" 2>"$state/sandbox.log" &
sandbox=$!
await 10 "$sandbox" "$state/sandbox.log" grep -q '^sandbox http' "$state/sandbox.out"
page=$(sed -n 's/^sandbox //p' "$state/sandbox.out" | head -n 1)

sed "s|@SANDBOX@|${page%/}|g; s|@STATE@|$state|g; s|@TREE@|$PWD|g; s|@LISTEN@|${bot_url#http://}|g" \
	deploy/sandbox.yaml >"$state/securitybot.yaml"
export SLACK_APP_TOKEN=xapp-1-A0SANDBOX-1-secret SLACK_BOT_TOKEN=xoxb-T0SANDBOX-secret
export PAGERDUTY_ROUTING_KEY=R0SANDBOXR0SANDBOXR0SANDBOX00000 PAGERDUTY_EU_ROUTING_KEY=R0SANDBOXEUR0SANDBOXEUR0SANDBOX0
SANDBOX_SOURCE_TOKEN=$(cat "$state/token") MAC_KEY=$(random)$(random) AUDIT_KEY=$(random)$(random)
export SANDBOX_SOURCE_TOKEN MAC_KEY AUDIT_KEY
unset CREDENTIALS_DIRECTORY SLACK_API_URL NOTIFY_SOCKET
"$B/securitybot" run --config "$state/securitybot.yaml" >"$state/bot.out" 2>"$state/bot.log" &
bot=$!
send_alert() {
	"$B/securitybot" alert --config "$state/securitybot.yaml" "$alert" --source "$source" >"$state/alert.out" 2>&1
}
await 20 "$bot" "$state/bot.log" send_alert

cat <<END

  SecurityBot is running in a workspace of its own. An alert has just come in.

      $page

  Open it, be one of its people, and answer. Log: $state/bot.log
  Ctrl-C stops everything.

END
wait "$bot"
give_up "the bot ended" "$state/bot.log"
