/**
 * A listener's certificates, which may be replaced while it runs: new connections use the new ones at once, and those that were made with the
 * old ones end with their next answer, so that a client authority that was taken back does not live on in them.
 */

import type { Socket } from 'node:net';
import type { Server, TLSSocket, TlsOptions } from 'node:tls';
import type { ListenOptions } from '../../collectors/ports.ts';
import type { Log } from '../../spool/ports.ts';
import { CertificateSource } from './certificates.ts';

export class ServerTls {
  readonly #certificates: CertificateSource;
  readonly #certFile: string;
  readonly #log: Log;
  readonly #own: TlsOptions;
  readonly #asksForOne: boolean;
  readonly #madeWith = new WeakMap<Socket, number>();
  #generation = 0;
  #reported: string | undefined;

  /** Throws with the name of a file that cannot be used. */
  constructor(tls: NonNullable<ListenOptions['tls']>, log: Log) {
    const { certFile, keyFile, clientCaFile, minVersion } = tls;
    this.#certificates = new CertificateSource({ caFile: clientCaFile, certFile, keyFile });
    this.#certFile = certFile;
    this.#log = log;
    this.#own = {
      minVersion: minVersion === '1.3' ? 'TLSv1.3' : 'TLSv1.2',
      requestCert: clientCaFile !== undefined,
      // Node would cut the connection off without a word; `refusal` has every request answered with the reason instead.
      rejectUnauthorized: false,
    };
    this.#asksForOne = clientCaFile !== undefined;
  }

  get options(): TlsOptions {
    return { ...this.#own, ...this.#certificates.current };
  }

  watch(server: Server): void {
    // before the handshake of the connection that asks
    server.prependListener('connection', () => this.#look(server));
    server.on('secureConnection', (socket) => this.#madeWith.set(socket, this.#generation));
  }

  /** Why a client's certificate is not accepted; undefined where it is, or none is asked for. Nothing is read of a request that is refused. */
  refusal(socket: Socket): string | undefined {
    const { authorized, authorizationError } = socket as TLSSocket;
    if (!this.#asksForOne) return undefined;
    // Both are asked: versions of Node have counted a resumed session without any certificate as verified.
    if (authorized === true && (socket as TLSSocket).getPeerX509Certificate() !== undefined) return undefined;
    // Node's types say Error; it is its code
    return /^[A-Z_]{1,60}$/.exec(String(authorizationError ?? ''))?.[0] ?? 'NO_CERTIFICATE';
  }

  /** True where the connection's next answer has to be its last. Looks whether the files have changed. */
  isStale(server: Server, socket: Socket): boolean {
    this.#look(server);
    return (this.#madeWith.get(socket) ?? this.#generation) < this.#generation;
  }

  #look(server: Server): void {
    if (this.#certificates.changed()) {
      server.setSecureContext(this.options);
      this.#generation++;
      const message = 'the certificate files changed, and are used from now on';
      this.#log.write({ severity: 'info', event: 'listener.certificate_changed', subject: this.#certFile, message });
    }
    const { problem } = this.#certificates;
    if (problem?.message === this.#reported) return;
    this.#reported = problem?.message;
    if (problem === undefined) return;
    const message = `the certificate files changed but cannot be used, the previous ones stay in use: ${problem.message}`;
    this.#log.write({ severity: 'warn', event: 'listener.certificate', subject: this.#certFile, message });
  }
}
