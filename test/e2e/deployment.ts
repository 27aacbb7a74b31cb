import { readFileSync } from "node:fs";
import { join } from "node:path";
import { run } from "./command.ts";
import { ACCOUNT, REGION } from "./emulator.ts";

export type Outputs = Readonly<Record<string, string>>;

const CDK = join(import.meta.dirname, "../../node_modules/aws-cdk/bin/cdk");

/** The app, by CDK's own command line and with settings as a deployer gives them. */
export class Deployment {
  private readonly env: NodeJS.ProcessEnv;
  private readonly folder: string;
  private readonly context: readonly string[];

  constructor(settings: object, env: NodeJS.ProcessEnv, folder: string) {
    this.env = env;
    this.folder = folder;
    this.context = ["-c", `sluice=${JSON.stringify(settings)}`, "--output", join(folder, "cdk.out")];
  }

  async bootstrap(): Promise<void> {
    await this.cdk("bootstrap", `aws://${ACCOUNT}/${REGION}`, ...this.context);
  }

  async deploy(): Promise<Outputs> {
    const file = join(this.folder, "outputs.json");
    await this.cdk("deploy", "--require-approval", "never", "--outputs-file", file, ...this.context);
    const [outputs] = Object.values(JSON.parse(readFileSync(file, "utf8")) as Record<string, Outputs>);
    if (!outputs) throw new Error("The deployment printed no outputs");
    return outputs;
  }

  /** @throws Error with the differences where there are any */
  async diff(): Promise<void> {
    await this.cdk("diff", "--fail", ...this.context);
  }

  private async cdk(...args: string[]): Promise<string> {
    return await run([process.execPath, CDK, ...args], this.env);
  }
}
