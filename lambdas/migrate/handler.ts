import { serve } from "../shared/aws/serve.ts";
import { migrateTask } from "./task.ts";

export const handler = serve(migrateTask);
