import { styleText } from "node:util";

type Style = "bold" | "dim" | "green" | "red" | "yellow" | "cyan";

/** Marks text up, or leaves it plain. */
export type Paint = (styles: Style | readonly Style[], text: string) => string;

export const plain: Paint = (_, text) => text;

const ansi: Paint = (styles, text) => styleText(typeof styles === "string" ? styles : [...styles], text);

export function paintFor(color: boolean): Paint {
  return color ? ansi : plain;
}
