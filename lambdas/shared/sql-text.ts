import pg from "pg";

// For SQL in a message of several statements: such a message takes no parameters.

/** Quotes a text as an SQL literal. */
export const literal = (text: string): string => pg.escapeLiteral(text);

/** Quotes a name as an SQL identifier. */
export const identifier = (name: string): string => pg.escapeIdentifier(name);

/** Quotes a value as a jsonb literal. */
export const jsonLiteral = (value: unknown): string => `${literal(JSON.stringify(value))}::jsonb`;

/** Returns a relation's quoted name, with its schema where one is given. */
export function relationName({ schema, name }: { schema?: string | undefined; name: string }): string {
  return schema === undefined ? identifier(name) : `${identifier(schema)}.${identifier(name)}`;
}
