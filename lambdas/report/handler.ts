import { serve } from "../shared/aws/serve.ts";
import { reportTask } from "./task.ts";

export const handler = serve(reportTask);
