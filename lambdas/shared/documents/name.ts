declare const shape: unique symbol;

/** The name of an evidence document, with the type of its content. */
export type DocumentName<T> = string & { readonly [shape]: T };

/** The content's type, from the name's type. */
export type DocumentOf<Name> = Name extends DocumentName<infer T> ? T : never;

/** Types a name that is not one of those declared. The content of an untyped document is unknown. */
export function docName<T = unknown>(name: string): DocumentName<T> {
  return name as DocumentName<T>;
}

/**
 * Who sees a document's content. `shown`: the report. `secret`: only the gates and their pages; no other function may
 * read it, and a copy of the evidence needs none. Without either, it is read in the evidence itself.
 */
export type Sight = "shown" | "secret";

type Part = string | number | Date;

/** A kind of document: its name without `.json`, in which each `*` stands for one part of type `P`. */
export interface Declaration<T, P extends readonly Part[]> {
  form: string;
  sight: Sight | undefined;
  readonly [shape]?: [T, P];
}

export function doc<T, P extends readonly Part[] = []>(form: string, sight?: Sight): Declaration<T, P> {
  return { form, sight };
}

type Named<D> = {
  readonly [Key in keyof D]: D[Key] extends Declaration<infer T, infer P>
    ? P extends readonly []
      ? DocumentName<T>
      : (...parts: P) => DocumentName<T>
    : never;
};

/** Returns the name of each declared document; where it has parts, a function of them. */
export function named<D extends Record<string, Declaration<unknown, readonly Part[]>>>(
  declarations: D,
): Named<D> {
  return Object.fromEntries(
    Object.entries(declarations).map(([key, { form }]) => {
      const [start = "", ...rest] = form.split("*");
      const fill = (...parts: Part[]) =>
        rest.reduce((name, text, i) => name + textOf(parts[i] ?? "") + text, start);
      return [key, rest.length === 0 ? form : fill];
    }),
  ) as Named<D>;
}

/** Times in names sort as text, and need no escaping in a file's name. */
function textOf(part: Part): string {
  return part instanceof Date ? part.toISOString().replace(/[:.]/g, "-") : String(part);
}

/** A document that holds only a time; ISO 8601. */
export interface TimeDoc {
  at: string;
}
