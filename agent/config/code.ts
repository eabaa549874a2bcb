/**
 * The code that reads configurations: the schema, and the packages that it takes. It is needed once, and takes a few MiB; so the
 * executable has it as a script of its own, which goes when nobody holds what this gives (`build/executable/bundle.ts`).
 */
export function configurationCode(): Promise<typeof import('./reading.ts')> {
  return import('./reading.ts');
}
