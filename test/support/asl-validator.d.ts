/** As much of the package as is used here; it comes without types. */
declare module "asl-validator" {
  export default function validate(definition: unknown): { isValid: boolean; errorsText(): string };
}
