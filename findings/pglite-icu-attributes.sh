#!/usr/bin/env bash
# PGlite: an ICU collation takes attributes such as ks-level2 without an error and then ignores them.
#
# Package: @electric-sql/pglite 0.5.17 (PostgreSQL 18.6), without its package of further locales.
# Guess: PGlite ships the root locale (und), so the collation from PostgreSQL's manual for comparing without case,
#   und-u-ks-level2, either works or is refused. The same holds for kn (digits as numbers) and kf (capitals first).
# Behaviour: CREATE COLLATION succeeds, and each attribute in the language tag has no effect. The old spelling
#   (und@colNumeric=yes) and custom RULES work, so the ICU code is there. PostgreSQL 18.4 with ICU prints true five times.
# Consequence: a UNIQUE index on a case-insensitive collation accepts both 'A' and 'a' in tests on PGlite. The same
#   migration fails on a real server that holds such rows, or the reverse: a lookup by e-mail finds nothing.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
npm init --yes >/dev/null
npm install --silent --no-audit --no-fund @electric-sql/pglite@0.5.17
cat >run.mjs <<'EOF'
import { PGlite } from "@electric-sql/pglite";
const db = await PGlite.create();
const show = async (label, options, test) => {
  await db.exec(`DROP COLLATION IF EXISTS c; CREATE COLLATION c (provider = icu, ${options})`);
  console.log(label, (await db.query(`SELECT ${test} AS x`)).rows[0].x);
};
await show("ks-level2, 'A' = 'a':", "locale = 'und-u-ks-level2', deterministic = false", "'A' = 'a' COLLATE c");
await show("kn-true, 'a10' > 'a9':", "locale = 'und-u-kn-true'", "'a10' > 'a9' COLLATE c");
await show("kf-upper, 'A' < 'a':", "locale = 'und-u-kf-upper'", "'A' < 'a' COLLATE c");
await show("colNumeric=yes, 'a10' > 'a9':", "locale = 'und@colNumeric=yes'", "'a10' > 'a9' COLLATE c");
await show("rules, 'B' = 'b':", "locale = 'und', rules = '& a < b = B', deterministic = false", "'B' = 'b' COLLATE c");
await db.close();
EOF
cat >expected <<'EOF'
ks-level2, 'A' = 'a': false
kn-true, 'a10' > 'a9': false
kf-upper, 'A' < 'a': false
colNumeric=yes, 'a10' > 'a9': true
rules, 'B' = 'b': true
EOF
node run.mjs >seen
diff -u expected seen || {
  echo "CHANGED: the output differs from what this script says" >&2
  exit 1
}
echo "as found: PGlite accepts ICU attributes in a language tag and ignores them"
