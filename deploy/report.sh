#!/bin/sh
# A mail, or nothing, by the exit code of the crawl. Run it in the folder of scrapy.cfg, after every crawl:
#     scrapy crawl qq; report.sh $?
# REPORT_TO is who gets the mail (default root).
set -eu
code=$1

case $code in
    0)  : > .report-good
        rm -f .report-told
        exit 0 ;;
    75) exit 0 ;;  # the run before is still going on: the next one will do
    3)  # the site is away now and then, and the next run tries again; half a day is worth a mail
        [ -e .report-good ] || : > .report-good  # away from the very first run on: the half day begins now
        if [ -n "$(find .report-good -mmin -720 2>/dev/null)" ]; then exit 0; fi
        why="the site could not be reached, or refused us, for 12 hours" ;;
    4)  why="the site looks changed: see docs/site-changed.md" ;;
    2)  why="wrong usage: nothing was fetched" ;;
    *)  why="error ($code): the next run goes on where this one stopped" ;;
esac

# The same trouble is told once a day.
if [ "$(cat .report-told 2>/dev/null)" = "$code" ] && [ -n "$(find .report-told -mmin -1440)" ]; then exit 0; fi
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
echo "$code" > .report-told
