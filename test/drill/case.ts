/**
 * One case of the drill: the scene with one damage, both sides started again, some more lines written, everything drained.
 * Tells what became of every line, and what the agents said about it.
 */

import { imbalances } from '../../agent/status/conservation.ts';
import type { AgentStatus } from '../../agent/status/status.ts';
import { findSpool } from '../../spool/inspect.ts';
import type { DropReason, Tally } from '../../spool/nouns.ts';
import { type Finding, verifySpool } from '../../spool/verify.ts';
import { SimulatedClock } from '../simulation/clock.ts';
import { SimulatedDisk } from '../simulation/disk.ts';
import { afterPowerCut } from '../simulation/power-cut.ts';
import { SeededRandom } from '../simulation/random.ts';
import { codec } from '../spool/temporary-spool.ts';
import { Network } from '../wire/network.ts';
import { apply, type Damage } from './damage.ts';
import { configurations, filesBelow, LogWriter, linesIn, linesOf, type Scene, type SideName, sides } from './scene.ts';
import { Station } from './station.ts';

export interface Outcome {
  /** Lines of the scene that are nowhere in the mirror. */
  readonly lost: readonly string[];
  readonly repeated: readonly string[];
  readonly invented: readonly string[];
  /** Lines written after the damage that are not in the mirror exactly once, or out of order. */
  readonly newWrong: readonly string[];
  /** Lines that came behind later ones of their file. */
  readonly outOfOrder: readonly string[];
  /** What the metrics say was dropped, by side, shipper ('' before the spool) and reason. */
  readonly dropped: Readonly<Record<string, Tally>>;
  /** What verify finds before the start, and after the clean stop. */
  readonly before: readonly Finding[];
  readonly after: readonly Finding[];
  /** What the damaged side said: notes of the recovery, and log events. */
  readonly said: readonly string[];
  readonly problems: readonly string[];
  readonly imbalances: readonly string[];
}

const drainMsMax = 120_000;

export async function runCase(scene: Scene, damage: Damage | undefined, seed: number): Promise<Outcome> {
  const clock = new SimulatedClock(scene.at + 5000);
  const network = new Network(clock);
  const random = new SeededRandom(seed);
  const world = { clock, network, random };
  const station = (name: SideName): Station => {
    const disk = new SimulatedDisk({ clock }, afterPowerCut(scene.disks[name], [], 0));
    return new Station(name, configurations[name], disk, world);
  };
  const [edge, centre] = [station('edge'), station('centre')];
  const hurt = damage?.side === 'centre' ? centre : edge;
  if (damage) apply(hurt.disk, damage);
  const before = verify(hurt.disk);

  await centre.start();
  await edge.start();
  const writer = new LogWriter(edge.disk, random, scene.written);
  const expected = () => [...writer.written.values()].join('').split('\n').length - 1;
  writer.some(3);
  await clock.advance(1500);
  writer.some(3);
  let settled = '';
  for (let waited = 0; waited < drainMsMax; waited += 1500) {
    await clock.advance(1500);
    const state = `${linesOf(centre.disk).length} ${waiting(edge)} ${waiting(centre)}`;
    if (linesOf(centre.disk).length >= expected() && state.endsWith(' 0 0')) break;
    // Something is lost: nothing moves any more.
    if (state === settled && waited > 6000) break;
    if (waited % 4500 === 0) settled = state;
  }
  const statuses = { edge: edge.agent.status(), centre: centre.agent.status() };
  const said = hurt.log.filter(({ severity }) => severity !== 'info' && severity !== 'debug');
  await edge.stop();
  await centre.stop();
  return {
    ...compare(scene, writer.written, centre.disk),
    dropped: { ...droppedOf('edge', statuses.edge), ...droppedOf('centre', statuses.centre) },
    before,
    after: verify(hurt.disk),
    said: [...(statuses[hurt.name as SideName].spool.recovered ?? []), ...said.map((e) => `${e.event}: ${e.message}`)],
    problems: sides.flatMap((side) =>
      statuses[side].problems.map(
        ({ part, cause, message, red }) => `${side} ${part} ${cause}${red ? ' (red)' : ''}: ${message}`,
      ),
    ),
    imbalances: sides.flatMap((side) => imbalances(statuses[side]).map((one) => `${side} ${JSON.stringify(one)}`)),
  };
}

function waiting(station: Station): number {
  return station.agent.status().shippers.reduce((sum, shipper) => sum + shipper.waiting.records, 0);
}

function verify(disk: SimulatedDisk): Finding[] {
  const findings: Finding[] = [];
  const place = findSpool(disk.world, '/data');
  if (!place) return [{ where: 'spool', position: undefined, bytes: 0, what: 'there is none' }];
  const { unfinished } = verifySpool(disk.world, codec, place, (finding) => findings.push(finding));
  if (unfinished) findings.push({ where: unfinished.segment, ...unfinished, what: `torn: ${unfinished.why}` });
  return findings;
}

function droppedOf(side: SideName, status: AgentStatus): Record<string, Tally> {
  const dropped: Record<string, Tally> = {};
  const put = (name: string, tallies: Readonly<Partial<Record<DropReason, Tally>>>) => {
    for (const [reason, tally] of Object.entries(tallies)) dropped[`${side} ${name} ${reason}`] = tally;
  };
  for (const collector of status.collectors) put('', collector.totals.dropped);
  for (const shipper of status.shippers)
    for (const totals of Object.values(shipper.totals.collectors)) put(shipper.name, totals.dropped);
  return dropped;
}

function compare(
  scene: Scene,
  written: ReadonlyMap<string, string>,
  centre: SimulatedDisk,
): Pick<Outcome, 'lost' | 'repeated' | 'invented' | 'newWrong' | 'outOfOrder'> {
  const arrived = linesOf(centre);
  const times = new Map<string, number>();
  for (const line of arrived) times.set(line, (times.get(line) ?? 0) + 1);
  const lost: string[] = [];
  const newWrong: string[] = [];
  const known = new Set<string>();
  for (const [name, text] of written) {
    const old = scene.written.get(name)!.split('\n').length - 1;
    for (const [index, line] of text.split('\n').slice(0, -1).entries()) {
      known.add(line);
      if (index >= old && times.get(line) !== 1) newWrong.push(line);
      if (index < old && !times.has(line)) lost.push(line);
    }
  }
  return {
    ...{ lost, newWrong },
    repeated: [...times].filter(([, count]) => count > 1).map(([line]) => line),
    invented: arrived.filter((line) => !known.has(line)),
    outOfOrder: late(centre),
  };
}

/** In each file of the mirror the lines of a log come in the order of their numbers, those that come again left out. */
function late(centre: SimulatedDisk): string[] {
  return filesBelow(centre, '/out').flatMap((path) => {
    let last = 0;
    return [...new Set(linesIn(centre, path))].filter((line) => {
      const number = Number(line.split(' ')[1]);
      const isLate = number < last;
      last = Math.max(last, number);
      return isLate;
    });
  });
}
