import { pythonOfLocalStack } from "./needs.ts";

/** Fails before the first test where there is no second interpreter: nothing of this suite can be shown with one. */
export default function setup(): void {
  pythonOfLocalStack();
}
