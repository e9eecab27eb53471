#!/usr/bin/env bash
# Installs what the interop tests need on a Debian machine: Erlang/OTP of the distribution itself, the foreign clients'
# compilers and libraries, and two more OTP releases in directories of their own, entered by chroot. What is there
# already is left alone, so that a second run takes a second.
#
#   TSUNAGI_OTP_DIR   where the other releases live (default /var/cache/tsunagi-otp)
#   TSUNAGI_MIRROR    Debian mirror (default: the one the machine's own apt uses)
set -euo pipefail

directory=${TSUNAGI_OTP_DIR:-/var/cache/tsunagi-otp}
packages=(
  erlang-base erlang-dev erlang-ssl erlang-jinterface elixir
  nats-server redis-server
  gcc libc6-dev default-jdk-headless
  iproute2 util-linux debootstrap
)

if ! command -v apt-get >/dev/null; then
  echo 'This is no Debian. Install Erlang/OTP and Elixir with your own tools; the tests use what they find.' >&2
  exit 1
fi
if [ "$(id -u)" -ne 0 ]; then
  echo 'Run this as root: it installs packages and bootstraps directories for chroot.' >&2
  exit 1
fi
export DEBIAN_FRONTEND=noninteractive

is_installed() {
  [ "$(dpkg-query --show --showformat='${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}

# A Java compiler of any make will do.
has_what_it_brings() {
  [ "$1" = default-jdk-headless ] && command -v javac >/dev/null
}

missing=()
for package in "${packages[@]}"; do
  is_installed "$package" || has_what_it_brings "$package" || missing+=("$package")
done
if [ "${#missing[@]}" -gt 0 ]; then
  echo "Installing ${missing[*]}"
  # Services start with their package: none of them is wanted, tests run their own.
  policy=/usr/sbin/policy-rc.d
  if [ ! -e "$policy" ]; then
    printf '#!/bin/sh\nexit 101\n' >"$policy"
    chmod 755 "$policy"
    trap 'rm -f "$policy"' EXIT
  fi
  apt-get update -qq
  apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
fi

otp_release() {
  "$@" erl -noshell -eval 'io:put_chars(erlang:system_info(otp_release)), halt(0, [{flush, true}]).' 2>/dev/null </dev/null
}

# The first mirror of the machine's own apt.
mirror() {
  if [ -n "${TSUNAGI_MIRROR:-}" ]; then
    echo "$TSUNAGI_MIRROR"
    return
  fi
  local found
  found=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 2>/dev/null | grep -v security | head -n 1) || true
  echo "${found:-http://deb.debian.org/debian}"
}

# bootstrap SUITE OLDEST: the suite's OTP must be at least OLDEST.
bootstrap() {
  local suite=$1 oldest=$2 root=$directory/$1 release
  release=$(HOME=/root otp_release chroot "$root") || release=
  if [ -z "$release" ]; then
    echo "Bootstrapping Debian $suite into $root"
    mkdir -p "$directory"
    # Under another name until it is whole, so that a run that was cut short is never taken for one.
    local part="$root.part"
    rm -rf "$part"
    debootstrap --variant=minbase --include=erlang-base,erlang-ssl,elixir "$suite" "$part" "$(mirror)" >"$part.log" 2>&1 || {
      tail -n 20 "$part.log" >&2
      return 1
    }
    rm -rf "$root" "$part.log"
    mv "$part" "$root"
    rm -rf "$root"/var/cache/apt/archives/*.deb "$root"/var/lib/apt/lists/*
    release=$(HOME=/root otp_release chroot "$root")
  fi
  if [ "$release" -lt "$oldest" ]; then
    echo "Debian $suite in $root has OTP $release, expected $oldest or newer" >&2
    return 1
  fi
  echo "OTP $release in $root"
}

echo "OTP $(otp_release env) on the host"
bootstrap trixie 27
bootstrap sid 29
