import { serve } from "../shared/aws/serve.ts";
import { gateTask } from "./task.ts";

export const handler = serve(gateTask);
