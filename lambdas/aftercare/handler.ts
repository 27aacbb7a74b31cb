import { serve } from "../shared/aws/serve.ts";
import { aftercareTask } from "./task.ts";

export const handler = serve(aftercareTask);
