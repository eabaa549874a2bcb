import assert from 'node:assert/strict';
import { test } from 'node:test';
import { kinds, planOf, type Step } from './schedule.ts';

const seeds = Array.from({ length: 200 }, (_, seed) => seed);
const stepsOf = (kind: (typeof kinds)[number]) => seeds.flatMap((seed) => planOf({ seed, kills: 50, kind }).steps);

test('the same seed gives the same plan, and a shorter one is its beginning', () => {
  const plan = planOf({ seed: 7, kills: 50, kind: 'clock' });
  assert.deepEqual(planOf({ seed: 7, kills: 50, kind: 'clock' }), plan);
  const { steps } = planOf({ seed: 7, kills: 20, kind: 'clock' });
  assert.deepEqual(plan.steps.slice(0, steps.length), steps);
  assert.notDeepEqual(planOf({ seed: 8, kills: 50, kind: 'clock' }).steps, plan.steps);
});

test('consecutive seeds go through every kind of round', () => {
  const drawn = new Set(seeds.slice(0, kinds.length).map((seed) => planOf({ seed, kills: 1 }).setup.kind));
  assert.deepEqual([...drawn].sort(), [...kinds].sort());
});

test('a round has exactly the kills that were asked for, of every victim, on working and on starting processes', () => {
  const { steps } = planOf({ seed: 3, kills: 50, kind: 'plain' });
  const kills = steps.flatMap((step) => (step.kind === 'kill' ? [step] : []));
  assert.equal(kills.length, 50);
  assert.deepEqual(new Set(kills.map(({ victim }) => victim)), new Set(['agent', 'receiver', 'both']));
  assert.deepEqual(new Set(kills.map(({ answering }) => answering)), new Set([true, false]));
});

test('no process ends in a steady round', () => {
  const ends = stepsOf('steady').filter(({ kind }) => kind === 'kill' || kind === 'restart');
  assert.deepEqual(ends, []);
});

test('every kind of step is drawn somewhere, and freezes last shorter and longer than the time-outs', () => {
  const steps = kinds.flatMap(stepsOf);
  const wanted: Step['kind'][] = ['kill', 'restart', 'freeze', 'network', 'rotate', 'fill', 'clock', 'wait'];
  assert.deepEqual([...new Set(steps.map(({ kind }) => kind))].sort(), wanted.sort());
  const plans = seeds.map((seed) => planOf({ seed, kills: 50, kind: 'plain' }));
  const longer = plans.flatMap(({ setup, steps }) =>
    steps.filter((step) => step.kind === 'freeze').map(({ ms }) => ms > setup.timeoutMs),
  );
  assert.deepEqual(new Set(longer), new Set([true, false]));
});

test('disks are filled and clocks jump only where the round has them', () => {
  for (const seed of seeds) {
    const { setup, steps } = planOf({ seed, kills: 50 });
    for (const step of steps) {
      if (step.kind === 'fill') assert.equal(step.victim, setup.smallDisk);
      if (step.kind === 'clock') assert.ok(setup.clock);
    }
  }
});
