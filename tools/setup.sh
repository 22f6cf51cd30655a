#!/bin/sh
# setup: the Debian 12 packages a task needs; asks the network only when one is missing.
# Usage: tools/setup.sh [build] [test] [lint] [valgrind] [fuzz] [browser] [conformance]     (as root, or with sudo)
set -eu
cd "$(dirname "$0")/.."
export LC_ALL=C

# PACKAGE, or PACKAGE=COMMAND: a command of that name, wherever it comes from, will do as well.
build="gcc=gcc libc6-dev make=make pkg-config=pkg-config ca-certificates libwebsockets-dev libcurl4-openssl-dev
	libcjson-dev libsqlite3-dev libyaml-dev libjq-dev libssl-dev"
group() {
	case $1 in
	build) echo "$build" ;;
	test) echo "$build libcmocka-dev" ;;
	lint) echo "$build libcmocka-dev clang-format=clang-format clang-tidy=clang-tidy cppcheck=cppcheck" ;;
	valgrind) echo "$build libcmocka-dev valgrind=valgrind libc6-dbg" ;;
	fuzz) echo "$build libcmocka-dev clang=clang libclang-rt-14-dev llvm=llvm-cov" ;;
	conformance) echo "$build nodejs=node npm=npm iproute2=ip util-linux=unshare" ;;
	browser) echo "$build chromium=chromium fonts-noto-color-emoji fonts-dejavu-core nodejs=node npm=npm" ;;
	*)
		echo "setup: no such group: $1 (build test lint valgrind fuzz browser conformance)" >&2
		exit 64
		;;
	esac
}

missing_of() {
	for entry in "$@"; do
		case $entry in
		*=*) command -v "${entry#*=}" >/dev/null && continue ;;
		esac
		case $(dpkg-query -W -f='${db:Status-Status} ' "${entry%%=*}" 2>/dev/null) in
		*"installed "*) ;;
		*) echo "${entry%%=*}" ;;
		esac
	done
}

apt_get() {
	$root env DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=300 -o Acquire::Retries=3 \
		-o Dpkg::Use-Pty=0 "$@" </dev/null
}
apt_install() {
	root=
	if [ "$(id -u)" != 0 ]; then
		root=sudo
		if ! command -v sudo >/dev/null; then
			echo "setup: not root and no sudo; please install:" "$@" >&2
			exit 69
		fi
	fi
	echo "setup: installing" "$@"
	log=$(mktemp)
	apt_get update >"$log" 2>&1 || cat "$log" >&2
	if ! apt_get install -y --no-install-recommends "$@" >"$log" 2>&1; then
		cat "$log" >&2
		echo "setup: apt-get could not install:" "$@" >&2
		exit 69
	fi
	rm -f "$log"
}

# The JavaScript tests pin their packages; node_modules holds a copy of the lock file it was made from.
npm_install() {
	[ -f "$1/package-lock.json" ] || return 0
	cmp -s "$1/package-lock.json" "$1/node_modules/.made-from" && return 0
	echo "setup: npm ci in $1"
	(cd "$1" && npm ci --no-audit --no-fund --loglevel=error </dev/null >&2)
	cp "$1/package-lock.json" "$1/node_modules/.made-from"
}

wanted=
[ $# -gt 0 ] || set -- build
for name in "$@"; do
	list=$(group "$name")
	wanted="$wanted $list"
done
if command -v dpkg-query >/dev/null && command -v apt-get >/dev/null; then
	missing=$(missing_of $wanted | sort -u)
	[ -z "$missing" ] || apt_install $missing
else
	echo "setup: no apt-get here; going on in the hope that these, or what they are called here, are installed:" >&2
	echo $(printf '%s\n' $wanted | sed 's/=.*//' | sort -u) >&2
fi
case " $* " in
*" browser "* | *" conformance "*)
	for folder in . tests/browser tests/conformance; do
		npm_install "$folder"
	done
	;;
esac
