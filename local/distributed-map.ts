/** A state of a machine's definition, as far as it is rewritten here. */
export interface RawState {
  Type: string;
  [field: string]: unknown;
}

export interface RawMachine {
  StartAt: string;
  States: Record<string, RawState>;
  [field: string]: unknown;
}

/** What a Distributed Map state does with each item of its list. */
export interface ItemWork {
  /** Makes each item's input, as a payload template; absent: the item itself is the input. */
  selector: Readonly<Record<string, unknown>> | undefined;
  processor: RawMachine;
  inputType: string;
  writesResults: boolean;
}

/** What the task that stands for a Distributed Map is sent. */
export interface MapRun {
  input: unknown;
  /** Where the list is read: the reader's own parameters; absent: `items` has it. */
  reader?: Readonly<Record<string, unknown>>;
  items?: unknown;
  concurrency: number;
  toleratedCount?: number;
  toleratedPercentage?: number;
}

/** Name of the error with which a Distributed Map ends when more items failed than it tolerates. */
export const TOO_MANY_FAILED = "States.ExceedToleratedFailureThreshold";

/** Longest time that the interpreter's timer can wait. */
const NO_TIMEOUT_SECONDS = 2_000_000;

/**
 * The interpreter runs only inline Maps, which end all items when the first fails. So each Distributed Map becomes a
 * task of its name, with the same ways in and out; `runItems` does that task's work.
 */
export function withoutDistributedMaps(machine: RawMachine): {
  machine: RawMachine;
  maps: Map<string, ItemWork>;
} {
  const maps = new Map<string, ItemWork>();
  const rewrite = (one: RawMachine): RawMachine => ({
    ...one,
    States: Object.fromEntries(
      Object.entries(one.States).map(([name, state]) => {
        if (state.Type === "Task") return [name, withTimeout(state)];
        if (state.Type === "Parallel")
          return [name, { ...state, Branches: (state.Branches as RawMachine[]).map(rewrite) }];
        if (state.Type !== "Map") return [name, state];
        const processor = rewrite((state.ItemProcessor ?? state.Iterator) as RawMachine);
        const { ProcessorConfig, ...states } = processor;
        if ((ProcessorConfig as { Mode?: string } | undefined)?.Mode !== "DISTRIBUTED")
          return [name, { ...state, ItemProcessor: processor }];
        maps.set(name, {
          selector: state.ItemSelector as ItemWork["selector"],
          processor: states,
          inputType: inputTypeOf(state),
          writesResults: state.ResultWriter !== undefined,
        });
        return [name, asTask(state)];
      }),
    ),
  });
  return { machine: rewrite(machine), maps };
}

const TIMEOUT = "timeout of the task";

/**
 * Step Functions waits on for a task that names no timeout, and the interpreter for a minute. A path to one is looked up
 * in the state's input there, and here in what the state sends.
 */
function withTimeout(state: RawState): RawState {
  const { TimeoutSeconds, TimeoutSecondsPath: path, Parameters } = state;
  if (path === undefined)
    return TimeoutSeconds === undefined ? { ...state, TimeoutSeconds: NO_TIMEOUT_SECONDS } : state;
  // The run's gates have it in both places.
  if (Parameters === undefined || String(path).startsWith("$.Payload")) return state;
  return {
    ...state,
    TimeoutSecondsPath: `$['${TIMEOUT}']`,
    Parameters: { ...(Parameters as object), [`${TIMEOUT}.$`]: path },
  };
}

const OF_MAPS = [
  "ItemProcessor",
  "Iterator",
  "ItemReader",
  "ItemsPath",
  "ItemSelector",
  "ItemBatcher",
  "ResultWriter",
  "MaxConcurrency",
  "MaxConcurrencyPath",
  "ToleratedFailureCount",
  "ToleratedFailureCountPath",
  "ToleratedFailurePercentage",
  "ToleratedFailurePercentagePath",
  "Label",
];

function asTask(state: RawState): RawState {
  const kept = Object.fromEntries(Object.entries(state).filter(([field]) => !OF_MAPS.includes(field)));
  const reader = state.ItemReader as { Parameters?: Record<string, unknown> } | undefined;
  return {
    ...kept,
    Type: "Task",
    Resource: "arn:aws:states:::map",
    TimeoutSeconds: NO_TIMEOUT_SECONDS,
    Parameters: {
      "input.$": "$",
      ...(reader ? { reader: reader.Parameters } : { "items.$": state.ItemsPath ?? "$" }),
      ...given(state, "MaxConcurrency", "concurrency", 0),
      ...given(state, "ToleratedFailureCount", "toleratedCount"),
      ...given(state, "ToleratedFailurePercentage", "toleratedPercentage"),
    },
  };
}

/** A number that the definition holds, or the path to it. */
function given(state: RawState, field: string, as: string, unless?: number): Record<string, unknown> {
  const path = state[`${field}Path`];
  if (path !== undefined) return { [`${as}.$`]: path };
  const value = state[field] ?? unless;
  return value === undefined ? {} : { [as]: value };
}

function inputTypeOf({ ItemReader }: RawState): string {
  const config = (ItemReader as { ReaderConfig?: { InputType?: string } } | undefined)?.ReaderConfig;
  return config?.InputType ?? "JSON";
}

/** The items in a file that a reader reads. */
export function itemsIn(text: string, inputType: string): unknown[] {
  if (inputType === "JSONL")
    return text
      .split("\n")
      .filter((line) => line.trim() !== "")
      .map((line) => JSON.parse(line));
  const items = JSON.parse(text);
  if (inputType !== "JSON" || !Array.isArray(items))
    throw new Error(`A local Distributed Map reads a list as JSON or JSONL, and this is ${inputType}`);
  return items;
}

/**
 * Works on the items, a fixed number at a time, each as an execution of its own. If more fail than is tolerated, no
 * further item begins, and those under way continue to their end.
 * @param begin works on one item; rejects where its execution fails
 * @returns each item's output, in order; where the definition writes results elsewhere, only how many there are
 */
export async function runItems(
  items: readonly unknown[],
  { concurrency, toleratedCount, toleratedPercentage }: MapRun,
  { writesResults }: Pick<ItemWork, "writesResults">,
  begin: (item: unknown, index: number) => Promise<unknown>,
): Promise<unknown> {
  const tolerated = Math.max(
    toleratedCount ?? 0,
    Math.floor(((toleratedPercentage ?? 0) * items.length) / 100),
  );
  const results: unknown[] = new Array(writesResults ? 0 : items.length);
  let next = 0;
  let failed = 0;
  const work = async (): Promise<void> => {
    while (next < items.length && failed <= tolerated) {
      const index = next++;
      try {
        const result = await begin(items[index], index);
        if (!writesResults) results[index] = result;
      } catch {
        failed++;
      }
    }
  };
  const workers = Math.min(items.length, concurrency > 0 ? concurrency : items.length);
  await Promise.all(Array.from({ length: workers }, work));
  if (failed > tolerated)
    throw Object.assign(new Error(`${failed} of ${items.length} items failed, and ${tolerated} may`), {
      name: TOO_MANY_FAILED,
    });
  return writesResults ? { MapRunArn: "local", items: items.length } : results;
}
