#!/bin/sh
# Install what tests run against: servers, a browser and shells with apt, and Azurite into build/servers with npm.
# usage: tests/servers/install.sh          (it skips what is already installed)
set -eu
cd "$(dirname "$0")/../.."

have() { PATH="$PATH:/usr/sbin" command -v "$1" >/dev/null 2>&1; }

packages=
have radosgw && have ceph-mon && have ceph-osd || packages="radosgw ceph-mon ceph-osd"
have sshd && have ssh-keygen || packages="$packages openssh-server openssh-client"
have chromium || have google-chrome || packages="$packages chromium"
have zsh && have fish || packages="$packages zsh fish"
have node && have npm || packages="$packages nodejs npm"
if [ -n "$packages" ]; then
  echo "Installing with apt: $packages"
  sudo=
  [ "$(id -u)" = 0 ] || sudo=sudo
  $sudo apt-get update
  # shellcheck disable=SC2086  # a list of words
  DEBIAN_FRONTEND=noninteractive $sudo apt-get install -y --no-install-recommends $packages
fi
if ! have azurite-blob && [ ! -x build/servers/node_modules/.bin/azurite-blob ]; then
  echo "Installing Azurite into build/servers with npm"
  mkdir -p build/servers
  npm install --prefix build/servers --no-audit --no-fund --loglevel=http azurite
fi
echo "Installed: Ceph (radosgw, ceph-mon, ceph-osd), OpenSSH (sshd), Azurite, Chromium, zsh, fish."
