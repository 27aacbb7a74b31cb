import { mkdirSync, readFileSync } from "node:fs";
import { request } from "node:https";
import { join } from "node:path";
import type { Certificates } from "./certificates.ts";
import { Background } from "./command.ts";

export const ACCOUNT = "123456789012";
export const REGION = "eu-central-1";

/** Waits and pauses of the state machine pass so many times faster. */
const FASTER = 50;

export interface Emulator {
  url: string;
  port: number;
  /** What AWS's own tools and SDKs need to talk to it, as the account's administrator. */
  env: NodeJS.ProcessEnv;
  log: string;
  stop(): Promise<void>;
}

export interface EmulatorOptions {
  /** The Python that has MiniStack. */
  python: string;
  certificates: Certificates;
  port: number;
  /** First of the ports that its instances answer on. */
  databasePort: number;
  /** Where functions find RDS. */
  rdsUrl: string;
  folder: string;
}

/**
 * MiniStack in a process of its own: over TLS, and with IAM's policies in force, so that a function may do here what its
 * role allows and nothing else.
 */
export async function startEmulator(options: EmulatorOptions): Promise<Emulator> {
  const { python, certificates, port, databasePort, rdsUrl, folder } = options;
  const url = `https://127.0.0.1:${port}`;
  const log = join(folder, "ministack.log");
  const own = join(folder, "ministack");
  mkdirSync(own);
  const client = {
    // Twelve digits are taken for the account.
    AWS_ACCESS_KEY_ID: ACCOUNT,
    AWS_SECRET_ACCESS_KEY: "test",
    AWS_REGION: REGION,
    AWS_DEFAULT_REGION: REGION,
    AWS_ENDPOINT_URL: url,
    NODE_EXTRA_CA_CERTS: certificates.ca,
    NODE_NO_WARNINGS: "1",
  };
  const { PATH, HOME } = process.env;
  const env = { PATH, HOME, ...client, AWS_CA_BUNDLE: certificates.ca, CDK_DISABLE_CLI_TELEMETRY: "1" };
  const server = new Background([python, join(import.meta.dirname, "emulator.py")], log, {
    env: {
      ...{ PATH, HOME },
      AUTH: "true",
      BIND_HOST: "127.0.0.1",
      GATEWAY_PORT: String(port),
      MINISTACK_HOST: "localhost",
      MINISTACK_REGION: REGION,
      MINISTACK_ACCOUNT_ID: ACCOUNT,
      USE_SSL: "1",
      MINISTACK_SSL_CERT: certificates.certificate,
      MINISTACK_SSL_KEY: certificates.key,
      RDS_BASE_PORT: String(databasePort),
      SFN_WAIT_SCALE: String(1 / FASTER),
      // It takes seconds to start, and no part in this.
      IOT_MTLS_ENABLED: "0",
      TMPDIR: own,
      // The rest is what functions inherit. They find the SDK here, as Lambda's runtime has it beside them.
      ...client,
      AWS_ENDPOINT_URL_RDS: rdsUrl,
      NODE_PATH: join(import.meta.dirname, "../../node_modules"),
    },
  });
  const ca = readFileSync(certificates.ca);
  await server.until(() => isHealthy(url, ca), "MiniStack", log);
  return { url, port, env, log, stop: () => server.stop() };
}

function isHealthy(url: string, ca: Buffer): Promise<boolean> {
  return new Promise((resolve) => {
    const asked = request(`${url}/_ministack/health`, { ca }, (answer) => {
      answer.resume();
      resolve(answer.statusCode === 200);
    });
    asked.on("error", () => resolve(false));
    asked.end();
  });
}
