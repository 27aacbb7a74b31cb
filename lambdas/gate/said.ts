import * as z from "zod";

/**
 * A line that a person typed: no control characters, line ends among them; none that have no meaning or half of one; and
 * none that cannot be seen or that turn the direction of text, which could make one name look like another in the report.
 * Two that join letters cannot be seen either: some scripts need them.
 */
export const line = (most: number) =>
  z
    .string()
    .max(most)
    .regex(
      /^(?:[^\p{Cc}\p{Cs}\p{Cn}\p{Co}\p{Zl}\p{Zp}\p{DI}\p{Bidi_Control}]|\u200c|\u200d)*$/u,
      "one line, without characters that cannot be seen",
    );

/** Lines that a person typed. A browser counts the end of a line as one character, and sends two. */
export const text = (most: number) =>
  z
    .string()
    .transform((value) => value.replace(/\r\n?/g, "\n"))
    .pipe(
      z
        .string()
        .max(most)
        .regex(
          /^(?:[^\p{Cc}\p{Cs}\u202a-\u202e\u2066-\u2069]|\n|\t)*$/u,
          "without control characters, and without marks that turn the direction of text",
        ),
    );
