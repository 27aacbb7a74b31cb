import { rdsOf } from "../shared/aws/rds.ts";
import { serve } from "../shared/aws/serve.ts";
import { stagingTask } from "./task.ts";

export const handler = serve(stagingTask, { rds: rdsOf });
