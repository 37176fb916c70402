# SPDX-License-Identifier: MIT
"""The roots of the matrix: of each Debian release one that a deb's dependencies are in, one that has rpm and none of our
libraries, and one with nothing at all."""

from support.roots import BOOTABLE, cached_root

WITHOUT_LIBRARIES = [package for package in BOOTABLE if not package.startswith("libcjson")]


def deb_root(suite):
    return cached_root(suite)


def rpm_root(suite):
    """For what carries its libraries with it."""
    return cached_root(suite, [*WITHOUT_LIBRARIES, "rpm"])


def bare_root(suite):
    return cached_root(suite, [])


def prepare(suite):
    for make in deb_root, rpm_root, bare_root:
        make(suite)
