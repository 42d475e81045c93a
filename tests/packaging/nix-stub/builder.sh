# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=bash
source "$stdenv/setup"
eval "$script"
