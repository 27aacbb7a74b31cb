import * as z from "zod";
import { planFile, SHORT_FORMS } from "./schema.ts";

/** The part of JSON Schema that plan.yaml's schema uses. */
export interface JsonSchema {
  properties?: Record<string, JsonSchema>;
  additionalProperties?: JsonSchema | boolean;
  items?: JsonSchema;
  anyOf?: JsonSchema[];
}

/** JSON Schema of plan.yaml, for editors and for messages about unknown keys. */
export function planJsonSchema(): JsonSchema {
  return toJson(planFile) as JsonSchema;
}

function toJson(schema: z.ZodType): object {
  const { $schema: _, ...json } = z.toJSONSchema(schema, {
    io: "input",
    unrepresentable: "any",
    override: ({ zodSchema, jsonSchema }) => {
      const forms = SHORT_FORMS.get(zodSchema);
      if (!forms) return;
      for (const key of Object.keys(jsonSchema)) delete jsonSchema[key as keyof typeof jsonSchema];
      Object.assign(jsonSchema, { anyOf: [toJson(forms.short), toJson(forms.long)] });
    },
  });
  return json;
}

/** Keys that are allowed at a path; empty if none are. */
export function keysAt(schema: JsonSchema, path: readonly PropertyKey[]): string[] {
  let here: JsonSchema[] = [schema];
  for (const part of path)
    here = here.flatMap(alternatives).flatMap((one) => {
      if (typeof part === "number") return one.items ?? [];
      const more = typeof one.additionalProperties === "object" ? one.additionalProperties : undefined;
      return one.properties?.[String(part)] ?? more ?? [];
    });
  return [...new Set(here.flatMap(alternatives).flatMap(({ properties = {} }) => Object.keys(properties)))];
}

/** The top-level keys that have this key below them, such as `server` for minimumVersion. */
export function parentsOf(schema: JsonSchema, key: string): string[] {
  return Object.entries(schema.properties ?? {}).flatMap(([parent, under]) => {
    const inside = alternatives(under).flatMap((one) => [one, ...(one.items ? alternatives(one.items) : [])]);
    return inside.some(({ properties = {} }) => key in properties) ? [parent] : [];
  });
}

function alternatives(schema: JsonSchema): JsonSchema[] {
  return [schema, ...(schema.anyOf ?? [])];
}
