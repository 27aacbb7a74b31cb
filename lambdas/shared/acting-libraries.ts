/** Libraries whose background workers change data by themselves, and that no setting stops: a copy does not load them. */
export const ACTING_LIBRARIES: readonly string[] = [
  "pg_partman_bgw",
  "pglogical",
  "spock",
  "pgactive",
  "bdr",
  "pg_squeeze",
];
