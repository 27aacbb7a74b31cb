import { mistakesIn } from "../../lib/settings.ts";
import { UsageError } from "../../local/events.ts";
import type { LookedUp, LookUp } from "../../local/look-up.ts";
import type { Prompt } from "./prompt.ts";
import { type Draft, QUESTIONS, type Question } from "./questions.ts";

/** The values of flags, by the flag's name: one for each time that it was given. */
export type Given = Readonly<Record<string, readonly string[] | undefined>>;

/**
 * Makes settings from flags, from answers at the prompt, from what AWS reports about production, and from defaults.
 * @throws UsageError with everything that is missing or wrong
 */
export async function settingsFrom(
  given: Given,
  prompt: Prompt | undefined,
  lookUp: LookUp,
  say: (lines: readonly string[]) => void,
): Promise<Draft> {
  const draft: Draft = {};
  const problems: string[] = [];
  let found: LookedUp = { says: [] };
  for (let at = 0; at < QUESTIONS.length; at++) {
    const question = suggesting(QUESTIONS[at] as Question, found);
    const { flag, asks, otherwise } = question;
    const answers = given[flag];
    if (answers !== undefined) problems.push(...attempt(question, answers, draft));
    else if (!question.settledBy?.(draft)) {
      if (prompt) await ask(question, draft, prompt);
      else if (otherwise === undefined) problems.push(`--${flag} is needed: ${asks}`);
      else attempt(question, [otherwise], draft);
    }
    if (!question.looksUp) continue;
    found = await looked(draft, given, lookUp);
    say(found.says);
    if (found.mistake === undefined) continue;
    // A flag's answer is not asked again at the prompt.
    const again = QUESTIONS.findIndex(({ flag }) => flag === "cluster");
    if (prompt && !given.cluster && !given.instance) {
      say([`  ${found.mistake}`]);
      delete draft.database;
      at = again - 1;
    } else problems.push(found.mistake);
  }
  const mistakes = problems.length > 0 ? problems : mistakesIn(draft);
  if (mistakes.length > 0)
    throw new UsageError(`The settings are not complete:\n${mistakes.map((line) => `- ${line}`).join("\n")}`);
  return draft;
}

/** Suggests what AWS reported as the question's default. */
function suggesting(question: Question, { database, vpc }: LookedUp): Question {
  const otherwise = { database, vpc }[question.flag];
  return otherwise === undefined ? question : { ...question, otherwise };
}

async function looked(draft: Draft, given: Given, lookUp: LookUp): Promise<LookedUp> {
  const database = (draft.database ?? {}) as Readonly<Record<string, unknown>>;
  const { cluster, instance } = database as { cluster?: string; instance?: string };
  const identifier = cluster ?? instance;
  // No valid identifier, or both an instance and a cluster: that mistake is already reported.
  if (identifier === undefined || (cluster !== undefined && instance !== undefined)) return { says: [] };
  const [, region] = /^\d+\/(.+)$/.exec(given.subnets?.[0] ?? "") ?? [];
  const found = await lookUp(cluster === undefined ? "instance" : "cluster", identifier, region);
  const { members, staging } = found;
  draft.database = { ...database, ...(members && { members }), ...(staging && { staging }) };
  return found;
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
