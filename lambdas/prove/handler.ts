import { serve } from "../shared/aws/serve.ts";
import { proveTask } from "./task.ts";

export const handler = serve(proveTask);
