import { mistakesIn } from "../../lib/settings.ts";
import { UsageError } from "../../local/events.ts";
import type { Prompt } from "./prompt.ts";
import { type Draft, QUESTIONS, type Question } from "./questions.ts";

/** The values of flags, by the flag's name: one for each time that it was given. */
export type Given = Readonly<Record<string, readonly string[] | undefined>>;

/**
 * Makes settings from flags, from answers at the prompt, and from defaults.
 * @throws UsageError with everything that is missing or wrong
 */
export async function settingsFrom(given: Given, prompt: Prompt | undefined): Promise<Draft> {
  const draft: Draft = {};
  const problems: string[] = [];
  for (const question of QUESTIONS) {
    const { flag, asks, otherwise } = question;
    const answers = given[flag];
    if (answers === undefined && question.settledBy?.(draft)) continue;
    if (answers !== undefined) problems.push(...attempt(question, answers, draft));
    else if (prompt) await ask(question, draft, prompt);
    else if (otherwise === undefined) problems.push(`--${flag} is needed: ${asks}`);
    else attempt(question, [otherwise], draft);
  }
  const mistakes = problems.length > 0 ? problems : mistakesIn(draft);
  if (mistakes.length > 0)
    throw new UsageError(`The settings are not complete:\n${mistakes.map((line) => `- ${line}`).join("\n")}`);
  return draft;
}

/** Puts the answer into the draft. Returns what is wrong with the answer; then the draft is unchanged. */
function attempt(question: Question, given: readonly string[], draft: Draft): string[] {
  const answers = given.flatMap((answer) => partsOf(answer, question));
  if (answers.length === 0) return [];
  const tried = structuredClone(draft);
  try {
    question.put(answers, tried);
  } catch (error) {
    if (error instanceof UsageError) return [error.message];
    throw error;
  }
  const about = (mistake: string) => question.about.some((path) => mistake.startsWith(path));
  const wrong = mistakesIn(tried).filter(about);
  if (wrong.length === 0) Object.assign(draft, tried);
  return wrong;
}

/** Asks until the answer is right. */
async function ask(question: Question, draft: Draft, prompt: Prompt): Promise<void> {
  const { asks, otherwise } = question;
  const enter = otherwise === undefined ? "" : ` [${otherwise || "none"}]`;
  for (;;) {
    const answer = (await prompt.ask(`${asks}${enter}`)).trim() || otherwise;
    if (answer === undefined) continue;
    const wrong = attempt(question, [answer], draft);
    if (wrong.length === 0) return;
    prompt.say(wrong.map((mistake) => `  ${mistake}`));
  }
}

function partsOf(answer: string, { several }: Question): string[] {
  return (several ? answer.split(",") : [answer]).map((part) => part.trim()).filter((part) => part !== "");
}
