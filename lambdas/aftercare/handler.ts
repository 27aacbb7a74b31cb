import { rdsOf } from "../shared/aws/rds.ts";
import { serve } from "../shared/aws/serve.ts";
import { aftercareTask } from "./task.ts";

export const handler = serve(aftercareTask, { rds: rdsOf });
