/** A transport to whichever of a destination's addresses is used at the moment. Connections to an address are opened when it is first needed. */
import type { Transport, TransportAnswer, TransportRequest } from '../../ports.ts';
import type { Addresses } from './addresses.ts';
import { withoutEchoes } from './echo.ts';

export interface RouteWorld {
  readonly addresses: Addresses;
  open(url: string): Transport;
  /** Each answer, whatever it is, and what the transport warns of. */
  heard(answer: TransportAnswer, warning: string | undefined): void;
}

/** The `url` of a request is that of the address. */
export type RouteRequest = Omit<TransportRequest, 'url'>;

export class Route {
  readonly #world: RouteWorld;
  readonly #open = new Map<string, Transport>();

  constructor(world: RouteWorld) {
    this.#world = world;
  }

  async send(request: RouteRequest): Promise<TransportAnswer> {
    const url = this.#world.addresses.current;
    const transport = this.#transportTo(url);
    const answer = await transport.send({ ...request, url });
    this.#world.heard(answer, transport.warning);
    return answer.status < 300 ? answer : withoutEchoes(answer, request.headers);
  }

  async close(): Promise<void> {
    await Promise.all([...this.#open.values()].map((transport) => transport.close()));
  }

  #transportTo(url: string): Transport {
    let transport = this.#open.get(url);
    if (transport === undefined) {
      transport = this.#world.open(url);
      this.#open.set(url, transport);
    }
    return transport;
  }
}
