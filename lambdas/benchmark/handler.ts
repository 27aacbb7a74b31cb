import { serve } from "../shared/aws/serve.ts";
import { benchmarkTask } from "./task.ts";

export const handler = serve(benchmarkTask);
