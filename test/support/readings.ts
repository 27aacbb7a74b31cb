import type { Session } from "../../lambdas/shared/session.ts";

/** Returns the session, and a count of its reads of the whole catalog: each in its own transaction. */
export function countingReadings(session: Session): { session: Session; readings(): number } {
  let begun = 0;
  return {
    session: {
      query: (text, params) => session.query(text, params),
      exec: (text) => {
        if (text.startsWith("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")) begun += 1;
        return session.exec(text);
      },
      together: (statements) => session.together(statements),
    },
    readings: () => begun,
  };
}
