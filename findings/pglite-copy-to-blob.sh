#!/usr/bin/env bash
# PGlite: two COPY ... TO '/dev/blob' in one exec() give each result both outputs.
#
# Package: @electric-sql/pglite 0.5.17.
# Guess: exec() gives one result per statement, and PGlite's documentation says that a result's blob is the output of
#   its COPY. So the first result holds the first table, the second result the second.
# Behaviour: both results hold both outputs, one after the other. One query() per COPY is right.
# Consequence: an export or a checksum of several tables in one script writes every table into every file. Nothing
#   reports it, and a later COPY FROM loads one table's rows into another when the column types agree.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
npm init --yes >/dev/null
npm install --silent --no-audit --no-fund @electric-sql/pglite@0.5.17
cat >run.mjs <<'EOF'
import { PGlite } from "@electric-sql/pglite";
const db = await PGlite.create();
const show = async (label, results) => {
  for (const r of results.filter((r) => r.blob)) console.log(label, JSON.stringify(await r.blob.text()));
};
await show("one exec:", await db.exec("COPY (SELECT 'first') TO '/dev/blob'; COPY (SELECT 'second') TO '/dev/blob'"));
await show("own query:", [await db.query("COPY (SELECT 'first') TO '/dev/blob'"), await db.query("COPY (SELECT 'second') TO '/dev/blob'")]);
await db.close();
EOF
cat >expected <<'EOF'
one exec: "first\nsecond\n"
one exec: "first\nsecond\n"
own query: "first\n"
own query: "second\n"
EOF
node run.mjs >seen
diff -u expected seen || {
  echo "CHANGED: the output differs from what this script says" >&2
  exit 1
}
echo "as found: each blob of one exec() holds the output of all its COPY statements"
