/** The parts of the suite by name, in the order in which they run. */
import type { Part } from '../figures.ts';
import type { Options } from '../options.ts';
import { backlog } from './backlog.ts';
import { burst } from './burst.ts';
import { fsyncs } from './fsyncs.ts';
import { idle } from './idle.ts';
import { many } from './many.ts';
import { outage } from './outage.ts';
import { receiverAlone } from './receiver.ts';
import { sockets } from './sockets.ts';
import { trickle } from './trickle.ts';
import { texts, whole } from './whole.ts';

/** Prepares a part (logs, programs); its rounds come later. */
export type PartMaker = (folder: string, options: Options) => Part;

export const parts: Readonly<Record<string, PartMaker>> = {
  whole,
  texts,
  many,
  trickle,
  idle,
  outage,
  backlog,
  receiver: receiverAlone,
  fsyncs,
  sockets,
};

export const longParts: Readonly<Record<string, PartMaker>> = { burst, backlog, outage };
