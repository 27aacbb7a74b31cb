/** SQL expression: the grants of an aclitem[] expression, one line for each grantee and grantor. */
export const GRANTS_OF = (acl: string) => `(
  SELECT string_agg(format('granted to %s by %s: %s', grantee, grantor, privileges), chr(10)
                    ORDER BY grantee COLLATE "C", grantor COLLATE "C")
  FROM (
    SELECT CASE g.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(g.grantee)) END AS grantee,
           quote_ident(pg_get_userbyid(g.grantor)) AS grantor,
           string_agg(g.privilege_type || CASE WHEN g.is_grantable THEN ' with grant option' ELSE '' END, ', '
                      ORDER BY g.privilege_type COLLATE "C", g.is_grantable) AS privileges
    FROM aclexplode(${acl}) g GROUP BY g.grantee, g.grantor
  ) of_grantee)`;

/** SQL expression: the elements of a text[] expression, sorted; NULL if there are none. */
export const SORTED = (array: string) =>
  `(SELECT string_agg(element, ', ' ORDER BY element COLLATE "C") FROM unnest(${array}) element)`;

/** SQL expression: `label` if the condition holds, otherwise NULL (which concat_ws leaves out). */
export const WHEN = (condition: string, label: string) => `CASE WHEN ${condition} THEN ${label} END`;

/** SQL expression: the lines of a definition without those that are NULL. */
export const LINES = (...lines: string[]) => `concat_ws(chr(10), ${lines.join(",\n    ")})`;
