# shellcheck shell=sh
# For login shells; the same as the PATH in the Dockerfile.
PATH=/opt/km3net/bin:$HOME/.local/bin:/usr/local/bin:/usr/bin:/bin
export PATH
