#!/usr/bin/env bash
# PGlite: every libc collation is accepted, a misspelt one too, and all of them sort by bytes.
#
# Package: @electric-sql/pglite 0.5.17 (PostgreSQL 18.6).
# Guess: pg_collation lists en_US, so it sorts as en_US does: 'a' before 'B'. PostgreSQL refuses a libc locale that
#   the machine does not have (22023, could not create locale), so a typing error shows at once.
# Behaviour: en_US puts 'B' before 'a', as C does. CREATE COLLATION takes any name with provider libc.
#   PostgreSQL 18.4 refuses the second name below.
# Consequence: a test of ORDER BY or of a range under COLLATE "en_US" proves the order of C. A migration with a locale
#   that production lacks passes its rehearsal on PGlite and fails there.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
npm init --yes >/dev/null
npm install --silent --no-audit --no-fund @electric-sql/pglite@0.5.17
cat >run.mjs <<'EOF'
import { PGlite } from "@electric-sql/pglite";
const db = await PGlite.create();
const listed = await db.query("SELECT collcollate FROM pg_collation WHERE collname = 'en_US'");
console.log("listed:", listed.rows[0].collcollate);
await db.exec("CREATE COLLATION misspelt (provider = libc, locale = 'en_UX.utf8')");
for (const name of ["C", "en_US", "misspelt"]) {
  const sql = `SELECT string_agg(x, ' ' ORDER BY x COLLATE "${name}") AS s FROM unnest(ARRAY['b', 'A', 'a', 'B']) AS x`;
  console.log(`${name}:`, (await db.query(sql)).rows[0].s);
}
await db.close();
EOF
cat >expected <<'EOF'
listed: en_US.utf8
C: A B a b
en_US: A B a b
misspelt: A B a b
EOF
node run.mjs >seen
diff -u expected seen || {
  echo "CHANGED: the output differs from what this script says" >&2
  exit 1
}
echo "as found: PGlite accepts any libc locale and sorts it by bytes"
