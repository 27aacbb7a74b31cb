import type { Rehearse } from "../../local/events.ts";
import type { LookUp } from "../../local/look-up.ts";
import type { Streams } from "../../local/terminal/streams.ts";

/** What the commands need of their surroundings. */
export interface Context {
  streams: Streams;
  /** Called only when a run starts: what it needs takes long to load. */
  loadRehearse: () => Promise<Rehearse>;
  /** Opens a file with whatever opens such files here. */
  open: (path: string) => Promise<void>;
  /** Asks AWS about what is to be production. */
  lookUp: LookUp;
  /** Ends the command with that code. */
  exit(code: number): void;
}
