import { SFNClient } from "@aws-sdk/client-sfn";
import type { Context } from "aws-lambda";
import { evidenceStore, s3 } from "../shared/aws/evidence-store.ts";
import { lambdaClock } from "../shared/aws/lambda-clock.ts";
import { lazily } from "../shared/aws/lazily.ts";
import { S3PageLinks } from "../shared/aws/s3-page-links.ts";
import { SfnCallbacks } from "../shared/aws/sfn-callbacks.ts";
import { readSettings } from "../shared/aws/shipped.ts";
import { Envar, needEnvar } from "../shared/envars.ts";
import type { GatePorts } from "../shared/ports.ts";
import { settingsOf, settingsOfNone } from "../shared/run-database.ts";

// Anybody may ask for a page: this function has no way to a database or an instance, not even the code for it.
const deployed = lazily(() => readSettings());
const callbacks = lazily(() => new SfnCallbacks(new SFNClient()));
const largePages = lazily(() => new S3PageLinks(s3(), needEnvar(Envar.bucket)));

/** The world as one request for a page sees it. Nothing is made or read before it is asked for. */
export function pagePorts(
  context: Pick<Context, "getRemainingTimeInMillis">,
  progress: (line: string) => void,
): GatePorts {
  return {
    get settings() {
      return settingsOfNone(deployed());
    },
    choice: {
      get list() {
        return deployed().databases;
      },
      settingsOf: (database) => settingsOf(deployed(), database),
      of: (settings) => ({ settings }),
    },
    get evidence() {
      return evidenceStore();
    },
    get callbacks() {
      return callbacks();
    },
    get largePages() {
      return largePages();
    },
    clock: lambdaClock(context),
    progress,
  };
}
