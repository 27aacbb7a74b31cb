/** Types for the parts of the package that are used here; it has none of its own. */
declare module "asl-validator" {
  export default function validate(definition: unknown): { isValid: boolean; errorsText(): string };
}
