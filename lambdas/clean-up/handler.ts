import { serve } from "../shared/aws/serve.ts";
import { cleanUpTask } from "./task.ts";

export const handler = serve(cleanUpTask);
