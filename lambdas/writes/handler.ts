import { serve } from "../shared/aws/serve.ts";
import { writesTask } from "./task.ts";

export const handler = serve(writesTask);
