declare const shape: unique symbol;

/** The name of an evidence document, with the type of its content. */
export type DocumentName<T> = string & { readonly [shape]: T };

/** The content's type, from the name's type. */
export type DocumentOf<Name> = Name extends DocumentName<infer T> ? T : never;

/** Declares a document by its name without `.json`. The content of an undeclared document is unknown. */
export function docName<T = unknown>(name: string): DocumentName<T> {
  return name as DocumentName<T>;
}

/** A document that holds only a time; ISO 8601. */
export interface TimeDoc {
  at: string;
}
