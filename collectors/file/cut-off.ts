/**
 * A log that always begins alike: was it cut off since it was read, though the bytes before the cursor are the same? Pure.
 */
import {
  type Comparison,
  commonStartBytesMax,
  isCopiedBeforeCut,
  isYoung,
  type KnownGeneration,
  type StandingFile,
} from './standing.ts';

/**
 * The newest generation, if the file at its path begins with what was read of it and is another one all the same: what was read
 * is little, and there is a copy of it that the file at the path cannot have been the original of unless it was cut off since.
 */
export function findCutOff(
  known: readonly KnownGeneration[],
  standing: readonly StandingFile[],
  comparison: Comparison,
  newerThanMs: number,
): number | undefined {
  const newest = known.length - 1;
  const current = standing.findIndex((file) => file.current);
  const { offset } = known[newest] ?? { offset: 0 };
  if (current === -1 || offset === 0 || offset >= commonStartBytesMax) return undefined;
  if (comparison.likeness(newest, current).kind !== 'itself') return undefined;
  const isAnothers = (file: number) =>
    known.some((one, at) => {
      const { kind } = comparison.likeness(at, file);
      return (
        kind === 'itself' ||
        (kind === 'copy' && (one.offset > offset || (at !== newest && one.offset === standing[file]!.sizeBytes)))
      );
    });
  const showsIt = (copy: StandingFile, file: number) =>
    copy.related &&
    !copy.current &&
    isYoung(copy, newerThanMs) &&
    comparison.likeness(newest, file).kind === 'copy' &&
    !isAnothers(file) &&
    (isCopiedBeforeCut(copy, standing[current]!) || !comparison.startsAlike(current, file));
  return standing.some(showsIt) ? newest : undefined;
}
