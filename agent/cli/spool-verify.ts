/**
 * `tailspool spool verify`: is every byte of a spool, and of the dead letters beside it, sound. Works on a spool that is in use or not, and changes nothing. Ends
 * with 1 where something is damaged.
 */
import { inspect, type Place } from '../../spool/inspect.ts';
import { type Finding, type Verdict, verifySpool } from '../../spool/verify.ts';
import { deadPlaces } from '../dead/look.ts';
import type { Host } from '../ports.ts';
import { count, size } from '../status/units.ts';
import { type Command, type CommandContext, exitCodes, type SpoolOptions } from './commands.ts';
import { lookInto } from './spool-place.ts';

/** A block that is being written is whole after this time, unless the disk stands still. */
const unfinishedLooks = 10;
const unfinishedDelayMs = 200;
const findingsShownMax = 1000;

export const spoolVerifyCommand: Command<SpoolOptions> = async (options, context) => {
  const looking = await lookInto(options, context);
  if (!looking) return exitCodes.usage;
  const { host, place } = looking;
  const whole = place.segments === `${options.directory}/spool`;
  const dead = whole ? deadPlaces(host.files, options.directory) : [];
  const places = [{ label: '', place }, ...dead.map(({ shipper, place }) => ({ label: `dead/${shipper}: `, place }))];
  let findings = 0;
  for (const each of places) findings += await verifyOne(each, host, context);
  return findings > 0 ? exitCodes.runtime : exitCodes.ok;
};

/** How much is wrong with one spool. */
async function verifyOne(
  { label, place }: { readonly label: string; readonly place: Place },
  host: Host,
  context: CommandContext,
): Promise<number> {
  let findings = 0;
  const tell = (finding: Finding) => {
    if (++findings <= findingsShownMax) context.err(`${label}${lineOf(finding)}\n`);
  };
  const verdict = verifySpool(host.files, host.codec, place, tell);
  const { unfinished } = verdict;
  if (unfinished) {
    if (await becomesWhole(host, place, unfinished.position))
      context.err(`tailspool: ${label}the last block is being written\n`);
    else
      tell({
        where: unfinished.segment,
        position: unfinished.position,
        bytes: unfinished.bytes,
        what: `the end is torn (${unfinished.why}); it was never acknowledged, and the next start sets it aside`,
      });
  }
  if (findings > findingsShownMax) context.err(`… and ${findings - findingsShownMax} more\n`);
  await context.out(`${label}${summaryOf(verdict, findings)}\n`);
  return findings;
}

async function becomesWhole(host: Host, place: Place, position: number): Promise<boolean> {
  for (let look = 0; look < unfinishedLooks; look++) {
    await new Promise<void>((resolve) => setTimeout(resolve, unfinishedDelayMs));
    const [segment, next] = inspect(host.files, place, position);
    // Gone, cut back by the process that writes, or whole by now.
    if (segment?.kind !== 'segment' || next?.kind !== 'damage') return true;
  }
  return false;
}

function lineOf({ where, position, bytes, what }: Finding): string {
  const at = position === undefined ? '' : ` at ${position}${bytes > 0 ? ` (${bytes} bytes)` : ''}`;
  return `${where}${at}: ${what}`;
}

function summaryOf(verdict: Verdict, findings: number): string {
  const { segments, blocks, records, rawBytes, diskBytes } = verdict;
  const counts = [count(segments, 'segment'), count(blocks, 'block'), count(records, 'record')].join(', ');
  const what = `${counts}, ${size(rawBytes)} of records in ${size(diskBytes)}`;
  return findings === 0 ? `sound: ${what}` : `damaged in ${count(findings, 'place')}; the rest: ${what}`;
}
