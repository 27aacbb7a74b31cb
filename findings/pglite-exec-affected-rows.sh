#!/usr/bin/env bash
# PGlite: affectedRows of exec() adds up over the statements of the call.
#
# Package: @electric-sql/pglite 0.5.17.
# Guess: exec() gives one result per statement, and each result's affectedRows is the count of that statement, as with
#   a single query() and as in the server's own command tags (INSERT 0 2, INSERT 0 1, DELETE 1, SELECT 1).
# Behaviour: each result holds the sum of all rows changed so far in the call. A SELECT at the end, which changes
#   nothing, reports all of them. The rowCount beside it is right for a SELECT.
# Consequence: a migration or test that checks 'this UPDATE changed exactly n rows' in a script of several statements
#   passes or fails by what stands above it. Send such a statement alone.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
npm init --yes >/dev/null
npm install --silent --no-audit --no-fund @electric-sql/pglite@0.5.17
cat >run.mjs <<'EOF'
import { PGlite } from "@electric-sql/pglite";
const db = await PGlite.create();
await db.exec("CREATE TABLE t (a int)");
const script = ["INSERT INTO t VALUES (1), (2)", "INSERT INTO t VALUES (3)", "DELETE FROM t WHERE a = 3", "SELECT 1"];
const together = await db.exec(script.join(";"));
await db.exec("TRUNCATE t");
for (const [i, sql] of script.entries()) {
  const alone = await db.query(sql);
  console.log(`${sql}: in the script ${together[i].affectedRows}, alone ${alone.affectedRows}`);
}
await db.close();
EOF
cat >expected <<'EOF'
INSERT INTO t VALUES (1), (2): in the script 2, alone 2
INSERT INTO t VALUES (3): in the script 3, alone 1
DELETE FROM t WHERE a = 3: in the script 4, alone 1
SELECT 1: in the script 4, alone 0
EOF
node run.mjs >seen
diff -u expected seen || {
  echo "CHANGED: the output differs from what this script says" >&2
  exit 1
}
echo "as found: affectedRows of exec() is a running total"
