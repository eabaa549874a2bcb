/**
 * One round of torture: agent and receiver as real processes under load and rotation, everything of a plan done to them,
 * and at the end the oracle. It proves nothing about power cuts: the page cache survives a kill.
 */
import * as fs from 'node:fs';
import { join } from 'node:path';
import { type RotationStyle, rotationStyles } from '../end-to-end/rotation.ts';
import { askStatus, until } from '../end-to-end/tailspool.ts';
import { judge } from './oracle.ts';
import { type RoundResult, sayPlan } from './report.ts';
import { Sampler, trendsOf } from './samples.ts';
import { type Plan, sides } from './schedule.ts';
import { World } from './world.ts';

export interface TortureOptions {
  readonly say: (line: string) => void;
  /** One of these is drawn for the whole round; all where it is not given. */
  readonly styles?: readonly RotationStyle[];
}

export async function torture(plan: Plan, { say, styles = rotationStyles }: TortureOptions): Promise<RoundResult> {
  const start = Date.now();
  const style = styles[Math.floor(plan.setup.style * styles.length)]!;
  say(sayPlan(plan, JSON.stringify(style)));
  await using world = await World.make(plan.setup, style);
  const trace = (line: string) => fs.appendFileSync(join(world.pair.folder, 'torture.log'), `${at()} ${line}\n`);
  trace(sayPlan(plan, JSON.stringify(style)));
  using sampler = new Sampler((side) => world.processOf(side));
  await begin(world, plan.setup.files);
  world.rotator?.begin();
  const wrong = [...(await goThrough(world, plan, trace, say))];
  await world.rotator?.stop();
  await world.load.stop();
  await world.calm();
  if (world.rotator) world.done.set('rotation in six styles', world.rotator.rotations);
  trace(`${world.load.lines} lines written; waiting until they have arrived`);
  const trends = trendsOf(
    sampler.samples,
    world.rotator?.rotations ?? (world.done.get('rotation') ?? 0) * plan.setup.files,
  );
  const found = await judge(world, plan.setup, trends);
  wrong.push(...world.wrong, ...found.wrong);
  if (wrong.length > 0) world.pair.kept = true;
  for (const one of wrong) trace(`WRONG: ${one}`);
  const { done, linesBetween, skipped, load } = world;
  const ms = Date.now() - start;
  return { plan, lines: load.lines, done, linesBetween, skipped, trends, verdict: found.verdict, wrong, ms };
}

/** What was rotated away before the first start is not ours to read, so nothing begins before each file was seen once. */
async function begin(world: World, files: number): Promise<void> {
  for (const side of sides) world.start(side);
  world.load.begin();
  const known = async () => {
    const status = await askStatus(world.pair.agentData);
    const found = status?.collectors[0];
    // What has arrived is durable, and so is what was found before it.
    const arrived = status?.shippers.some(({ totals }) =>
      Object.values(totals.collectors).some((one) => one.acknowledged.records > 0),
    );
    return found !== undefined && found.sources.length + found.sourcesOmitted >= files && arrived === true;
  };
  await until('each file to be known', known, () => world.pair.describe());
}

/** Stops at the first step that cannot be done; what was lost until then is still looked for. */
async function goThrough(
  world: World,
  plan: Plan,
  trace: (line: string) => void,
  say: (line: string) => void,
): Promise<string[]> {
  let kills = 0;
  for (const [index, step] of plan.steps.entries()) {
    trace(`step ${index}: ${JSON.stringify(step)}`);
    try {
      await world.do(step);
    } catch (error) {
      return [`step ${index}, ${JSON.stringify(step)}: ${(error as Error).message}`];
    }
    if (step.kind !== 'kill') continue;
    kills += 1;
    if (kills % 10 === 0) say(`${kills} kills, ${world.load.lines} lines written`);
  }
  return [];
}

function at(): string {
  return new Date().toISOString().slice(11, 23);
}
