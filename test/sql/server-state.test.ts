import { expect, test } from "vitest";
import { serverChanges, takeServerState } from "../../local/server-state.ts";
import { useEmbedded } from "../support/embedded.ts";

const session = useEmbedded("CREATE ROLE app_user; CREATE ROLE keeper; GRANT keeper TO app_user");

test.each([
  [
    "a membership that may be granted on",
    "GRANT keeper TO app_user WITH ADMIN OPTION",
    /^role app_user .*may grant it/,
  ],
  [
    "a membership without its rights",
    "GRANT keeper TO app_user WITH INHERIT FALSE",
    /^role app_user .*without its/,
  ],
  [
    "a role of the server's own that becomes a member",
    "GRANT keeper TO pg_monitor",
    /^role pg_monitor changed/,
  ],
  ["a comment on a role", "COMMENT ON ROLE keeper IS 'x'", /^role keeper changed: now "comment: x"/],
  [
    "rights on a tablespace",
    "GRANT CREATE ON TABLESPACE pg_default TO keeper",
    /^tablespace pg_default changed/,
  ],
  ["a comment on the database", "COMMENT ON DATABASE postgres IS 'x'", /^database postgres changed/],
])("a copy's migration that changes the server is noticed: %s", async (_, change, line) => {
  const before = await takeServerState(session, "postgres");
  await session.exec(`BEGIN; ${change}`);
  const changed = serverChanges(before, await takeServerState(session, "postgres"));
  await session.exec("ROLLBACK");
  expect(changed).toEqual([expect.stringMatching(line)]);
  expect(serverChanges(before, await takeServerState(session, "postgres"))).toEqual([]);
});
