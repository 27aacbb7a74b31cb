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

// A phase that failed must not look as if it was still worked on where there is no colour.
const ICONS = { [ListrDefaultRendererLogLevels.FAILED_WITH_FAILED_SUBTASKS]: figures.cross };

const TICK_MS = 1000;

/**
 * The live list of a terminal. listr2 draws it; what is done when is the run's affair and not listr2's, so the tasks
 * here only stand for rows and are never run.
 *
 * Before somebody is asked, the list is left standing as it is, and another one goes on below the answer: facts and
 * answers so stay in the terminal's memory, and no list is longer than what happens between two questions.
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
      // Not the tasks' own events: they would draw each of many changes that belong together.
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

/** listr2's tasks, made to stand for rows. */
class RowTasks {
  readonly list: Listr<unknown, typeof DefaultRenderer, typeof DefaultRenderer>;
  private readonly below = new Map<string, RowTasks>();

  constructor(parent?: TaskObject) {
    // Ctrl-C is not listr2's to handle; a failed row says nothing about the others.
    const options = { renderer: DefaultRenderer, fallbackRenderer: DefaultRenderer } as const;
    this.list = new Listr([], { ...options, registerSignalListeners: false, exitOnError: false }, parent);
  }

  /** Resolves when all rows may be drawn. */
  async show(rows: readonly Row[]): Promise<void> {
    await Promise.all(this.set(rows));
  }

  // All at once and not row by row: nothing is drawn in between.
  private set(rows: readonly Row[]): Promise<unknown>[] {
    const { tasks } = this.list;
    tasks.length = Math.min(tasks.length, rows.length);
    return rows.flatMap(({ title, look, below }, i) => {
      const isNew = tasks[i] === undefined;
      if (isNew) this.list.add({ title, task: () => undefined });
      const task = tasks[i] as TaskObject;
      // listr2 draws no task that has not been asked whether it is enabled.
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
