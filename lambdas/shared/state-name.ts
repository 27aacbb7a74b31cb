/**
 * What people call a state that works on one migration: `Apply to staging` is `Apply 006 to staging`. The machine's
 * states are the same for every plan, and go through its migrations in a loop.
 */
export function stateInWords(state: string, version: string | undefined): string {
  if (version === undefined) return state;
  const verb =
    /^(?:(?:Time|Gate|Escalate|Confirm|Look at the backup): after|Roll back|\w+)/.exec(state)?.[0] ?? state;
  return `${verb} ${version}${state.slice(verb.length)}`;
}
