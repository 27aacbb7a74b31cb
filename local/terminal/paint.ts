import { styleText } from "node:util";

type Style = "bold" | "dim" | "green" | "red" | "yellow" | "cyan";

/** Marks text up, or leaves it plain. */
export type Paint = (styles: Style | readonly Style[], text: string) => string;

export const plain: Paint = (_, text) => text;

// Who asks has looked at the stream that it is for; Node, from 22.13 on, would look at standard output.
const ansi: Paint = (styles, text) =>
  styleText(typeof styles === "string" ? styles : [...styles], text, { validateStream: false });

export function paintFor(color: boolean): Paint {
  return color ? ansi : plain;
}
