/**
 * Planted bugs: each is one small change of the product's source that breaks one rule it rests on, and the kind of run that has to
 * see it, within so many seeds from the first. `canaries.test.ts` holds the simulation to that; `npm run simulate -- --canaries`
 * prints how fast each is caught.
 */
export interface Canary {
  readonly name: string;
  /** What the bug does, for people. */
  readonly what: string;
  readonly file: string;
  /** Stands in the file exactly once, and becomes `to`. */
  readonly from: string;
  readonly to: string;
  /** What has to fail: crash schedules of a spool, runs of the whole, or those with `--shapes`. */
  readonly by: 'crashes' | 'run' | 'shapes';
  /** It has to fail within seeds 1 to this. */
  readonly seedsMax: number;
}

export const canaries: readonly Canary[] = [
  {
    name: 'no directory sync',
    what: 'a new segment is synced, and its name is not',
    file: 'spool/writer.ts',
    from: '[...this.#unsafeFolders]',
    to: '[] as string[]',
    ...{ by: 'crashes', seedsMax: 4 },
  },
  {
    name: 'ship before sync',
    what: 'shippers read what is only in the page cache',
    file: 'spool/spool.ts',
    from: '          durable: () => writer.durable,\n          durableFloor',
    to: '          durable: () => writer.end,\n          durableFloor',
    ...{ by: 'crashes', seedsMax: 4 },
  },
  {
    name: 'durable captured after the sync',
    what: 'what was appended while a sync ran counts as durable',
    file: 'spool/writer.ts',
    from: 'this.#release(count, end);',
    to: 'this.#release(this.#unsynced.count, this.#end);',
    ...{ by: 'crashes', seedsMax: 8 },
  },
  {
    name: 'vouched too high',
    what: 'a block says that all before it is durable',
    file: 'spool/writer.ts',
    from: 'previousEnd, vouched: this.#durable }',
    to: 'previousEnd, vouched: this.#end }',
    ...{ by: 'crashes', seedsMax: 6 },
  },
  {
    name: 'tail kept past damage',
    what: 'blocks behind a hole in the unsynced end count',
    file: 'spool/recovery-plan.ts',
    from: '    return end > vouched ? {',
    to: '    return false ? {',
    ...{ by: 'crashes', seedsMax: 4 },
  },
  {
    name: 'one CRC only',
    what: 'in the unsynced end headers are checked, frames are not',
    file: 'spool/recovery-plan.ts',
    from: 'return sound(item) ? undefined',
    to: 'return sound ? undefined',
    ...{ by: 'crashes', seedsMax: 4 },
  },
  {
    name: 'opening without sync',
    what: 'what a killed process left in the page cache is trusted as it is',
    file: 'spool/newest-safe.ts',
    from: 'for (const segment of segments.slice(-2)) {',
    to: 'for (const segment of segments.slice(0, 0)) {',
    ...{ by: 'crashes', seedsMax: 6 },
  },
  {
    name: 'position reused',
    what: 'after a cut the next segment begins where the good end is',
    file: 'spool/recovery.ts',
    from: 'next: state.next }',
    to: 'next: state.last?.end ?? 0 }',
    ...{ by: 'crashes', seedsMax: 4 },
  },
  {
    name: 'cursor ahead of data',
    what: "a segment's table has the cursors of what is still in memory",
    file: 'spool/writer.ts',
    from: 'encodeTable(this.#durableLedger.toTable(',
    to: 'encodeTable(this.#appended.toTable(',
    ...{ by: 'crashes', seedsMax: 4 },
  },
  {
    name: 'failed sync asked again',
    what: 'a sync that failed is tried again on the same pages',
    file: 'spool/writer.ts',
    from: "      this.#fail(error, 'sync');\n      return;\n",
    to: '      return void error;\n',
    ...{ by: 'crashes', seedsMax: 8 },
  },
  {
    name: 'deleted before the cursor is durable',
    what: 'a segment goes before the cursor that has passed it is on the disk',
    file: 'spool/outlet.ts',
    from: '      await this.#file.save({ spool, cursor, passed });\n      this.#durableCursor = cursor;\n',
    to: '      this.#durableCursor = cursor;\n      this.#host.released();\n      await this.#file.save({ spool, cursor, passed });\n',
    ...{ by: 'crashes', seedsMax: 12 },
  },
  {
    name: 'acknowledged without hash',
    what: 'the agent believes a position that a receiver names, whatever block ends there',
    file: 'shippers/http/native/decide.ts',
    from: 'each.position === row.held && each.hash === row.hash',
    to: 'each.position === row.held',
    ...{ by: 'run', seedsMax: 12 },
  },
  {
    name: 'answer before sync',
    what: 'the receiver acknowledges what is not durable',
    file: 'collectors/blocks/receiver.ts',
    from: '    const { described } = taken.row;\n    await this.#durable();\n',
    to: '    const { described } = taken.row;\n',
    ...{ by: 'run', seedsMax: 4 },
  },
  {
    name: 'no duplicate check',
    what: 'the receiver takes a block that it holds',
    file: 'collectors/blocks/admit.ts',
    from: "  if (block.end < held) return { kind: 'skip' };\n",
    to: "  if (block.end < held) return { kind: 'append' };\n",
    ...{ by: 'run', seedsMax: 10 },
  },
  {
    name: 'frames not checked on the wire',
    what: 'the receiver stores blocks whose records were damaged on their way',
    file: 'collectors/blocks/body.ts',
    from: 'if (!frameMatches(header, frame))',
    to: 'if (false)',
    ...{ by: 'run', seedsMax: 12 },
  },
  {
    name: 'mirror without intent',
    what: 'the mirror does not undo what a crash left half written',
    file: 'shippers/mirror/mirror.ts',
    from: 'if (plan.cut && intent) await cutBack(',
    to: 'if (false && intent) await cutBack(',
    ...{ by: 'run', seedsMax: 10 },
  },
  {
    name: 'mirror cursor before its files',
    what: "the mirror's cursor is saved before its files are durable",
    file: 'shippers/mirror/shelf.ts',
    from: 'running.push(this.#handleOf(target).datasync());',
    to: 'this.#handleOf(target);',
    ...{ by: 'run', seedsMax: 4 },
  },
  {
    name: 'undone and not forgotten',
    what: 'the mirror undoes a batch and still takes its blocks for written',
    file: 'shippers/mirror/mirror.ts',
    from: 'if (plan.cut && intent) this.#written.takeBack(intent.sequence);',
    to: '',
    ...{ by: 'run', seedsMax: 24 },
  },
  {
    name: 'copy not sought',
    what: 'what copytruncate cut off is not looked for in the copy',
    file: 'collectors/file/rotation.ts',
    from: "      if (why !== 'truncated' && why !== 'gone') continue;\n",
    to: '      continue;\n',
    ...{ by: 'run', seedsMax: 24 },
  },
  {
    name: 'lost without a word',
    what: 'what a truncation destroyed unread is not said',
    file: 'collectors/file/resolver.ts',
    from: 'if (highBytes > offset && head.length > 0) {',
    to: 'if (highBytes < 0) {',
    ...{ by: 'run', seedsMax: 24 },
  },
  {
    name: 'lost elsewhere',
    what: 'the range that is said to be lost has the right length and the wrong place',
    file: 'collectors/file/lost.ts',
    from: 'generation.source, from, to }',
    to: 'generation.source, from: 0, to: to - from }',
    ...{ by: 'run', seedsMax: 24 },
  },
  {
    name: 'archive not known again',
    what: 'the compressed form of what was read is read again',
    file: 'collectors/file/rotation.ts',
    from: '    return mayBe && (finished || open || this.lost.has(at)) && this.isCopy(at, file);',
    to: '    return mayBe && false;',
    ...{ by: 'run', seedsMax: 12 },
  },
  {
    name: 'cursor with the line',
    what: "a group's cursor moves with each of its lines, and not with the group",
    file: 'collectors/shared/line-groups.ts',
    from: '      this.#open.contentEnd = contentEnd;\n      return;\n',
    to: '      this.#open.contentEnd = contentEnd;\n      this.#taken = end;\n      return;\n',
    ...{ by: 'shapes', seedsMax: 4 },
  },
  {
    name: 'part forgotten over a rotation',
    what: 'a line that began in a rotated file is not put together with its rest',
    file: 'collectors/containers/shape.ts',
    from: 'this.#closeGroup(this.#streams[stream], false);\n      const end',
    to: 'this.#streams[stream].partial = undefined;\n      const end',
    ...{ by: 'shapes', seedsMax: 12 },
  },
  {
    name: 'going on unsaid',
    what: 'what a cursor remembers of the line before it is forgotten',
    file: 'collectors/containers/shape.ts',
    from: 'this.#memory = unpack(fresh.state);',
    to: 'this.#memory = unpack(0);',
    ...{ by: 'shapes', seedsMax: 12 },
  },
  {
    name: 'half a character',
    what: 'any byte that looks like a line feed ends a line of UTF-16',
    file: 'collectors/shared/encodings.ts',
    from: '    if (isSecond !== this.#isBigEndian) return -1;\n',
    to: '',
    ...{ by: 'shapes', seedsMax: 4 },
  },
];

export function canaryNamed(name: string): Canary {
  const found = canaries.find((canary) => canary.name === name);
  if (found === undefined) throw new Error(`there is no canary "${name}"`);
  return found;
}
