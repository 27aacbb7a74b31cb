import { serve } from "../shared/aws/serve.ts";
import { applicationTask } from "./task.ts";

export const handler = serve(applicationTask);
