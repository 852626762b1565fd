#!/bin/sh
# Drops from a copy of the base image what no job needs and what helps an intruder: package managers, Perl, everything
# to do with accounts, logins and disks, compilers, and the libraries only those use. Python and the plain tools to look
# around with (shell, coreutils, grep, sed, tar) stay. dpkg's status file stays true: it is what scanners and the SBOM read.
set -eu

root=$1
packages='
    adduser apt bsdutils debconf debian-archive-keyring dpkg e2fsprogs gpgv init-system-helpers login logsave mount
    ncurses-bin openssl passwd perl-base python3-distutils python3-lib2to3 python3-pip-whl python3-setuptools-whl
    python3-venv python3.11-venv sysvinit-utils usr-is-merged util-linux util-linux-extra
    binutils binutils-common binutils-aarch64-linux-gnu binutils-x86-64-linux-gnu libbinutils libctf0 libctf-nobfd0
    libgprofng0 libjansson4
    libapt-pkg6.0 libaudit-common libaudit1 libblkid1 libcap-ng0 libcap2 libcom-err2 libext2fs2
    libfdisk1 libgcrypt20 libgnutls30 libgpg-error0 libgssapi-krb5-2 libhogweed6 libidn2-0 libk5crypto3
    libkeyutils1 libkrb5-3 libkrb5support0 libmount1 libnettle8 libnsl2 libp11-kit0 libpam-modules libpam-modules-bin
    libpam-runtime libpam0g libseccomp2 libsemanage-common libsemanage2 libsepol2 libsmartcols1 libss2 libsystemd0
    libtasn1-6 libtirpc-common libtirpc3 libudev1 libunistring2 libxxhash0
'

cd "$root"
# The maintainer scripts would act on a system that runs; this one only holds files.
rm -f var/lib/dpkg/info/*.preinst var/lib/dpkg/info/*.postinst var/lib/dpkg/info/*.prerm var/lib/dpkg/info/*.postrm
installed=$(dpkg-query --admindir=var/lib/dpkg --show --showformat='${binary:Package} ')
purge=''
for package in $packages; do
    for name in $installed; do
        [ "${name%:*}" != "$package" ] || purge="$purge $name"
    done
done
# shellcheck disable=SC2086  # a list of names
dpkg --root="$root" --force-depends --force-remove-essential --force-remove-protected --purge $purge >/dev/null 2>&1 ||
    { echo "prune-base: dpkg could not remove$purge" >&2; exit 1; }

find var/lib/dpkg -mindepth 1 ! -name status -delete
rm -rf etc/apt etc/cron.* etc/rc?.d etc/dpkg etc/init.d etc/logrotate.d etc/pam.d etc/security etc/skel etc/systemd etc/terminfo \
    usr/lib/apt usr/lib/dpkg usr/lib/systemd usr/share/debconf usr/share/keyrings usr/share/perl5 usr/src \
    var/backups/* var/cache/* var/lib/apt var/lib/pam var/lib/systemd var/log/* var/mail tmp/* root/.[!.]* run/* \
    etc/hostname etc/machine-id etc/resolv.conf etc/*- etc/.pwd.lock

for stdlib in usr/lib/python3.* usr/local/lib/python3.*; do
    [ -d "$stdlib" ] || continue
    # NIS is gone from Python itself, and needs Kerberos here.
    rm -rf "$stdlib"/ensurepip "$stdlib"/idlelib "$stdlib"/lib2to3 "$stdlib"/pydoc_data "$stdlib"/test "$stdlib"/tkinter \
        "$stdlib"/turtledemo "$stdlib"/config-* "$stdlib"/lib-dynload/nis.* "$stdlib"/lib-dynload/_test* \
        "$stdlib"/lib-dynload/_tkinter* "$stdlib"/site-packages/*
done
rm -rf usr/local/include usr/local/share/man usr/local/lib/pkgconfig usr/local/lib/*.a usr/local/bin/pip* \
    usr/local/bin/idle* usr/local/bin/pydoc* usr/local/bin/2to3* usr/local/bin/python*-config
find . -xdev -name __pycache__ -prune -exec rm -rf {} +
find usr/lib -path '*/gconv/*' -name '*.so' ! -name 'UTF*' ! -name 'ISO8859-1*' -delete

# Links to what is gone: as the image itself would resolve them.
chroot . /usr/bin/find / -xdev -xtype l -delete
ldconfig -r "$root"
rm -rf var/cache/*
find . -xdev -type f -perm /6000 -exec chmod ug-s {} +
