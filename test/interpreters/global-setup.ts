import { pythonOfLocalStack } from "./needs.ts";

/** Fails before the first test without a second interpreter: this suite compares two. */
export default function setup(): void {
  pythonOfLocalStack();
}
