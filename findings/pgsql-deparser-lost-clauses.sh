#!/usr/bin/env bash
# pgsql-deparser: some clauses are dropped, and the SQL that comes out is valid and means something else.
#
# Packages: pgsql-parser 18.2.8 with pgsql-deparser 18.3.8 (PostgreSQL 18 grammar).
# Guess: the parser is PostgreSQL's own, so parsing, printing and parsing again gives the same tree, or printing
#   throws, as it does for other statements that it does not know.
# Behaviour: the printed statement parses, to another tree. AND CHAIN, UNLOGGED, FROM, TABLESPACE and OWNED BY
#   go. A grant on a setting becomes a grant on a table of that name. A quoted channel loses its quotes.
# Consequence: a tool that formats or rewrites migrations through this printer changes them. Compare the tree of what was
#   printed with the tree of the original, as below, and refuse where they differ.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
npm init --yes >/dev/null
npm install --silent --no-audit --no-fund pgsql-parser@18.2.8 pgsql-deparser@18.3.8
cat >run.mjs <<'EOF'
import { deparse } from "pgsql-deparser";
import { parse } from "pgsql-parser";
const tree = (parsed) => JSON.stringify(parsed, (k, v) => (k === "location" || k === "stmt_len" ? undefined : v));
for (const sql of [
  "COMMIT AND CHAIN",
  "SELECT a INTO UNLOGGED x FROM t",
  "CREATE TABLE t (a int) TABLESPACE fast",
  "CREATE CONSTRAINT TRIGGER c AFTER INSERT ON x FROM y FOR EACH ROW EXECUTE FUNCTION f()",
  "ALTER TABLE ALL IN TABLESPACE a OWNED BY b SET TABLESPACE c",
  "GRANT SET ON PARAMETER work_mem TO a",
  'LISTEN "Jobs"',
]) {
  const before = await parse(sql);
  const printed = await deparse(before);
  const same = tree(before) === tree(await parse(printed));
  console.log(`${same ? "same" : "DIFFERENT"}: ${printed.replace(/\s+/g, " ")}`);
}
EOF
cat >expected <<'EOF'
DIFFERENT: COMMIT
DIFFERENT: SELECT a INTO x FROM t
DIFFERENT: CREATE TABLE t ( a int )
DIFFERENT: CREATE CONSTRAINT TRIGGER c AFTER INSERT ON x FOR EACH ROW EXECUTE PROCEDURE f()
DIFFERENT: ALTER TABLE ALL IN TABLESPACE a SET TABLESPACE c
DIFFERENT: GRANT SET ON work_mem TO a
DIFFERENT: LISTEN Jobs
EOF
node run.mjs >seen
diff -u expected seen || {
  echo "CHANGED: the output differs from what this script says" >&2
  exit 1
}
echo "as found: clauses are lost without an error"
