#!/usr/bin/env bash
# Installs the servers that strategies are tested against, on a Debian machine. What is there already is left alone, so that
# a second run takes no time. None of them is started: tests run their own, at ports and in directories of their own.
set -euo pipefail

packages=(
  chromium
  dnsmasq-base
  fonts-dejavu-core
  iproute2
  nats-server
  openssl
  postgresql
  redis-server
)

if ! command -v apt-get >/dev/null; then
  echo 'This is no Debian. Install dnsmasq, OpenSSL and PostgreSQL with your own tools; the tests use what they find.' >&2
  exit 1
fi
export DEBIAN_FRONTEND=noninteractive

is_installed() {
  [ "$(dpkg-query --show --showformat='${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}

missing=()
for package in "${packages[@]}"; do
  is_installed "$package" || missing+=("$package")
done
if [ "${#missing[@]}" -gt 0 ]; then
  if [ "$(id -u)" -ne 0 ]; then
    echo 'Run this as root: it installs packages.' >&2
    exit 1
  fi
  echo "Installing ${missing[*]}"
  # Services start with their package: none of them is wanted.
  policy=/usr/sbin/policy-rc.d
  if [ ! -e "$policy" ]; then
    printf '#!/bin/sh\nexit 101\n' >"$policy"
    chmod 755 "$policy"
    trap 'rm -f "$policy"' EXIT
  fi
  # Nor is the database that PostgreSQL makes.
  cluster=/etc/postgresql-common/createcluster.conf
  if [ ! -e "$cluster" ]; then
    mkdir -p "${cluster%/*}"
    echo 'create_main_cluster = false' >"$cluster"
  fi
  apt-get update -qq
  apt-get install -y -qq --no-install-recommends -o Dpkg::Options::=--force-confold "${missing[@]}" >/dev/null
fi
echo "Services: ${packages[*]}"
