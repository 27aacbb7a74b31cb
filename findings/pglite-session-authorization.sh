#!/usr/bin/env bash
# PGlite: RESET SESSION AUTHORIZATION and DISCARD ALL do not give the session back.
#
# Package: @electric-sql/pglite 0.5.17 (PostgreSQL 18.6).
# Guess: PostgreSQL's manual says that the RESET and DEFAULT forms return the session to the user who logged in, and
#   that DISCARD ALL resets the session authorization. A superuser who became another role is a superuser again.
# Behaviour: PGlite raises no error and stays the other role. Only a SET SESSION AUTHORIZATION that names the superuser
#   brings it back. PostgreSQL 18.4 returns to postgres in every case below.
# Consequence: a test that plays another user this way runs the rest of its statements as that user. A pool that sends
#   DISCARD ALL between borrowers hands the role on. SET ROLE and RESET ROLE work as they should.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
npm init --yes >/dev/null
npm install --silent --no-audit --no-fund @electric-sql/pglite@0.5.17
cat >run.mjs <<'EOF'
import { PGlite } from "@electric-sql/pglite";
const db = await PGlite.create();
await db.exec("CREATE ROLE visitor");
const who = async () => (await db.query("SELECT session_user AS s, current_setting('is_superuser') AS su")).rows[0];
for (const back of ["RESET SESSION AUTHORIZATION", "SET SESSION AUTHORIZATION DEFAULT", "DISCARD ALL", "SET SESSION AUTHORIZATION postgres"]) {
  await db.exec("SET SESSION AUTHORIZATION visitor");
  await db.exec(back);
  const { s, su } = await who();
  console.log(`${back}: session_user ${s}, superuser ${su}`);
  await db.exec("SET SESSION AUTHORIZATION postgres");
}
await db.exec("SET ROLE visitor; RESET ROLE");
console.log(`RESET ROLE: superuser ${(await who()).su}`);
await db.close();
EOF
cat >expected <<'EOF'
RESET SESSION AUTHORIZATION: session_user visitor, superuser off
SET SESSION AUTHORIZATION DEFAULT: session_user visitor, superuser off
DISCARD ALL: session_user visitor, superuser off
SET SESSION AUTHORIZATION postgres: session_user postgres, superuser on
RESET ROLE: superuser on
EOF
node run.mjs >seen
diff -u expected seen || {
  echo "CHANGED: the output differs from what this script says" >&2
  exit 1
}
echo "as found: RESET SESSION AUTHORIZATION and DISCARD ALL keep the other user in PGlite"
