/** A name in SQL for people to copy: without quotes where it needs none. Apart from what needs a driver. */
export const nameInSql = (name: string): string =>
  /^[a-z_][a-z0-9_$]*$/.test(name) ? name : `"${name.replaceAll('"', '""')}"`;
