import { styleText } from "node:util";

type Style = "bold" | "dim" | "green" | "red" | "yellow" | "cyan";

/** Styles text, or returns it plain. */
export type Paint = (styles: Style | readonly Style[], text: string) => string;

export const plain: Paint = (_, text) => text;

// The caller has checked the stream. From Node 22.13 on, styleText would check standard output instead.
const ansi: Paint = (styles, text) =>
  styleText(typeof styles === "string" ? styles : [...styles], text, { validateStream: false });

export function paintFor(color: boolean): Paint {
  return color ? ansi : plain;
}
