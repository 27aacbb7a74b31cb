import { readFileSync } from "node:fs";
import { join } from "node:path";
import { run } from "./command.ts";
import { ACCOUNT, REGION } from "./emulator.ts";

export type Outputs = Readonly<Record<string, string>>;

const CDK = join(import.meta.dirname, "../../node_modules/aws-cdk/bin/cdk");

const SLUICE = join(import.meta.dirname, "../../bin/sluice.js");

/** The app, deployed by CDK's own command line with settings as a deployer gives them. */
export class Deployment {
  private readonly env: NodeJS.ProcessEnv;
  private readonly folder: string;
  private settings: object;
  private stack = "";

  constructor(settings: object, env: NodeJS.ProcessEnv, folder: string) {
    this.env = env;
    this.folder = folder;
    this.settings = settings;
  }

  async bootstrap(): Promise<void> {
    await this.cdk("bootstrap", `aws://${ACCOUNT}/${REGION}`);
  }

  /** @param changes to the settings, which stay */
  async deploy(changes: object = {}): Promise<Outputs> {
    this.settings = { ...this.settings, ...changes };
    const file = join(this.folder, "outputs.json");
    await this.cdk("deploy", "--require-approval", "never", "--outputs-file", file);
    const [stack] = Object.entries(JSON.parse(readFileSync(file, "utf8")) as Record<string, Outputs>);
    if (!stack) throw new Error("The deployment printed no outputs");
    this.stack = stack[0];
    return stack[1];
  }

  /** Publishes a plan by the command line, in the publisher's role. @returns what it printed */
  async publish(plan: string): Promise<string> {
    return await run([process.execPath, SLUICE, "publish", plan, "--stack", this.stack], this.env);
  }

  /** @throws Error with the differences where there are any */
  async diff(): Promise<void> {
    await this.cdk("diff", "--fail");
  }

  private async cdk(...args: string[]): Promise<string> {
    const context = ["-c", `sluice=${JSON.stringify(this.settings)}`];
    return await run(
      [process.execPath, CDK, ...args, ...context, "--output", join(this.folder, "cdk.out")],
      this.env,
    );
  }
}
