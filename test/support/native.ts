/** The native part for datagrams, compiled for running from the sources, where there is a compiler. */
import { compileNative } from '../../build/native.ts';

/** Why tests that need it are skipped; false where they are not. */
export const nativeMissing: string | false = await compileNative().then(
  () => false,
  (error: Error) => `the native part could not be compiled: ${error.message.split('\n', 1)[0]}`,
);
