import {
  DefaultRenderer,
  figures,
  Listr,
  ListrDefaultRendererLogLevels,
  ListrEventManager,
  ListrLogger,
  type ListrTaskObject,
  ListrTaskState,
  ProcessOutput,
} from "listr2";
import type { Paint } from "./paint.ts";
import { type Printed, printedOf, type Row, rowsOf } from "./rows.ts";
import { printPainted } from "./streams.ts";
import type { Surface } from "./surface.ts";
import { EMPTY, type RunView, type ViewEvent } from "./view.ts";

type TaskObject = ListrTaskObject<unknown, typeof DefaultRenderer, typeof DefaultRenderer>;

const LOOKS: Readonly<Record<Row["look"], ListrTaskState>> = {
  waiting: ListrTaskState.WAITING,
  working: ListrTaskState.STARTED,
  done: ListrTaskState.COMPLETED,
  failed: ListrTaskState.FAILED,
  back: ListrTaskState.ROLLED_BACK,
};

// Without colour, a failed phase must not look like a running one.
const ICONS = { [ListrDefaultRendererLogLevels.FAILED_WITH_FAILED_SUBTASKS]: figures.cross };

const TICK_MS = 1000;

/**
 * The live list of a terminal. listr2 draws it. The run decides what happens when, so the tasks here only stand for rows
 * and never run.
 *
 * Before a question the current list stays on the screen, and a new one begins below the answer. So facts and answers
 * stay in the terminal's scrollback, and no list is longer than what happens between two questions.
 */
export class LiveSurface implements Surface {
  private view: RunView = EMPTY;
  private printed: Printed = new Map();
  private list: { tasks: RowTasks; renderer: DefaultRenderer; timer: NodeJS.Timeout } | undefined;
  private held = false;

  constructor(
    private readonly streams: { stdout: NodeJS.WriteStream; stderr: NodeJS.WriteStream },
    private readonly planned: ReadonlyMap<string, number>,
    private readonly paint: Paint,
  ) {}

  async show(_before: RunView, view: RunView, event: ViewEvent): Promise<void> {
    this.view = view;
    if (event.type === "started")
      printPainted(this.streams.stdout, [
        this.paint("bold", event.plan),
        this.paint("dim", `Run ${event.run}`),
        this.paint("dim", `Evidence in ${event.evidence}`),
        "",
      ]);
    if (!this.held) await this.draw();
  }

  async hold(lines: readonly string[]): Promise<void> {
    this.held = true;
    await this.leave();
    printPainted(this.streams.stdout, lines);
  }

  async resume(): Promise<void> {
    this.held = false;
    await this.draw();
  }

  async close(): Promise<void> {
    this.held = true;
    await this.leave();
  }

  private async draw(): Promise<void> {
    this.list ??= await this.open();
    await this.sync(this.list.tasks, false);
    this.list?.renderer.update();
  }

  private async open(): Promise<NonNullable<typeof this.list>> {
    const tasks = new RowTasks();
    const { stdout, stderr } = this.streams;
    const logger = new ListrLogger({ useIcons: true, processOutput: new ProcessOutput(stdout, stderr) });
    const renderer = new DefaultRenderer(
      tasks.list.tasks,
      { logger, collapseErrors: false, showErrorMessage: false, icon: ICONS },
      // Without the tasks' own events, which would draw once for each of many changes that belong together.
      new ListrEventManager(),
    );
    await renderer.render();
    const timer = setInterval(() => void this.sync(tasks, false), TICK_MS).unref();
    return { tasks, renderer, timer };
  }

  private async leave(): Promise<void> {
    const { list } = this;
    if (!list) return;
    this.list = undefined;
    clearInterval(list.timer);
    await this.sync(list.tasks, true);
    list.renderer.end();
    this.printed = printedOf(this.view);
  }

  private async sync(tasks: RowTasks, leaving: boolean): Promise<void> {
    const { view, planned, paint, printed } = this;
    await tasks.show(rowsOf(view, { now: new Date(), planned, paint, printed, leaving }));
  }
}

/** listr2's tasks, which stand for rows. */
class RowTasks {
  readonly list: Listr<unknown, typeof DefaultRenderer, typeof DefaultRenderer>;
  private readonly below = new Map<string, RowTasks>();

  constructor(parent?: TaskObject) {
    // Ctrl-C is handled elsewhere, and a failed row must not end the others.
    const options = { renderer: DefaultRenderer, fallbackRenderer: DefaultRenderer } as const;
    this.list = new Listr([], { ...options, registerSignalListeners: false, exitOnError: false }, parent);
  }

  /** Resolves when all rows may be drawn. */
  async show(rows: readonly Row[]): Promise<void> {
    await Promise.all(this.set(rows));
  }

  // All at once, so that nothing is drawn in between.
  private set(rows: readonly Row[]): Promise<unknown>[] {
    const { tasks } = this.list;
    tasks.length = Math.min(tasks.length, rows.length);
    return rows.flatMap(({ title, look, below }, i) => {
      const isNew = tasks[i] === undefined;
      if (isNew) this.list.add({ title, task: () => undefined });
      const task = tasks[i] as TaskObject;
      // listr2 draws a task only after its check.
      const enabled = isNew ? [task.check(undefined)] : [];
      task.title = title;
      task.state = LOOKS[look];
      return [...enabled, ...this.setBelow(task, below)];
    });
  }

  private setBelow(task: TaskObject, rows: readonly Row[]): Promise<unknown>[] {
    const tasks = this.below.get(task.id) ?? new RowTasks(task);
    this.below.set(task.id, tasks);
    task.subtasks = tasks.list.tasks;
    return tasks.set(rows);
  }
}
