#!/bin/sh
# A mail, or nothing, by the exit code of the crawl. Run it in the folder of scrapy.cfg, after every crawl:
#     scrapy crawl qq; report.sh $?
# REPORT_TO is who gets the mail (default root).
set -eu
code=$1

# What was mailed is kept as empty files, which a full disk takes longest, in the first of these folders that takes them.
# The last two are mostly on another disk than the archive.
temporary=${TMPDIR:-/tmp}/newsarchive-report-$(id -u)-$(echo "$PWD" | cksum | cut -d ' ' -f 1)
if [ -n "$(find "$temporary" -prune ! -user "$(id -u)" 2>/dev/null)" ]; then temporary=; fi

keep() {  # NAME: as of now
    for folder in "${STATE_DIRECTORY:-.}" "${RUNTIME_DIRECTORY:-}" "$temporary"; do
        if [ -n "$folder" ] && [ "$folder" = "$temporary" ]; then mkdir -m 700 "$folder" 2>/dev/null || true; fi
        if [ -n "$folder" ] && touch "$folder/$1" 2>/dev/null; then return; fi
    done
}
kept() {  # NAME [FIND'S CONDITION]: whether it is kept, and so
    name=$1
    shift
    for folder in "${STATE_DIRECTORY:-.}" "${RUNTIME_DIRECTORY:-}" "$temporary"; do
        if [ -n "$folder" ] && [ -n "$(find "$folder/$name" "$@" 2>/dev/null)" ]; then return 0; fi
    done
    return 1
}
forget_trouble() {
    for folder in "${STATE_DIRECTORY:-.}" "${RUNTIME_DIRECTORY:-}" "$temporary"; do
        if [ -n "$folder" ]; then rm -f "$folder"/.report-told* 2>/dev/null || true; fi
    done
}

case $code in
    0)  keep .report-good
        forget_trouble
        exit 0 ;;
    75) exit 0 ;;  # the run before is still going on: the next one will do
    3)  # the site is away now and then, and the next run tries again; half a day is worth a mail
        kept .report-good || keep .report-good  # away from the very first run on: the half day begins now
        if kept .report-good -mmin -720; then exit 0; fi
        why="the site could not be reached, or refused us, for 12 hours" ;;
    4)  why="the site looks changed: see docs/site-changed.md" ;;
    2)  why="wrong usage: nothing was fetched" ;;
    *)  why="error ($code): the next run goes on where this one stopped" ;;
esac

# The same trouble is told once a day.
if kept ".report-told-$code" && kept .report-told -mmin -1440; then exit 0; fi
{
    if [ "$code" = 2 ]; then  # such a run leaves no status: what was wrong stands in its log alone
        if [ -f crawl.log ]; then
            echo "The end of $PWD/crawl.log:"
            tail -n 5 crawl.log
        else
            echo "What was wrong: journalctl -u newsarchive"
        fi
        echo
    fi
    scrapy status || true
} 2>&1 | mail -s "newsarchive: $why" "${REPORT_TO:-root}"
forget_trouble
keep .report-told
keep ".report-told-$code"
