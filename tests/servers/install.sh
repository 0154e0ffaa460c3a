#!/bin/sh
# Install the servers that the tests of stores run against: Debian's packages, and Azurite into build/servers.
# usage: tests/servers/install.sh          (what is there already is left alone)
set -eu
cd "$(dirname "$0")/../.."

have() { PATH="$PATH:/usr/sbin" command -v "$1" >/dev/null 2>&1; }

packages=
have radosgw && have ceph-mon && have ceph-osd || packages="radosgw ceph-mon ceph-osd"
have sshd && have ssh-keygen || packages="$packages openssh-server openssh-client"
have node && have npm || packages="$packages nodejs npm"
if [ -n "$packages" ]; then
  sudo=
  [ "$(id -u)" = 0 ] || sudo=sudo
  $sudo apt-get update -qq
  # shellcheck disable=SC2086  # a list of words
  DEBIAN_FRONTEND=noninteractive $sudo apt-get install -y -qq --no-install-recommends $packages
fi
if ! have azurite-blob && [ ! -x build/servers/node_modules/.bin/azurite-blob ]; then
  mkdir -p build/servers
  npm install --prefix build/servers --no-audit --no-fund --loglevel=error azurite
fi
