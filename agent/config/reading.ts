/** What commands need of the code that reads configurations. Loaded through `code.ts` only. */
export { checkSecretFiles } from './host-checks.ts';
export { configurationJsonSchema } from './json-schema.ts';
export { loadConfiguration, loadedFrom, parseConfiguration } from './load.ts';
