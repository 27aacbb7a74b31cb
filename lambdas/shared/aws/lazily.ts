/** A value that is made when it is first asked for. A failed attempt is not kept: the next one asks again. */
export function lazily<T>(make: () => T): () => T {
  let made: { value: T } | undefined;
  return () => {
    made ??= { value: make() };
    return made.value;
  };
}
