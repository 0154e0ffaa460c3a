#!/bin/sh
# Runs a command in a Linux kernel of its own, as root, on the files of this machine. It has quotas of ext4 and xfs.
#
#     tests/torture/other_kernel.sh .venv/bin/pytest tests/faults/test_surroundings.py -k quota
#
# Needs Debian's packages user-mode-linux, kmod, quota, e2fsprogs, xfsprogs and btrfs-progs.
set -eu
if [ $$ -ne 1 ]; then
  order=$(mktemp)
  printf "cd '%s'\n%s\n" "$PWD" "$*" >"$order"
  TMPDIR=/dev/shm linux.uml mem=2G root=/dev/root rootfstype=hostfs rootflags=/ rw con=null con0=null,fd:1 \
    "init=$(realpath "$0")" "ORDER=$order" </dev/null
  code=$(cat "$order.code")
  rm "$order" "$order.code"
  exit "$code"
fi

# The first process of that kernel.
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin TMPDIR=/dev/shm HOME=/dev/shm
export PYTHONDONTWRITEBYTECODE=1 PYTEST_ADDOPTS="-p no:cacheprovider --basetemp=/dev/shm/pytest"
mount -t proc proc /proc
mount -t sysfs sys /sys
mkdir -p /dev/shm
mount -t tmpfs -o size=75% shm /dev/shm
for module in loop quota_tree quota_v2; do
  insmod "$(find "/usr/lib/uml/modules/$(uname -r)" -name "$module.ko")"
done
code=0
sh -eu "$ORDER" || code=$?
echo "$code" >"$ORDER.code"
echo o >/proc/sysrq-trigger
sleep 60
