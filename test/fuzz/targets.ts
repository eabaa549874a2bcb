/** Every decoder that reads disk, wire, configuration or what people type. */
import { framingTargets } from './framing-targets.ts';
import { lineTargets } from './line-targets.ts';
import { peopleTargets } from './people-targets.ts';
import { spoolTargets } from './spool-targets.ts';
import { stateTargets } from './state-targets.ts';
import { streamTargets } from './stream-targets.ts';
import { syslogTargets } from './syslog-targets.ts';
import type { Target } from './target.ts';
import { webTargets } from './web-targets.ts';
import { wireTargets } from './wire-targets.ts';

export const targets: readonly Target[] = [
  ...spoolTargets,
  ...stateTargets,
  ...wireTargets,
  ...streamTargets,
  ...framingTargets,
  ...syslogTargets,
  ...webTargets,
  ...lineTargets,
  ...peopleTargets,
];
