#!/bin/sh
# Runs a program on what looks like a machine of its own: this one's files, with every change kept in memory and gone at the end,
# and nothing in /opt, /root, /run, /var/lib and /usr/local. Processes that it starts end with it.
# usage: unshare --mount --pid --fork --kill-child sh bareMachine.sh PROGRAM [ARGUMENT ...]
set -eu
mount --make-rprivate /
base=$(mktemp -d)
mount -t tmpfs -o mode=0755 tmpfs "$base"
mkdir "$base/upper" "$base/work" "$base/root"
mount -t overlay overlay -o "lowerdir=/,upperdir=$base/upper,workdir=$base/work" "$base/root"
cd "$base/root"
mount -t proc proc proc
mount --rbind /dev dev
mount --rbind /sys sys
for empty in opt root run var/lib usr/local; do
  mount -t tmpfs -o mode=0755 tmpfs "$empty"
done
mkdir -p run/sshd usr/local/bin before
# A change of the root, not a chroot: in a chroot no user namespace can be made.
pivot_root . before
umount -l /before
exec "$@"
