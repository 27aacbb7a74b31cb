import { rdsOf } from "../shared/aws/rds.ts";
import { serve } from "../shared/aws/serve.ts";
import { restoreTask } from "./task.ts";

export const handler = serve(restoreTask, { rds: rdsOf });
