import type { Report } from "./schema.ts";
import { duration, grouped } from "./words.ts";

/** What the downtime is the sum of, with what the rehearsal measured; undefined while it has not. */
export function formulaOf({ reading }: Report["downtime"]): string | undefined {
  if (!reading) return undefined;
  const { fixedSeconds, perTouchedRow, perUntouchedRow, touchedRows, untouchedRows } = reading;
  const million = (seconds: number) => `${duration(seconds * 1_000_000)} for a million rows`;
  return (
    "Downtime = stop + fence + backup + record + migrations + checks + proof + gates. Record and proof are a + b × touched rows + c × untouched rows each. " +
    `This rehearsal measured a = ${duration(fixedSeconds)}, b = ${million(perTouchedRow)}, c = ${million(perUntouchedRow)}; ` +
    `rows: ${grouped(String(touchedRows))} in tables that it touched, ${grouped(String(untouchedRows))} in others.`
  );
}
