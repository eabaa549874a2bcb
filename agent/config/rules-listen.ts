/** What has to fit together in a collector that listens in several ways (`listen: { udp: …, tcp: … }`). Pure. */
import type { Finding, KeyPath } from './findings.ts';
import { error, warning } from './rule-findings.ts';
import { isLoopback } from './rules-destination.ts';
import type { Address } from './types.ts';

interface Listens {
  readonly listen: {
    readonly udp?: Address | undefined;
    readonly tcp?: Address | undefined;
    readonly tls?: Address | undefined;
  };
  readonly tls?: object | undefined;
}

/** Errors, of which the first is enough. `ways`: for people, what may stand in `listen`. */
export function checkListeners(path: KeyPath, { listen, tls }: Listens, ways: string): Finding[] {
  const at = [...path, 'listen'];
  if (Object.values(listen).every((each) => each === undefined))
    return [error(at, 'it listens nowhere', `name one of ${ways}`)];
  if (listen.tls !== undefined && tls === undefined)
    return [error([...at, 'tls'], 'TLS needs a certificate', 'give `tls: { cert: …, key: … }` beside `listen`')];
  if (listen.tls === undefined && tls !== undefined)
    return [error([...path, 'tls'], 'nothing listens with TLS', 'name an address at `listen.tls`, or take this out')];
  return [];
}

/** Warnings where anybody may come. */
export function checkReach(path: KeyPath, { listen: { udp, tcp } }: Listens): Finding[] {
  return Object.entries({ udp, tcp }).flatMap(([key, address]) => {
    if (address === undefined || isLoopback(address.host)) return [];
    const message = 'anybody who reaches this address can write records, and read on the way what others send';
    const hint = 'listen on 127.0.0.1, or see to it that the network is trusted';
    return [warning([...path, 'listen', key], message, hint)];
  });
}
