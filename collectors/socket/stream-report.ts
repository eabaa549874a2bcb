/** What a listener of streams has to tell: how many there are, who was refused, and what a person may want to do about it. */
import type { Clock, Problem } from '../../spool/ports.ts';
import type { StreamCounts, StreamListening } from '../socket-ports.ts';
import { Notice } from './notices.ts';

export class StreamReport {
  readonly #notices: readonly { readonly count: (counts: StreamCounts) => number; readonly notice: Notice }[];
  #listening: StreamListening | undefined;

  constructor(name: string, clock: Clock) {
    const notice = (cause: string, hint: string, message: (count: number) => string) =>
      new Notice({ cause, subject: name, hint, message }, clock);
    this.#notices = [
      {
        count: (counts) => counts.refusedByLimit + counts.refusedByPeerLimit,
        notice: notice(
          'connections_refused',
          'Raise `connections_max` or `connections_per_peer_max`, or find out who opens so many.',
          (count) => `${count} connections were closed at once: there were as many as allowed.`,
        ),
      },
      {
        count: ({ certificatesRefused, handshakesFailed, handshakesTimedOut }) =>
          certificatesRefused + handshakesFailed + handshakesTimedOut,
        notice: notice(
          'handshakes_failed',
          'A client without TLS, with another authority, or without a certificate; the log names those whose certificate was refused.',
          (count) => `${count} TLS handshakes failed.`,
        ),
      },
    ];
  }

  bound(listening: StreamListening): void {
    this.#listening = listening;
  }

  problems(): Problem[] {
    const counts = this.#listening?.counts;
    if (counts === undefined) return [];
    return this.#notices.flatMap(({ count, notice }) => notice.look(count(counts)) ?? []);
  }

  gauges(): Record<string, number> {
    const { connections = 0, handshaking = 0, counts } = this.#listening ?? {};
    return {
      connections,
      connections_handshaking: handshaking,
      connections_accepted: counts?.accepted ?? 0,
      connections_refused: (counts?.refusedByLimit ?? 0) + (counts?.refusedByPeerLimit ?? 0),
      connections_closed_idle: counts?.closedIdle ?? 0,
      handshakes_failed: (counts?.handshakesFailed ?? 0) + (counts?.handshakesTimedOut ?? 0),
      certificates_refused: counts?.certificatesRefused ?? 0,
    };
  }
}
