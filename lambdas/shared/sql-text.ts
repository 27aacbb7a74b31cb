import pg from "pg";

// For SQL that is sent as a message of several statements, which takes no parameters.

/** A text as an SQL literal. */
export const literal = (text: string): string => pg.escapeLiteral(text);

/** A name as an SQL identifier. */
export const identifier = (name: string): string => pg.escapeIdentifier(name);

/** A value as a jsonb literal. */
export const jsonLiteral = (value: unknown): string => `${literal(JSON.stringify(value))}::jsonb`;

/** A relation's name, with its schema where it has one. */
export function relationName({ schema, name }: { schema?: string | undefined; name: string }): string {
  return schema === undefined ? identifier(name) : `${identifier(schema)}.${identifier(name)}`;
}
