/** What a simulation did, in a few lines: that faults and crashes did happen belongs to the proof. */
import type { CrashResult } from './crashes.ts';
import type { EveryResult } from './every.ts';
import type { WholeResult } from './whole.ts';

export function summary(held: readonly WholeResult[], failed: number, seconds: number): string {
  const sum = (of: (result: WholeResult) => number) => held.reduce((total, result) => total + of(result), 0);
  const both = (key: keyof WholeResult['edge']) => sum(({ edge, centre }) => edge[key] + centre[key]);
  const logs = (key: keyof WholeResult['logs']) => sum((result) => result.logs[key]);
  const themes = Object.groupBy(held, ({ theme }) => theme);
  return [
    `${held.length} runs held, ${failed} failed, in ${seconds.toFixed(1)} s (${Object.entries(themes)
      .map(([theme, results]) => `${results.length} ${theme}`)
      .join(', ')})`,
    `  logs:    ${logs('lines')} lines, ${logs('rotations')} rotations (${logs('compressed')} files compressed), ${logs('truncations')} truncated, ${logs('vanished')} deleted, ${logs('wentBack')} went back after a power cut`,
    `  crashes: ${both('powerCuts')} power cuts, ${both('kills')} kills, ${both('stops')} stops, ${both('starts')} starts, ${both('restores')} snapshots restored`,
    `  faults:  ${sum((result) => result.networkFaults)} of ${sum((result) => result.requests)} requests disturbed, ${sum((result) => result.diskFaults)} faults of disks`,
    `  checked: each line that stands in a file is in the mirror once, in order, byte for byte; ${sum((result) => result.destroyed)} lines were destroyed by the world unread, ${sum((result) => result.toldLostBytes)} bytes were told as lost, in ${sum((result) => result.toldRanges)} ranges, each of which was destroyed, among them the ${sum((result) => result.seenLostBytes)} bytes that had been seen; ${sum((result) => result.repeated)} came twice where an agent was restored or a disk lied or rotted; every counter accounts for everything; ${sum((result) => result.cursors)} cursors were compared with what the receiver has for certain; all of it drained, in ${(sum((result) => result.simulatedSeconds) / 3600).toFixed(1)} simulated hours`,
  ].join('\n');
}

export function crashSummary(held: readonly CrashResult[], failed: number, seconds: number): string {
  const sum = (key: 'schedules' | 'again' | 'operations' | 'faults') =>
    held.reduce((total, one) => total + one[key], 0);
  return `${held.length} scenarios held, ${failed} failed, in ${seconds.toFixed(1)} s: ${sum('schedules')} crash schedules before ${sum('operations')} changes to the disk, ${sum('again')} of them during an opening, ${sum('faults')} faults of disks`;
}

export function everySummary(held: readonly EveryResult[], failed: number, seconds: number): string {
  const sum = (key: 'runs' | 'operations' | 'again') => held.reduce((total, one) => total + one[key], 0);
  return `${held.length} scenarios held, ${failed} failed, in ${seconds.toFixed(1)} s: ${sum('runs')} runs of the whole, crashed before each of ${sum('operations')} changes to a disk, ${sum('again')} of them again during the recovery`;
}
