import { type Html, html } from "../../shared/html.ts";
import { restoredFrom } from "../backup.ts";
import type { Report } from "../schema.ts";
import { lossLines, lossTitle } from "../way-back.ts";
import { duration } from "../words.ts";
import { bullets, mark, section } from "./parts.ts";

/** How production was brought back, beside what was expected and what the plan allows, and what is lost by it. */
export function wayBackSection(report: Report): Html | false {
  const { rollback, restore, loss, gates } = report;
  const asked = gates.some(({ gate }) => gate === "restore");
  if (!rollback && !restore && !loss && !asked) return false;
  return section(
    "back",
    "The way back",
    bullets([...rolledBack(report, asked), ...restored(report)]),
    (loss || asked) && html`<h3>${loss ? lossTitle(loss) : "What a restore loses"}</h3>`,
    loss
      ? bullets(lossLines(report))
      : asked && html`<p>It could not be counted: production did not answer.</p>`,
  );
}

function rolledBack({ rollback, timeline, end }: Report, asked: boolean): Html[] {
  if (!rollback) return [];
  const { seconds, sloSeconds, restoreFrom } = rollback;
  if (restoreFrom !== undefined)
    return [html`Nothing was rolled back: ${restoreFrom} had begun, whose way back is the restore.`];
  if (seconds === null)
    return [
      html`${mark(end === "running" && !asked ? null : false, { yes: "", no: "Not enough", unknown: "Not done yet" })}: rolling back${end === "running" && !asked ? "" : " did not bring production back"}; the plan allows ${duration(sloSeconds)} for it.`,
    ];
  return [
    html`${mark(seconds <= sloSeconds, { yes: "In time", no: "Too slow", unknown: "" })}: rolled back and proven in ${duration(seconds)}${expected(timeline, "rollback")}; the plan allows ${duration(sloSeconds)}.`,
  ];
}

function restored({ restore, timeline }: Report): Html[] {
  if (!restore) return [];
  const took = timeline.phases.find(({ id }) => id === "restore")?.seconds;
  return [
    html`Restored ${restoredFrom(restore)}${took != null && ` in ${duration(took)}`}${expected(timeline, "restore")}; the former production is <code>${restore.aside}</code>.`,
  ];
}

function expected({ phases }: Report["timeline"], id: string): string {
  const seconds = phases.find((phase) => phase.id === id)?.predictedSeconds;
  return seconds == null ? "" : ` (expected ${duration(seconds)})`;
}
