#!/usr/bin/env bash
# Prints the home of a Java 17 or 21. On a Debian-like machine, as root, it installs the headless runtime when there is
# none; elsewhere it says what to install and exits 3. With a version as its argument it only looks for that one.
set -euo pipefail
wanted=${1:-}

major() { "$1" -version 2>&1 | sed -n 's/.*version "\([0-9]*\).*/\1/p' | head -n 1; }

usable() {
  [ -x "$1/bin/java" ] || return 1
  local found
  found=$(major "$1/bin/java")
  case "${wanted:-any}:$found" in any:17 | any:21 | "$found:$found") return 0 ;; *) return 1 ;; esac
}

find_java() {
  local home java
  if [ -n "${JAVA_HOME:-}" ] && usable "$JAVA_HOME"; then echo "$JAVA_HOME"; return 0; fi
  if java=$(command -v java); then
    home=$(dirname "$(dirname "$(readlink -f "$java")")")
    if usable "$home"; then echo "$home"; return 0; fi
  fi
  for home in /usr/lib/jvm/* /Library/Java/JavaVirtualMachines/*/Contents/Home; do
    if usable "$home"; then echo "$home"; return 0; fi
  done
  return 1
}

if find_java; then exit 0; fi
if [ -n "$wanted" ]; then
  echo "no Java $wanted was found" >&2
  exit 3
fi
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
  echo "installing a headless Java runtime (once)" >&2
  export DEBIAN_FRONTEND=noninteractive
  { apt-get update -qq && { apt-get install -y -qq openjdk-17-jre-headless || apt-get install -y -qq openjdk-21-jre-headless; }; } >&2
  if find_java; then exit 0; fi
fi
cat >&2 <<'EOF'
no Java 17 or 21 was found; Spark needs one. Install it and run this again:
  Debian, Ubuntu   sudo apt-get install openjdk-17-jre-headless   (or openjdk-21-jre-headless)
  Fedora, RHEL     sudo dnf install java-21-openjdk-headless
  macOS            brew install openjdk@21
or set JAVA_HOME to one that is already there.
EOF
exit 3
