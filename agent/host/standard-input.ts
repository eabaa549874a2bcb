/** What is piped into this process. The stream is made with the first read: without it nobody pays for one. */
import type { StandardInput } from '../../collectors/ports.ts';
import { Pull } from './pull.ts';

export function hostStandardInput(): StandardInput {
  let pull: Pull | undefined;
  return {
    read(take) {
      pull ??= new Pull(process.stdin);
      return pull.read(take);
    },
    stop: () => pull?.stop(),
  };
}
