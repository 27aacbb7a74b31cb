import { rdsOf } from "../shared/aws/rds.ts";
import { serve } from "../shared/aws/serve.ts";
import { rollbackTask } from "./task.ts";

export const handler = serve(rollbackTask, { rds: rdsOf });
