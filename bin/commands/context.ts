import type { Rehearse } from "../../local/events.ts";
import type { LookUp } from "../../local/look-up.ts";
import type { Streams } from "../../local/terminal/streams.ts";

/** What the commands take from outside. */
export interface Context {
  streams: Streams;
  /** Called only when a run starts, as its modules take long to load. */
  loadRehearse: () => Promise<Rehearse>;
  /** Opens a file with the program that this system uses for it. */
  open: (path: string) => Promise<void>;
  /** Looks production up in AWS. */
  lookUp: LookUp;
  /** Ends the process with this code. */
  exit(code: number): void;
}
