declare const shape: unique symbol;

/** The name of an evidence document, with the type of what the document holds. */
export type DocumentName<T> = string & { readonly [shape]: T };

/** What a document holds, by its name's type. */
export type DocumentOf<Name> = Name extends DocumentName<infer T> ? T : never;

/** Declares a document by its name without `.json`. What an undeclared document holds is unknown. */
export function docName<T = unknown>(name: string): DocumentName<T> {
  return name as DocumentName<T>;
}

/** A document that only notes when something happened; ISO 8601. */
export interface TimeDoc {
  at: string;
}
