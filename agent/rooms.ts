/**
 * From the configuration to the parts: the only place that knows which type of collector or shipper is made by which room,
 * and what each is given. A new type is one more case; the compiler asks for it.
 */
import type { Collector } from '../collectors/ports.ts';
import { createMirrorShipper } from '../shippers/mirror/mirror.ts';
import type { Shipper } from '../shippers/ports.ts';
import type { Intake, Outlet, SpoolStatus } from '../spool/nouns.ts';
import type { CollectorConfiguration, Configuration, ShipperConfiguration } from './config/types.ts';
import type { Host } from './ports.ts';

/** What the parts share. */
export interface RoomContext {
  readonly configuration: Configuration;
  readonly host: Host;
  readonly spool: Spool;
}

/** Stands in until the spool's own type is there. */
interface Spool {
  readonly intake: Intake;
  outlet(name: string, options: { readonly whenFull: 'block' | 'drop_oldest' }): Outlet;
  status(): SpoolStatus;
  close(): Promise<void>;
}

export type Opened =
  | { readonly kind: 'open'; readonly spool: Spool }
  | { readonly kind: 'newer_version'; readonly message: string };

export async function openTheSpool(_configuration: Configuration, _host: Host): Promise<Opened> {
  throw new Error('the spool is not here yet');
}

export function makeCollector(one: CollectorConfiguration, _context: RoomContext): Collector {
  switch (one.type) {
    case 'file':
      throw new Error('the file collector is not here yet');
    case 'blocks':
      throw new Error('the blocks collector is not here yet');
    default:
      throw new Error(`no such collector: ${JSON.stringify(one satisfies never)}`);
  }
}

/** A shipper and its own door to the spool. */
export interface Shipping {
  readonly shipper: Shipper;
  readonly outlet: Outlet;
}

export function makeShipper(one: ShipperConfiguration, context: RoomContext): Shipping {
  const outlet = context.spool.outlet(one.name, { whenFull: one.whenFull });
  return { shipper: shipperFor(one, outlet, context), outlet };
}

function shipperFor(one: ShipperConfiguration, outlet: Outlet, { configuration, host }: RoomContext): Shipper {
  switch (one.type) {
    case 'http':
      throw new Error('the http shipper is not here yet');
    case 'mirror':
      return createMirrorShipper(
        { name: one.name, folder: one.path, stateFolder: `${configuration.dataDir}/mirrors/${one.name}` },
        { outlet, ...host },
      );
    default:
      throw new Error(`no such shipper: ${JSON.stringify(one satisfies never)}`);
  }
}
