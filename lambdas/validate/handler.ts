import { serve } from "../shared/aws/serve.ts";
import { validateTask } from "./task.ts";

export const handler = serve(validateTask);
