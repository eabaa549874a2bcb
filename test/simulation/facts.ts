/** Where everything stands, for the message of a run that failed. */
import type { Log } from './log-account.ts';
import { folder, type SimulatedLogs } from './logs.ts';
import type { SideName } from './plan.ts';
import type { Side } from './side.ts';

/** What the mirror holds of a log; each byte is a character. */
export function mirrored(centre: Side, { name, script }: Log): string {
  try {
    return centre.disk.readFile(`/out/edge${folder}/${script.mirrorName(name)}`).toString('latin1');
  } catch {
    return '';
  }
}

/** Where the lines are, what both sides say of themselves; all of it with SHOW_ALL in the environment. */
export function factsOf(sides: Readonly<Record<SideName, Side>>, logs: SimulatedLogs): string[] {
  const { edge, centre } = sides;
  const status = edge.disk.crashed ? undefined : edge.agent?.status();
  const sources = status?.collectors
    .flatMap(({ sources }) => sources)
    .map((one) => `${one.name} ${one.offset}/${one.size} ${one.state}`);
  const files = logs.fileNames.map((name) => {
    const stat = edge.disk.world.stat(`${folder}/${name}`);
    return `${name} #${stat.inode} ${stat.sizeBytes}`;
  });
  const problems = [status?.problems, status?.shippers[0]?.state, centre.agent?.status().problems];
  if (process.env.SHOW_ALL) {
    for (const log of logs.logs) console.error(`--- ${log.name}\n${mirrored(centre, log)}`);
    for (const side of [edge, centre])
      for (const e of side.log) console.error(side.name, e.severity, e.event, e.message);
    for (const side of [edge, centre]) console.error(side.said());
  }
  return [
    `files: ${files.join(', ')}`,
    `mirror: ${centre.disk.tree('/out').join(', ')}`,
    `sources: ${sources?.join(', ')}`,
    JSON.stringify([status?.shippers[0]?.totals, centre.agent?.status().collectors[0]?.totals]),
    JSON.stringify(problems),
  ];
}
