import { EmbeddedMetrics } from "../shared/aws/embedded-metrics.ts";
import { serve } from "../shared/aws/serve.ts";
import { watchTask } from "./task.ts";

export const handler = serve(watchTask, { metrics: (label) => new EmbeddedMetrics(label) });
