/** Each fault that the simulation found, as the small plan that it was shrunk to. */
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import type { Plan } from './plan.ts';
import { runWhole } from './whole.ts';

interface Found {
  readonly what: string;
  readonly plan: Plan;
}

const found = JSON.parse(readFileSync(new URL('./found.json', import.meta.url), 'utf8')) as Found[];

for (const { what, plan } of found) test(what, async () => void (await runWhole(plan)));
