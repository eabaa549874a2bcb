/** A process of its own for runs of a simulation, asked one thing at a time. */
import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Reply, Request } from './worker.ts';

export class WorkerProcess implements Disposable {
  readonly #process: ChildProcess;

  /** `canary`: a bug that is planted in it. */
  constructor(canary?: string) {
    const plant = canary === undefined ? [] : ['--import', new URL('./plant.ts', import.meta.url).href];
    this.#process = fork(fileURLToPath(new URL('./worker.ts', import.meta.url)), [], {
      execArgv: [...process.execArgv, '--disable-warning=ExperimentalWarning', ...plant],
      env: { ...process.env, ...(canary === undefined ? {} : { CANARY: canary }) },
    });
  }

  ask(request: Request): Promise<Reply> {
    const { promise, resolve, reject } = Promise.withResolvers<Reply>();
    const gone = (code: number | null) => reject(new Error(`seed ${request.seed}: the process ended with ${code}`));
    this.#process.once('exit', gone);
    this.#process.once('message', (reply) => {
      this.#process.off('exit', gone);
      resolve(reply as Reply);
    });
    this.#process.send(request);
    return promise;
  }

  [Symbol.dispose](): void {
    this.#process.kill();
  }
}
